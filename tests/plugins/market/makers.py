"""Bars and files for the tests of the market plugin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hookbus_market.errors import BadRow, refuse
from hookbus_market.feed import open_file
from hookbus_market.settings import FileSettings
from hookbus_trading import Bar
from hypothesis import strategies as st

DATA = Path(__file__).parents[4] / "shared" / "data"
"""Genuine prices, which lie beside the repository where there are any."""

HEADER = "Date,Open,High,Low,Close,Volume"
START = datetime(2024, 1, 1, tzinfo=UTC)

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the folder of genuine prices is not there: {DATA}"
)

_prices = st.floats(1e-6, 1e9)


def make_bar(minute: int, symbol: str = "A", price: float = 1.0) -> Bar:
    """A bar without movement, some minutes after `START`."""
    return Bar(
        symbol=symbol,
        time=START + timedelta(minutes=minute),
        open=price,
        high=price,
        low=price,
        close=price,
    )


def write(folder: Path, *lines: str, name: str = "bars.csv", end: str = "\n") -> Path:
    """A text file of some lines."""
    path = folder / name
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def read(path: Path, **settings: Any) -> list[Bar]:
    """All bars of a file, every row of which must be good."""
    return list(open_file(FileSettings(path=path, **settings)).read(refuse))


def read_and_skip(path: Path, **settings: Any) -> tuple[list[Bar], list[BadRow]]:
    """The bars of a file, and its bad rows."""
    bad: list[BadRow] = []
    return list(open_file(FileSettings(path=path, **settings)).read(bad.append)), bad


@st.composite
def candles(draw: st.DrawFn) -> dict[str, float]:
    """Prices and volume of any valid bar."""
    low, first, last, high = sorted(draw(st.tuples(_prices, _prices, _prices, _prices)))
    if draw(st.booleans()):
        first, last = last, first
    volume = draw(st.floats(0, 1e15))
    return {"open": first, "high": high, "low": low, "close": last, "volume": volume}


@st.composite
def series(draw: st.DrawFn, symbols: str = "AB", largest: int = 30) -> list[Bar]:
    """Bars of some symbols in the order of time, with gaps and common times."""
    steps = draw(st.lists(st.integers(1, 10**13), max_size=largest))
    bars = []
    time = datetime(1970, 6, 1, tzinfo=UTC)
    for step in steps:
        time += timedelta(microseconds=step)
        for symbol in sorted(draw(st.sets(st.sampled_from(symbols), min_size=1))):
            bars.append(Bar(symbol=symbol, time=time, **draw(candles())))  # noqa: PERF401
    return bars
