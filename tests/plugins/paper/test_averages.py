"""The rolling mean, the cross of two of them and the strength of a move."""

from collections import deque
from itertools import pairwise
from math import fsum, isnan

import pytest
from hookbus_paper.strategy.averages import MovingAverageCross, RollingMean, efficiency
from hypothesis import given
from hypothesis import strategies as st

PRICES = st.floats(1e-3, 1e6)


@given(st.lists(PRICES, max_size=80), st.integers(1, 12))
def test_the_rolling_mean_equals_the_mean_of_the_window(values: list[float], window: int) -> None:
    """At every value the incremental mean is the mean that brute force finds, but for rounding."""
    mean = RollingMean(window)
    for count, value in enumerate(values, 1):
        result = mean.push(value)
        if count < window:
            assert isnan(result)
        else:
            last = values[count - window : count]
            assert result == pytest.approx(fsum(last) / window, rel=1e-12, abs=1e-9)


def test_rounding_errors_do_not_outlive_their_window() -> None:
    """A price a million million times larger leaves no trace once it has left the window."""
    mean = RollingMean(3)
    for value in (1e12, 0.1, 0.2, 0.3, 0.1, 0.2):
        result = mean.push(value)
    assert result == pytest.approx(0.2, rel=1e-15)


@given(st.lists(st.sampled_from([1.0, 1.1, 1.2, 1.3]), max_size=60))
def test_a_cross_is_a_change_of_side_and_nothing_else(values: list[float]) -> None:
    """Crosses are where brute force sees the sign of fast minus slow turn, ties left out."""
    cross = MovingAverageCross(2, 5)
    crossed = [cross.push(value) for value in values]
    sides: list[tuple[int, int]] = []
    for end in range(5, len(values) + 1):
        gap = fsum(values[end - 2 : end]) / 2 - fsum(values[end - 5 : end]) / 5
        if abs(gap) > 1e-9:
            sides.append((end - 1, 1 if gap > 0 else -1))
    expected = [0] * len(values)
    for (_, before), (index, side) in pairwise(sides):
        expected[index] = side if side != before else 0
    assert crossed == expected


def test_a_market_that_does_not_move_never_crosses() -> None:
    """Averages of one constant price differ by rounding only, and that is no cross."""
    cross = MovingAverageCross(3, 7)
    assert [cross.push(1.1) for _ in range(50)] == [0] * 50


def test_the_first_side_is_no_cross() -> None:
    """A strategy that starts in the middle of a trend waits for the next cross."""
    cross = MovingAverageCross(2, 3)
    assert [cross.push(value) for value in (1.0, 2.0, 3.0, 4.0)] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, 3.0], 1.0),
        ([3.0, 2.0, 1.0], 1.0),
        ([1.0, 3.0, 1.0], 0.0),
        ([1.0, 3.0, 2.0], 1 / 3),
        ([5.0, 5.0], 0.0),
        ([5.0], 1.0),
    ],
)
def test_strength_is_how_straight_prices_went(values: list[float], expected: float) -> None:
    """A straight move, up or down, counts 1; one that came back counts 0."""
    assert efficiency(deque(values)) == pytest.approx(expected)


@given(st.lists(PRICES, min_size=1, max_size=40))
def test_strength_is_always_between_zero_and_one(values: list[float]) -> None:
    """Whatever the prices and their rounding, a signal accepts the strength."""
    assert 0.0 <= efficiency(deque(values)) <= 1.0
