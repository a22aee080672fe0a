"""Genuine prices: every file loads as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hookbus_market.errors import refuse
from hookbus_market.feed import open_feed
from hookbus_market.settings import MarketSettings
from hookbus_trading import Bar

from tests.plugins.market.makers import DATA, needs_data, read

pytestmark = needs_data


def bar(time: str, *numbers: float, adjusted: float | None = None) -> dict[str, Any]:
    """The fields of a bar, in the order in which files have them."""
    names = ("open", "high", "low", "close", "volume")
    fields: dict[str, Any] = dict(zip(names, numbers, strict=True))
    return {**fields, "time": datetime.fromisoformat(time).replace(tzinfo=UTC),
            "adjusted_close": adjusted}  # fmt: skip


FILES = {
    "eurusd-1h": (
        5_000,
        bar("2017-04-19 09:00", 1.0716, 1.0722, 1.07083, 1.07219, 1413),
        bar("2018-02-07 15:00", 1.23427, 1.23444, 1.22904, 1.22904, 6143),
    ),
    "btcusd-1mo": (
        156,
        bar("2012-01-31", 4.58, 7.38, 3.8, 5.55, 2012.25343589),
        bar("2024-12-31", 96515.0, 108364.0, 92092.0, 93381.0, 25342.80228337),
    ),
    "nvda-1999-2014-1d": (
        4_012,
        bar("1999-01-22", 1.75, 1.953125, 1.552083, 1.640625, 67867200, adjusted=1.518424),
        bar("2014-12-31", 20.4, 20.51, 19.99, 20.049999, 4157500, adjusted=19.425875),
    ),
    "orcl-1995-2014-1d": (
        5_036,
        bar("1995-01-03", 2.179012, 2.191358, 2.117284, 2.117284, 36301200, adjusted=1.883304),
        bar("2014-12-31", 45.450001, 45.560001, 44.970001, 44.970001, 13269200,
            adjusted=42.303135),
    ),
    "yhoo-1996-2015-1d": (
        4_965,
        bar("1996-04-12", 1.052083, 1.791667, 1.020833, 1.375, 408720000, adjusted=1.375),
        bar("2015-12-31", 33.220001, 33.689999, 33.18, 33.259998, 7423300, adjusted=33.259998),
    ),
    "index-2006-1min": (
        30_889,
        bar("2006-01-02 09:01", 3602, 3603, 3597, 3599, 5699),
        bar("2006-02-27 22:00", 3840, 3840, 3838, 3838, 327),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_loads_without_any_setting(name: str) -> None:
    """Every row becomes a bar, and the first and the last are those of the file."""
    count, first, last = FILES[name]
    bars = read(DATA / f"{name}.csv")
    assert len(bars) == count
    assert bars[0] == Bar(symbol=name, **first)
    assert bars[-1] == Bar(symbol=name, **last)


def test_all_files_are_one_feed() -> None:
    """Hourly, daily, monthly and one-minute bars come in the order of time, none of them lost."""
    settings = MarketSettings.model_validate(
        {"files": [str(DATA / f"{name}.csv") for name in FILES]}
    )
    feed = open_feed(settings)
    times = [each.time for each in feed.read(refuse)]
    assert times == sorted(times)
    assert len(times) == sum(count for count, *_ in FILES.values())
    assert feed.first_time(refuse) == times[0] == datetime(1995, 1, 3, tzinfo=UTC)
    assert feed.estimated_bars == pytest.approx(len(times), rel=0.1)
