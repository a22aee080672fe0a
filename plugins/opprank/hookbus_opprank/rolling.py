"""A rolling mean that is exact, at the same cost for every value."""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["LARGEST", "RollingMean"]

LARGEST: Final = 1e100
"""The largest value that may be pushed."""

_UNITS: Final = 2.0**200
_WHOLE_UNITS: Final = 2**200


class RollingMean:
    """The mean of the last `window` values, each from 0 to `LARGEST`.

    The sum is a whole number of units of 2**-200, so that adding and subtracting make no error: the
    mean depends on the values in the window alone, never on what has left it. Until there are
    `window` values, those that are missing count as 0.
    """

    __slots__ = ("_terms", "_total")

    def __init__(self, window: int) -> None:
        self._terms = deque([0] * window, maxlen=window)
        self._total = 0

    def push(self, value: float) -> None:
        """Add a value; the oldest one leaves."""
        terms = self._terms
        units = int(value * _UNITS)
        self._total += units - terms[0]
        terms.append(units)

    @property
    def mean(self) -> float:
        """The mean, rounded once."""
        return self._total / (_WHOLE_UNITS * len(self._terms))
