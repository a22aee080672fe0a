"""Series of bounded length that keep their extremes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

__all__ = ["Point", "Thinned"]

Point = tuple[datetime, float]
"""An instant in UTC and a value."""


class Thinned:
    """A series of at most about `limit` points, whatever its length.

    Neighbouring points share a bucket, which keeps its lowest and its highest; when there are too
    many buckets, they are joined in pairs and take twice as many points each. So every extreme of
    the series stays in it, and so do its first and its last point. `count` is how many points it
    was given, in the order of time.
    """

    __slots__ = (
        "_buckets",
        "_filled",
        "_first",
        "_high",
        "_last",
        "_low",
        "_most",
        "count",
        "size",
    )

    def __init__(self, limit: int) -> None:
        self._most = max(limit // 4 * 2, 2)
        self._buckets: list[tuple[Point, Point]] = []
        self._first: Point | None = None
        self._last: Point | None = None
        self._low: Point | None = None
        self._high: Point | None = None
        self._filled = 0
        self.count = 0
        self.size = 1

    @property
    def thinned(self) -> bool:
        """Whether anything was left out: `size` is how many points share a bucket."""
        return self.size > 2

    def add(self, time: datetime, value: float) -> None:
        """Take the next point."""
        point = self._last = (time, value)
        self.count += 1
        if self._low is None or self._high is None:
            self._low = self._high = point
            self._first = self._first or point
        elif value < self._low[1]:
            self._low = point
        elif value > self._high[1]:
            self._high = point
        self._filled += 1
        if self._filled == self.size:
            self._close(self._low, self._high)

    def _close(self, low: Point, high: Point) -> None:
        self._buckets.append((low, high))
        self._low = self._high = None
        self._filled = 0
        if len(self._buckets) == self._most:
            pairs = zip(self._buckets[::2], self._buckets[1::2], strict=True)
            self._buckets = [
                (min(one[0], two[0], key=_value), max(one[1], two[1], key=_value))
                for one, two in pairs
            ]
            self.size *= 2

    def points(self) -> list[Point]:
        """The points that are kept, oldest first."""
        kept: list[Point] = []
        for point in self._every():
            if not kept or kept[-1] != point:
                kept.append(point)
        return kept

    def _every(self) -> Iterator[Point]:
        if self._first is None or self._last is None:
            return
        yield self._first
        for low, high in self._buckets:
            yield from sorted((low, high), key=_time)
        if self._low is not None and self._high is not None:
            yield from sorted((self._low, self._high), key=_time)
        yield self._last


def _time(point: Point) -> datetime:
    return point[0]


def _value(point: Point) -> float:
    return point[1]
