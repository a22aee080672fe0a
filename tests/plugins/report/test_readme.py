"""The README says what the code does."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hookbus_report.glossary import GLOSSARY
from hookbus_report.settings import ReportSettings

README = Path(__file__).parents[3] / "plugins" / "report" / "README.md"


def test_every_metric_is_defined_in_the_readme() -> None:
    """Its table has the title, the formula and the source of each, in their order."""
    lines = README.read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("| ")]
    rows = [f"| {one.title} | {one.meaning} | {one.source} |" for one in GLOSSARY]
    start = table.index(rows[0])
    assert table[start : start + len(rows)] == rows


def test_the_settings_of_the_readme_are_the_defaults() -> None:
    """Its example names every setting with its default; only the file has none."""
    text = README.read_text(encoding="utf-8")
    example = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])["plugins"]["report"]
    assert ReportSettings(**{**example, "file": None}) == ReportSettings()
    assert set(example) == set(ReportSettings.model_fields)
