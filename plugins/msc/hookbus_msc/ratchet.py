"""The ratchet: quick to defend, slow to relax."""

from __future__ import annotations

from hookbus_msc.levels import NORMAL

__all__ = ["Ratchet"]

_SECOND = 1_000_000_000


class Ratchet:
    """Holds the level in force.

    A demand above the level takes effect at once. The level falls by one step only when every
    observation for `seconds`, and at least `observations` of them, has been calm below it. The
    next calm observation after that, after a rise and after one that was not calm begins a new
    dwell. Times are nanoseconds of one clock.

    `seen` counts the calm observations of the current dwell, the first of which was at `since_ns`.
    """

    __slots__ = ("_dwell_ns", "_enough", "level", "seen", "since_ns")

    def __init__(self, seconds: float, observations: int) -> None:
        self._dwell_ns = round(seconds * _SECOND)
        self._enough = observations
        self.level = NORMAL
        self.seen = 0
        self.since_ns = 0

    def observe(self, demand: int, calm: int, now_ns: int) -> bool:
        """Take one observation; returns whether the level changed."""
        level = self.level
        if demand > level:
            self.level, self.seen = demand, 0
            return True
        if calm >= level:
            self.seen = 0
            return False
        if not self.seen:
            self.since_ns = now_ns
        self.seen += 1
        if self.seen < self._enough or now_ns - self.since_ns < self._dwell_ns:
            return False
        self.level, self.seen = level - 1, 0
        return True

    def calm_seconds(self, now_ns: int) -> float:
        """How long the current dwell has lasted, in seconds; zero when it has seen nothing."""
        return max(0, now_ns - self.since_ns) / _SECOND if self.seen else 0.0

    def restore(self, level: int, seen: int, calm_seconds: float, now_ns: int) -> None:
        """Go on where an earlier run ended; the time in between does not count."""
        self.level = level
        self.seen = seen
        self.since_ns = now_ns - round(calm_seconds * _SECOND)
