"""Errors: how many events about failures there were in the last minutes."""

from __future__ import annotations

from collections import deque

from hookbus_health.levels import SECOND, Finding, Ladder, Thresholds

COMPONENT = "errors"


class ErrorRate:
    """Judges the failures per minute within a sliding window: `count * 60 / window`.

    `window` is in whole seconds. Failures are counted by the second, so that a flood of them costs
    no memory.
    """

    def __init__(self, thresholds: Thresholds, window: int) -> None:
        self._ladder = Ladder(thresholds, "the error rate", lambda rate: f"{rate:g} a minute")
        self._window = window
        self._seconds: deque[list[int]] = deque()
        self._count = 0
        self._last = ""

    def failed(self, what: str, now_ns: int) -> Finding:
        """Count a failure; `what` says which kind, for people to read."""
        second = now_ns // SECOND
        if self._seconds and self._seconds[-1][0] >= second:
            self._seconds[-1][1] += 1
        else:
            self._seconds.append([second, 1])
        self._count += 1
        self._last = what
        return self._finding(second)

    @property
    def due_ns(self) -> int | None:
        """When the oldest failures leave the window, while there are too many."""
        if self._ladder.level == "healthy" or not self._seconds:
            return None
        return (self._seconds[0][0] + self._window) * SECOND

    def look(self, now_ns: int) -> list[Finding]:
        """What time alone has changed: failures that are past."""
        if self.due_ns is None or now_ns < self.due_ns:
            return []
        return [self._finding(now_ns // SECOND)]

    def _finding(self, second: int) -> Finding:
        while self._seconds and self._seconds[0][0] <= second - self._window:
            self._count -= self._seconds.popleft()[1]
        rate = self._count * 60 / self._window
        reason = f"{self._ladder.judge(rate)}; the last: {self._last}"
        metrics = {"errors_per_minute": rate, "errors": self._count, "window_seconds": self._window}
        return Finding(COMPONENT, self._ladder.level, reason, metrics)
