"""Latencies in little memory: a histogram whose buckets are 1/32 of their value wide."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = ["Latencies", "seconds_text"]

_BITS = 6
"""Significant bits of a bucket: 2 ** 5 buckets from one power of two to the next."""


class Latencies:
    """Counts durations by size; `worst` is the longest, in nanoseconds."""

    def __init__(self, parts: Iterable[Latencies] = ()) -> None:
        self._buckets: Counter[int] = Counter()
        self.worst = 0
        for part in parts:
            self._buckets += part._buckets
            self.worst = max(self.worst, part.worst)

    def __len__(self) -> int:
        return self._buckets.total()

    @property
    def buckets(self) -> Mapping[int, int]:
        """How many durations are in each bucket, by its greatest value in nanoseconds."""
        return self._buckets

    def add(self, nanoseconds: int) -> None:
        """Count a duration; one below 0, from a clock that was set back, counts as 0."""
        nanoseconds = max(0, nanoseconds)
        low_bits = max(0, nanoseconds.bit_length() - _BITS)
        self._buckets[nanoseconds | ((1 << low_bits) - 1)] += 1
        self.worst = max(self.worst, nanoseconds)

    def percentile(self, percent: float) -> int:
        """The duration in nanoseconds that so many percent do not exceed, by nearest rank.

        It is the upper end of its bucket, so at most 1/32 too long. 0 when nothing was counted.
        """
        rank = math.ceil(len(self) * percent / 100)
        for bucket, count in sorted(self._buckets.items()):
            rank -= count
            if rank <= 0:
                return min(bucket, self.worst)
        return 0


def seconds_text(nanoseconds: int) -> str:
    """A duration with a unit that suits it: µs, ms or s."""
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:,.1f} {unit}"
    return f"{nanoseconds / 1_000:,.1f} µs"
