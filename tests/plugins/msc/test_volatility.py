"""The volatility regime: right to the last bar, whatever the market, at a constant cost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import fsum, log, sqrt
from types import FrameType
from typing import Any

import pytest
from hookbus_msc.settings import VolatilitySettings
from hookbus_msc.volatility import Volatility
from hookbus_trading.flow import Bar
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.msc.makers import bars_of, make_bar
from tests.plugins.msc.reference import slow_average

SMALL = {"short_window": 3, "long_window": 8, "minimum_bars": 4}
PRICES = st.floats(1e-3, 1e6)
CLOSES = st.lists(PRICES, max_size=40)


def make(**settings: Any) -> Volatility:
    """A regime with small windows."""
    return Volatility(VolatilitySettings.model_validate(SMALL | settings), 0.2)


def fed(bars: Sequence[Bar], **settings: Any) -> Volatility:
    """A regime after some bars."""
    volatility = make(**settings)
    for bar in bars:
        volatility.update(bar)
    return volatility


def slow_ratio(variances: Sequence[float]) -> float | None:
    """Short over long variance of one symbol, None while it has too few bars."""
    if len(variances) < SMALL["minimum_bars"]:
        return None
    long = slow_average(variances, SMALL["long_window"])
    return slow_average(variances, SMALL["short_window"]) / long if long > 0 else 1.0


def squared_returns(closes: Sequence[float]) -> list[float]:
    """Squared logarithmic returns from close to close."""
    return [(log(after) - log(before)) ** 2 for before, after in pairwise(closes)]


@given(CLOSES, CLOSES)
def test_the_ratio_is_that_of_the_whole_history(first: list[float], second: list[float]) -> None:
    """The mean over symbols of what the weights, written out over all bars, give."""
    volatility = fed([*bars_of(first, "A"), *bars_of(second, "B")])
    ratios = [slow_ratio(squared_returns(closes)) for closes in (first, second)]
    known = [one for one in ratios if one is not None]
    if not known:
        assert volatility.ratio is None
        return
    assert volatility.ratio == pytest.approx(sqrt(fsum(known) / len(known)), rel=1e-6, abs=1e-9)


@given(st.lists(st.tuples(PRICES, PRICES), min_size=6, max_size=30))
def test_parkinson_looks_at_high_and_low(ranges: list[tuple[float, float]]) -> None:
    """The variance of a bar is the squared range over four times the logarithm of two."""
    bars = [
        make_bar(hour, high, high=max(high, low), low=min(high, low))
        for hour, (high, low) in enumerate(ranges)
    ]
    variances = [(log(one.high / one.low)) ** 2 / (4 * log(2)) for one in bars[1:]]
    expected = slow_ratio(variances)
    assert expected is not None
    ratio = fed(bars, estimator="parkinson").ratio
    assert ratio == pytest.approx(sqrt(expected), rel=1e-6, abs=1e-9)


@given(CLOSES, st.floats(1e-3, 1e3))
def test_the_unit_of_a_price_does_not_matter(closes: list[float], unit: float) -> None:
    """Prices in cents give the ratio that prices in euros give."""
    one = fed(bars_of(closes)).ratio
    other = fed(bars_of([close * unit for close in closes])).ratio
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one == pytest.approx(other, rel=1e-4, abs=1e-4)


def test_a_market_that_stands_still_is_as_volatile_as_ever() -> None:
    """Nothing over nothing is no low volatility: the ratio is one, at most normal if so set."""
    volatility = fed(bars_of([100.0] * 20), normal=1.0, defensive=2.0)
    assert volatility.ratio == 1.0
    assert (volatility.demand, volatility.calm) == (1, 1)


def test_the_regimes() -> None:
    """Quiet after noise is low, noise after quiet is high, and the sentence says which."""
    quiet = [100 * 1.001 ** (n % 2) for n in range(30)]
    loud = [100 * 1.05 ** (n % 2) for n in range(5)]
    calm, stormy = fed(bars_of(loud * 3 + quiet)), fed(bars_of(quiet + loud))
    assert (calm.demand, calm.calm) == (0, 0)
    assert (stormy.demand, stormy.calm) == (1, 1)
    assert "low regime" in calm.sentence()
    assert "normal regime (normal from 1.20, high from 1.80)" in stormy.sentence()
    higher = fed(bars_of(quiet + loud), normal=1.0, defensive=1.2)
    assert (higher.demand, higher.calm) == (2, 2)
    assert "high regime" in higher.sentence()


def test_until_there_are_enough_bars_it_is_at_most_normal() -> None:
    """Four returns take five bars; before that nobody knows."""
    bars = bars_of([100.0, 101.0, 100.0, 101.0, 100.0])
    early = fed(bars[:-1])
    assert (early.ratio, early.demand, early.calm) == (None, 1, 1)
    assert early.sentence() == "volatility is unknown: no symbol has 4 bars behind it yet"
    assert early.metrics() == {}
    assert fed(bars).ratio is not None


def test_bars_that_must_not_be_used_are_counted_and_change_nothing() -> None:
    """Repeated, older, of another length, of another symbol: the state stays as it was."""
    volatility = fed(bars_of([100.0, 101.0, 99.0, 102.0, 103.0]), symbols=["A"])
    before = volatility.state()
    assert not volatility.update(make_bar(4, 500.0))
    assert not volatility.update(make_bar(1.5, 500.0))
    assert not volatility.update(make_bar(9, 500.0, interval_seconds=60.0))
    assert not volatility.update(make_bar(9, 500.0, "B"))
    assert volatility.state() == before
    assert volatility.rows() == (
        ("Bars ignored: repeated or out of order", "2"),
        ("Bars ignored: of another length", "1"),
        ("Bars ignored: symbol not followed", "1"),
    )
    assert volatility.update(make_bar(9, 104.0))


@given(CLOSES, CLOSES, st.integers(0, 40))
def test_going_on_from_a_state_is_going_on(
    first: list[float], second: list[float], cut: int
) -> None:
    """A restart at any bar gives the averages of a run that was never interrupted."""
    bars = sorted([*bars_of(first, "A"), *bars_of(second, "B")], key=lambda bar: bar.time)
    whole, early, late = fed(bars), fed(bars[:cut]), make()
    assert late.restore(early.state())
    for bar in bars[cut:]:
        late.update(bar)
    assert late.state() == whole.state()
    assert (late.ratio is None) == (whole.ratio is None)
    if late.ratio is not None:
        assert late.ratio == pytest.approx(whole.ratio, rel=1e-9, abs=1e-9)


def test_averages_of_another_estimator_are_not_taken_over() -> None:
    """Variances of ranges and of returns are no measure for one another."""
    state = fed(bars_of([100.0, 101.0, 99.0, 102.0, 103.0])).state()
    other = make(estimator="parkinson")
    assert not other.restore(state)
    assert other.state().series == {}


def test_symbols_that_are_followed_no_more_are_not_taken_over() -> None:
    """What settings exclude has no part in the ratio of the next run."""
    state = fed([*bars_of([100.0, 110.0] * 4, "A"), *bars_of([100.0, 101.0] * 4, "B")]).state()
    other = make(symbols=["B"])
    assert other.restore(state)
    assert list(other.state().series) == ["B"]


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of Python a call runs."""
    count = 0

    def trace(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def test_a_bar_costs_the_same_however_much_has_gone_before() -> None:
    """Ten times the bars and a hundred times the symbols run not one line more for a bar."""
    short = fed(bars_of([100.0, 101.0] * 10))
    many = [bar for n in range(100) for bar in bars_of([100.0, 101.0] * 100, f"S{n}")]
    long = fed([*many, *bars_of([100.0, 101.0] * 100)])
    bar = make_bar(1_000, 102.0)
    assert lines_run(lambda: short.update(bar)) == lines_run(lambda: long.update(bar))
