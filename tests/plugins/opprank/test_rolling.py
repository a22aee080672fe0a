"""The rolling mean is exact, whatever has gone through it."""

from __future__ import annotations

from collections import deque
from fractions import Fraction

from hookbus_opprank.rolling import LARGEST, RollingMean
from hypothesis import given
from hypothesis import strategies as st

values = st.one_of(
    st.just(0.0), st.floats(1e-30, LARGEST), st.floats(1e-6, 1e3), st.integers(0, 100).map(float)
)


@given(st.integers(1, 8), st.lists(values, min_size=8, max_size=60))
def test_the_mean_is_that_of_the_window_rounded_once(window: int, pushed: list[float]) -> None:
    """After every value the mean equals exact arithmetic over the window, to the last bit."""
    mean = RollingMean(window)
    for count, value in enumerate(pushed, 1):
        mean.push(value)
        if count >= window:
            assert mean.mean == float(sum(map(Fraction, pushed[count - window : count])) / window)


def test_a_giant_leaves_no_trace() -> None:
    """Once a huge value has left the window nothing is left of it; a float sum would keep it."""
    pushed = [1e-3, LARGEST, 1e-3, 1e-3]
    mean, total, kept = RollingMean(2), 0.0, deque([0.0, 0.0], maxlen=2)
    for value in pushed:
        mean.push(value)
        total += value - kept[0]
        kept.append(value)
    assert mean.mean == 1e-3
    assert total / 2 != 1e-3  # what the whole units are for


def test_missing_values_count_as_nothing() -> None:
    """Before there are enough values the mean is that of the values and noughts."""
    mean = RollingMean(4)
    assert mean.mean == 0.0
    mean.push(8.0)
    assert mean.mean == 2.0
