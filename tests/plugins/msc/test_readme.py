"""What the README promises can be pasted, and its table of defaults is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from hookbus.settings.settings import build
from hookbus_msc.settings import MscSettings

README = (Path(__file__).parents[3] / "plugins" / "msc" / "README.md").read_text(encoding="utf-8")


def test_the_settings_in_the_readme_are_valid() -> None:
    """Every key of every table that is shown is known, and the values contradict nothing."""
    shown = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert len(shown) == 2
    for text in shown:
        table = tomllib.loads(text)["plugins"]["msc"]
        assert build(MscSettings, table).model_fields_set == set(table)


def test_the_table_of_limits_is_that_of_the_defaults() -> None:
    """Who reads the README knows what is in force."""
    for key in ("minimum_confidence", "maximum_risk_per_trade", "maximum_positions"):
        (row,) = re.findall(rf"^\| `{key}` \|(.*)\|$", README, re.MULTILINE)
        values = [float(cell) for cell in row.split("|")]
        assert values == [float(getattr(limits, key)) for limits in MscSettings().limits]


def test_the_table_of_inputs_is_that_of_the_defaults() -> None:
    """The two thresholds of each input are the numbers in its row."""
    for name in ("drawdown", "daily_loss", "volatility", "hit_rate"):
        (row,) = re.findall(rf"^\| `{name}` \|.*\|(.*)\|(.*)\|$", README, re.MULTILINE)
        shown = [float(re.findall(r"\d+\.\d+", cell)[0]) for cell in row]
        settings = getattr(MscSettings(), name)
        assert shown == [settings.normal, settings.defensive]
