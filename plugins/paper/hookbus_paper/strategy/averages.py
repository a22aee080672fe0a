"""Moving averages that cost the same at every bar, and the moment one crosses the other."""

from collections import deque
from math import fsum, nan

__all__ = ["MovingAverageCross", "RollingMean", "efficiency"]

_EQUAL = 1e-12
"""Averages closer than this, relative to the slow one, are equal: it is rounding, not a move."""


class RollingMean:
    """The mean of the last `window` values.

    Each value costs one addition and one subtraction. What rounding leaves behind is swept out once
    per window, when the sum is taken anew, so that it never outlives the values it came from.
    """

    __slots__ = ("_total", "_until_sweep", "_window", "values")

    def __init__(self, window: int) -> None:
        self._window = window
        self._until_sweep = window
        self._total = 0.0
        self.values: deque[float] = deque(maxlen=window)

    def push(self, value: float) -> float:
        """Add a value; returns the mean, not-a-number until there are `window` values."""
        values = self.values
        if len(values) == self._window:
            self._total += value - values[0]
        values.append(value)
        self._until_sweep -= 1
        if not self._until_sweep:
            self._total = fsum(values)
            self._until_sweep = self._window
        return self._total / self._window if len(values) == self._window else nan


class MovingAverageCross:
    """Two moving averages of one symbol.

    `fast` and `slow` hold the averages, not-a-number until there are enough values. The first side
    that the fast average takes is where it starts, not a cross; while both are equal, the side
    stays.
    """

    __slots__ = ("_fast_mean", "_side", "_slow_mean", "fast", "slow")

    def __init__(self, fast: int, slow: int) -> None:
        self._fast_mean = RollingMean(fast)
        self._slow_mean = RollingMean(slow)
        self._side = 0
        self.fast = nan
        self.slow = nan

    def push(self, value: float) -> int:
        """Add a value; returns 1 when fast crossed above slow, -1 when below, 0 when neither."""
        fast = self.fast = self._fast_mean.push(value)
        slow = self.slow = self._slow_mean.push(value)
        gap = fast - slow
        if not abs(gap) > _EQUAL * slow:  # also while an average is not-a-number
            return 0
        side = 1 if gap > 0 else -1
        before, self._side = self._side, side
        return side if side == -before else 0

    def strength(self) -> float:
        """How straight prices went over the fast window: see `efficiency`."""
        return efficiency(self._fast_mean.values)


def efficiency(values: deque[float]) -> float:
    """Kaufman's efficiency ratio, 0 to 1: the way from first to last over the way walked.

    1 is a straight line, 0 a market that came back to where it was. One value alone has nothing
    to say against it and counts as 1.
    """
    if len(values) < 2:
        return 1.0
    steps = iter(values)
    before = first = next(steps)
    walked = 0.0
    for value in steps:
        walked += abs(value - before)
        before = value
    return min(1.0, abs(before - first) / walked) if walked else 0.0
