"""Drawdowns: how far, and for how long, equity was below the highest it had been."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

__all__ = ["Drawdown", "Drawdowns"]


class Drawdown(NamedTuple):
    """A fall from a peak: `depth` as a fraction of the peak (0.1 is 10 %), and three instants.

    `peak` is the last instant at the peak, `trough` the first at the lowest value after it, and
    `recovery` the first at or above the peak again, None while there is none.
    """

    depth: float
    peak: datetime
    trough: datetime
    recovery: datetime | None = None


class Drawdowns:
    """Follows a series of equity, one point after the other.

    `deepest` is the deepest drawdown so far, the first of several alike; `current` the fall from
    the peak to the last point. While no value was above zero there is no peak, and no drawdown.
    """

    def __init__(self) -> None:
        self.deepest: Drawdown | None = None
        self.current = 0.0
        self._longest = timedelta(0)
        self._peak = 0.0
        self._peak_time: datetime | None = None

    @property
    def has_peak(self) -> bool:
        """Whether any value was above zero."""
        return self._peak_time is not None

    def longest(self, end: datetime) -> timedelta:
        """The longest time from a peak to its recovery or, without one, to `end`."""
        if self._peak_time is None or not self.current:
            return self._longest
        return max(self._longest, end - self._peak_time)

    def add(self, time: datetime, value: float) -> float:
        """Take the next point; the fall from the peak to it, as a fraction of the peak."""
        if value >= self._peak and value > 0:
            self._recover(time)
            self._peak, self._peak_time, self.current = value, time, 0.0
        elif self._peak_time is not None:
            self._fall(self._peak_time, time, value)
        return self.current

    def _recover(self, time: datetime) -> None:
        if self._peak_time is None or not self.current:
            return
        self._longest = max(self._longest, time - self._peak_time)
        deepest = self.deepest
        if deepest is not None and deepest.peak == self._peak_time:
            self.deepest = deepest._replace(recovery=time)

    def _fall(self, peak_time: datetime, time: datetime, value: float) -> None:
        self.current = (self._peak - value) / self._peak
        if self.deepest is None or self.current > self.deepest.depth:
            self.deepest = Drawdown(self.current, peak_time, time)
