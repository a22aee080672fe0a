"""What the README promises can be pasted, and what it shows is what comes out."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from hookbus.settings.settings import build
from hookbus_opprank.settings import OpprankSettings

from tests.plugins.opprank.makers import SHARES, needs_data, read_daily
from tests.plugins.opprank.running import play

README = Path(__file__).parents[3] / "plugins" / "opprank" / "README.md"


def shown(language: str) -> str:
    """The one block of a language in the README."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = blocks
    return str(block)


def test_the_settings_in_the_readme_are_valid() -> None:
    """The configuration shown there names known keys only."""
    (table,) = tomllib.loads(shown("toml"))["plugins"].values()
    assert build(OpprankSettings, table).model_fields_set == set(table)


@needs_data
def test_the_example_in_the_readme_comes_out_as_it_is_shown(tmp_path: Path) -> None:
    """The summary and the last event over the genuine bars are the ones on the page."""
    series = [read_daily(name, symbol) for symbol, name in SHARES.items()]
    script = sorted((bar for bars in series for bar in bars), key=lambda bar: bar.time)
    settings = tomllib.loads(shown("toml"))["plugins"]["opprank"]
    outcome = play([bar for bar in script if bar.time.year < 2015], tmp_path, settings)
    rows = [re.split(r"\s{2,}", line, maxsplit=1) for line in shown("text").splitlines()]
    assert rows == [[title, value] for title, value in outcome.summary.items()]
    assert json.loads(shown("json")) == json.loads(outcome.rankings[-1].model_dump_json())
