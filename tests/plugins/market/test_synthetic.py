"""The market that needs no file."""

from __future__ import annotations

import hashlib
import math
import os
import statistics
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hookbus_market.errors import refuse
from hookbus_market.settings import SyntheticSettings
from hookbus_market.synthetic import SyntheticBars
from hookbus_trading import Bar
from hypothesis import given
from hypothesis import strategies as st

PRINT_BARS = """
import sys
from hookbus_market.errors import refuse
from hookbus_market.settings import SyntheticSettings
from hookbus_market.synthetic import SyntheticBars
settings = SyntheticSettings(symbols=("B", "A"), bars=200, seed=7)
for bar in SyntheticBars(settings).read(refuse):
    sys.stdout.write(bar.model_dump_json() + "\\n")
"""
FINGERPRINT = "b1292d3e8dc6b5a7614c24d2dc434f8eb100b4914aaf893d2bee9fe195bd2e0a"


def bars(**settings: Any) -> list[Bar]:
    """All bars of a synthetic market."""
    return list(SyntheticBars(SyntheticSettings(**settings)).read(refuse))


def printed(hash_seed: str) -> bytes:
    """The bars that a process of its own prints."""
    command = [sys.executable, "-c", PRINT_BARS]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, env=environment, check=True, capture_output=True).stdout


def test_the_same_seed_is_the_same_market_in_every_process() -> None:
    """Another process, and another hash seed, prints the same bytes."""
    first = printed("0")
    assert first == printed("12345")
    assert len(first.splitlines()) == 400


def test_the_market_of_a_seed_never_changes() -> None:
    """Results that were published with a seed can be had again, in every version of Python."""
    assert hashlib.sha256(printed("random")).hexdigest() == FINGERPRINT


def test_bars_come_in_the_order_of_time_and_symbols() -> None:
    """Each interval has one bar of each symbol, in the order of the setting."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    market = bars(symbols=("B", "A"), bars=3, interval=60, start=start)
    assert [(bar.symbol, bar.time) for bar in market] == [
        (symbol, start + timedelta(minutes=minute)) for minute in range(3) for symbol in "BA"
    ]
    assert {bar.interval_seconds for bar in market} == {60.0}


def test_another_seed_is_another_market() -> None:
    """The seed decides, and nothing else does."""
    assert bars(seed=1) == bars(seed=1)
    assert bars(seed=1) != bars(seed=2)


def test_a_symbol_does_not_depend_on_the_others() -> None:
    """Adding a symbol leaves the prices of the others as they were."""
    alone = bars(symbols=("A",), bars=50)
    together = bars(symbols=("B", "A"), bars=50)
    assert [bar for bar in together if bar.symbol == "A"] == alone


@given(
    st.integers(),
    st.floats(0, 10),
    st.floats(-10, 10),
    st.floats(1e-3, 1e6),
    st.floats(1, 366 * 86_400),
    st.integers(0, 10),
)
def test_every_bar_is_valid_and_joins_the_one_before(
    seed: int, volatility: float, drift: float, price: float, interval: float, decimals: int
) -> None:
    """Whatever the settings, prices are above zero and a bar opens where the last one closed."""
    market = bars(
        bars=20,
        seed=seed,
        volatility=volatility,
        drift=drift,
        price=price,
        interval=interval,
        decimals=decimals,
    )
    assert [bar.open for bar in market[1:]] == [bar.close for bar in market[:-1]]
    prices = [value for bar in market for value in (bar.open, bar.high, bar.low, bar.close)]
    assert prices == [round(value, decimals) for value in prices]


def test_volatility_and_drift_are_what_was_asked_for() -> None:
    """Over many bars, the spread and the mean of returns are those of the settings."""
    count, interval, year = 50_000, 86_400.0, 365 * 86_400.0
    market = bars(bars=count, interval=interval, volatility=0.3, drift=0.045, decimals=10)
    returns = [math.log(bar.close / bar.open) for bar in market]
    scale = math.sqrt(year / interval)
    assert statistics.stdev(returns) * scale == pytest.approx(0.3, rel=0.02)
    error = 0.3 / math.sqrt(count * interval / year)
    assert statistics.fmean(returns) * year / interval == pytest.approx(0.0, abs=3 * error)


def test_highs_and_lows_are_those_of_a_random_walk() -> None:
    """The range of a bar has the mean that theory gives it for Brownian motion."""
    market = bars(bars=20_000, volatility=0.3, interval=86_400, decimals=10)
    ranges = [math.log(bar.high / bar.low) for bar in market]
    expected = 0.3 / math.sqrt(365) * math.sqrt(8 / math.pi)
    assert statistics.fmean(ranges) == pytest.approx(expected, rel=0.02)


def test_no_volatility_and_no_drift_is_no_movement() -> None:
    """The edge of the settings is a flat market."""
    assert {bar.close for bar in bars(volatility=0, bars=10)} == {100.0}
