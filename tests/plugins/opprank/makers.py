"""Bars, settings and plain reference formulas for the tests of the ranking."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import fsum, log, sqrt
from pathlib import Path
from typing import Any

import pytest
from hookbus_opprank.board import Board
from hookbus_opprank.settings import OpprankSettings
from hookbus_trading import Bar
from hypothesis import strategies as st

DATA = Path(__file__).parents[4] / "shared" / "data"
"""Genuine prices, which lie beside the repository where there are any."""

SHARES = {
    "NVDA": "nvda-1999-2014-1d",
    "ORCL": "orcl-1995-2014-1d",
    "YHOO": "yhoo-1996-2015-1d",
}
"""The files of daily prices, by symbol."""

START = datetime(2024, 1, 1, tzinfo=UTC)

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the folder of genuine prices is not there: {DATA}"
)


def make_bar(minute: float, close: float, symbol: str = "A", **fields: Any) -> Bar:
    """A bar some minutes after `START`, without movement unless `high` and `low` are given."""
    fields = {"open": close, "high": close, "low": close, "volume": 1.0, **fields}
    time = START + timedelta(minutes=minute)
    return Bar(symbol=symbol, time=time, close=close, **fields)


def make_bars(symbol: str, closes: Sequence[float], **fields: Any) -> list[Bar]:
    """Bars of one symbol, a minute apart."""
    return [make_bar(minute, close, symbol, **fields) for minute, close in enumerate(closes)]


def make_settings(window: int = 3, **settings: Any) -> OpprankSettings:
    """Settings with the same window for everything, and no limit on moves, unless they say so."""
    keys = ("momentum_window", "volatility_window", "liquidity_window", "range_window")
    rules = {"maximum_move": float("inf"), **settings.pop("rules", {})}
    return OpprankSettings.model_validate(
        {**dict.fromkeys(keys, window), **settings, "rules": rules}
    )


def only(criterion: str, **others: float) -> dict[str, float]:
    """Weights that leave all criteria out but one, and those named."""
    zeros = dict.fromkeys(("momentum", "volatility_adjusted", "liquidity", "range"), 0.0)
    return {**zeros, criterion: 1.0, **others}


def board_of(settings: OpprankSettings, bars: Iterable[Bar]) -> Board:
    """A board that was given some bars."""
    board = Board(settings)
    for bar in bars:
        board.push(bar)
    return board


def read_daily(name: str, symbol: str) -> list[Bar]:
    """The bars of a file of daily prices with an adjusted close, as it is."""
    with (DATA / f"{name}.csv").open(newline="") as file:
        return [_daily(row, symbol) for row in csv.reader(file) if row[0][:1].isdigit()]


def _daily(row: Sequence[str], symbol: str) -> Bar:
    first, high, low, close, adjusted, volume = map(float, row[1:])
    return Bar(
        symbol=symbol,
        time=datetime.fromisoformat(row[0]).replace(tzinfo=UTC),
        open=first,
        high=high,
        low=low,
        close=close,
        volume=volume,
        adjusted_close=adjusted,
    )


def reference(bars: Sequence[Bar], settings: OpprankSettings) -> dict[str, float]:
    """The figures of a symbol by the plain formulas, from all of its bars."""
    prices = [
        bar.adjusted_close if settings.adjusted and bar.adjusted_close is not None else bar.close
        for bar in bars
    ]
    window = settings.volatility_window
    steps = [log(after / before) for before, after in pairwise(prices)]
    realised = sqrt(fsum(step**2 for step in steps[-window:]))
    newest = prices[len(prices) - 1 - settings.momentum_skip]
    traded = [bar.close * bar.volume for bar in bars[-settings.liquidity_window :]]
    return {
        "momentum": newest / prices[len(prices) - 1 - settings.momentum_window] - 1.0,
        "volatility": realised / sqrt(window),
        "volatility_adjusted": fsum(steps[-window:]) / realised if realised else 0.0,
        "liquidity": fsum(traded) / len(traded),
        "range": _reference_range(bars[-settings.range_window :], settings),
    }


def _reference_range(bars: Sequence[Bar], settings: OpprankSettings) -> float:
    if settings.range_estimator == "range":
        return fsum((bar.high - bar.low) / bar.close for bar in bars) / len(bars)
    squares = fsum(log(bar.high / bar.low) ** 2 for bar in bars)
    return sqrt(squares / (4.0 * log(2.0) * len(bars)))


_prices = st.floats(1e-6, 1e9)


@st.composite
def series(draw: st.DrawFn, symbol: str = "A", least: int = 1, most: int = 40) -> list[Bar]:
    """Bars of one symbol a minute apart, with prices of any size."""
    bars = []
    for minute in range(draw(st.integers(least, most))):
        low, first, close, high = sorted(draw(st.tuples(_prices, _prices, _prices, _prices)))
        volume = draw(st.floats(0, 1e12))
        bars.append(make_bar(minute, close, symbol, open=first, high=high, low=low, volume=volume))
    return bars
