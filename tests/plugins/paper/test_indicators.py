"""The indicators of strategies: what they compute, at every bar, over any history."""

from math import fsum

import pytest
from hookbus_paper.strategy import indicators
from hookbus_paper.strategy.indicators import (
    average_true_range,
    highest_high,
    lowest_low,
    relative_strength,
    simple_average,
)
from hookbus_trading.contracts import IndicatorInput
from hookbus_trading.flow import Bar
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.paper.makers import bars_of, make_bar

PRICES = st.floats(1e-3, 1e6)


def values_of(indicator: IndicatorInput, bars: list[Bar]) -> list[float | None]:
    """The value after each bar."""
    return [indicator.update(bar) for bar in bars]


@given(st.lists(PRICES, max_size=80), st.integers(1, 12))
def test_the_average_equals_the_mean_of_the_window(closes: list[float], window: int) -> None:
    """At every bar the incremental mean is the mean that brute force finds, but for rounding."""
    found = values_of(simple_average(window), bars_of(closes))
    for count, value in enumerate(found, 1):
        if count < window:
            assert value is None
        else:
            last = closes[count - window : count]
            assert value == pytest.approx(fsum(last) / window, rel=1e-12, abs=1e-9)


@given(st.lists(st.tuples(PRICES, PRICES), max_size=60), st.integers(1, 12))
def test_channels_are_the_extremes_of_the_window(
    pairs: list[tuple[float, float]], window: int
) -> None:
    """The highest high and the lowest low of exactly the last bars."""
    bars = [make_bar(minute, first, last) for minute, (first, last) in enumerate(pairs)]
    highs = values_of(highest_high(window), bars)
    lows = values_of(lowest_low(window), bars)
    for count in range(1, len(bars) + 1):
        last_bars = bars[count - window : count] if count >= window else []
        highest = max((bar.high for bar in last_bars), default=None)
        lowest = min((bar.low for bar in last_bars), default=None)
        assert (highs[count - 1], lows[count - 1]) == (highest, lowest)


def test_rounding_errors_do_not_stay_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A price a million million times larger leaves no trace after the next tidying."""
    monkeypatch.setattr(indicators, "_TIDY_EVERY", 6)
    bars = bars_of([1e12, 0.1, 0.2, 0.3, 0.1, 0.2])
    assert values_of(simple_average(3), bars)[-1] == pytest.approx(0.2, rel=1e-15)


@pytest.mark.parametrize("make", [simple_average, relative_strength, average_true_range])
def test_throwing_old_values_away_changes_nothing(
    make: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An indicator that forgets gives the values of one that remembers everything."""
    closes = [100 + 7 * ((number * 7919) % 13) / 13 for number in range(200)]
    bars = bars_of(closes)
    remembering = values_of(make(5), bars)[5:]
    monkeypatch.setattr(indicators, "_TIDY_EVERY", 10)
    assert values_of(make(5), bars)[5:] == pytest.approx(remembering, rel=1e-12)


@pytest.mark.parametrize("make", [simple_average, relative_strength, highest_high])
def test_memory_does_not_grow_with_history(make: type) -> None:
    """After thousands of bars an indicator holds no more values than one window and a bit."""
    indicator = make(20)
    for bar in bars_of([100.0 + number % 17 for number in range(5000)]):
        indicator.update(bar)
    assert len(indicator._indicator.input_values) < 1200


def test_relative_strength_by_hand() -> None:
    """Only gains are 100, only losses are 0, as many of both are near 50."""
    rising = values_of(relative_strength(3), bars_of([1.0, 2.0, 3.0, 4.0, 5.0]))
    falling = values_of(relative_strength(3), bars_of([5.0, 4.0, 3.0, 2.0, 1.0]))
    assert (rising[2], rising[-1], falling[-1]) == (None, 100.0, 0.0)
    swinging = values_of(relative_strength(14), bars_of([10.0, 11.0] * 60))
    assert swinging[-1] == pytest.approx(50, abs=4)
