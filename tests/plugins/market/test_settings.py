"""The settings of the market plugin."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hookbus_market.settings import (
    ColumnSettings,
    FileSettings,
    MarketSettings,
    SyntheticSettings,
)
from pydantic import ValidationError

README = Path(__file__).parents[3] / "plugins" / "market" / "README.md"


def test_nothing_must_be_set() -> None:
    """The plugin can be installed without being used."""
    settings = MarketSettings()
    assert (settings.files, settings.synthetic, settings.on_bad_row) == ((), None, "error")


def test_a_file_may_be_just_a_path() -> None:
    """The short form means the same as a table with a path alone."""
    short = MarketSettings.model_validate({"files": ["a.csv"]})
    assert short == MarketSettings.model_validate({"files": [{"path": "a.csv"}]})


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (FileSettings, {"path": "a", "time_zone": "Mars/Base"}, "'Mars/Base' is no time zone"),
        (FileSettings, {"path": "a", "time_zone": "../etc"}, "is no time zone"),
        (FileSettings, {"path": "a", "time_zone": ""}, "is no time zone"),
        (FileSettings, {"path": "a", "time_format": "%H"}, "'%H' is no time format"),
        (FileSettings, {"path": "a", "delimiter": ",,"}, "delimiter"),
        (FileSettings, {"path": "a", "symbol": ""}, "symbol"),
        (FileSettings, {"path": "a", "interval": 0}, "interval"),
        (FileSettings, {"path": "a", "colums": {}}, "colums"),
        (FileSettings, {}, "path"),
        (ColumnSettings, {"time": 0}, "time"),
        (SyntheticSettings, {"symbols": []}, "symbols"),
        (SyntheticSettings, {"symbols": ["A", "A"]}, "a symbol is named twice"),
        (SyntheticSettings, {"start": "soon"}, "start"),
        (SyntheticSettings, {"volatility": "nan"}, "volatility"),
        (SyntheticSettings, {"drift": "nan"}, "drift"),
        (SyntheticSettings, {"bars": -1}, "bars"),
        (MarketSettings, {"on_bad_row": "ignore"}, "on_bad_row"),
        (MarketSettings, {"on_jump": "ignore"}, "on_jump"),
        (MarketSettings, {"maximum_gap": 0.5}, "maximum_gap 0.5 makes every bar a gap"),
        (MarketSettings, {"maximum_jump": -0.1}, "maximum_jump"),
        (
            MarketSettings,
            {"maximum_jump": 0, "on_jump": "skip"},
            "on_jump 'skip' has no effect with maximum_jump 0",
        ),
        (
            FileSettings,
            {"path": "a", "symbol": "X", "symbols": ["A", "B"]},
            "symbol 'X' is not among symbols A, B",
        ),
        (FileSettings, {"path": "a", "symbols": []}, "symbols"),
    ],
)
def test_what_makes_no_sense_is_refused(model: Any, data: dict[str, Any], message: str) -> None:
    """A mistake in the settings is found before any file is opened."""
    with pytest.raises(ValidationError, match=message):
        model.model_validate(data)


def test_utc_is_the_zone_unless_set() -> None:
    """The usual zone takes the fast way."""
    assert FileSettings(path=Path("a")).zone is UTC
    assert str(FileSettings(path=Path("a"), time_zone="Europe/Berlin").zone) == "Europe/Berlin"


def test_the_start_is_in_utc_unless_it_has_an_offset() -> None:
    """It is read as the start of the clock is."""
    for start in ("2024-01-01T00:00:00", "2024-01-01T00:00:00Z", "2024-01-01T02:00:00+02:00"):
        settings = SyntheticSettings.model_validate({"start": start})
        assert settings.start == datetime(2024, 1, 1, tzinfo=UTC)
        assert settings.start.tzinfo is UTC


@pytest.mark.parametrize("model", [ColumnSettings, FileSettings, MarketSettings, SyntheticSettings])
def test_every_setting_says_what_it_means(model: Any) -> None:
    """The configuration reference is made of the descriptions."""
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_the_examples_of_the_readme_are_valid() -> None:
    """What the README shows can be pasted."""
    examples = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        MarketSettings.model_validate(tomllib.loads(example)["plugins"]["market"])
