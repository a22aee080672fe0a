"""Heartbeat: whether every feed still brings something, measured in its own intervals."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from statistics import median

from hookbus_trading.fields import HealthLevel

from hookbus_health.hours import Hours
from hookbus_health.levels import SECOND, Finding

MOST_GAPS = 20
"""Gaps between two arrivals that an interval is learned from."""

FEWEST_GAPS = 5
"""Gaps that must have been seen before an interval is taken as learned."""


class Feed:
    """One symbol of a feed: when something came last, and how often something comes."""

    def __init__(self, now_ns: int) -> None:
        self.level: HealthLevel = "healthy"
        self.last_ns = now_ns
        self.interval_ns: int | None = None
        self.due_ns: int | None = None
        self._gaps: deque[int] = deque(maxlen=MOST_GAPS)

    def arrive(self, now_ns: int, gap_ns: int) -> None:
        """Something came, `gap_ns` of open time after what came before it."""
        if gap_ns > 0:
            self._gaps.append(gap_ns)
        self.last_ns = now_ns

    def shortens(self, interval_ns: int) -> bool:
        """Take the interval of the newest bar; True where it is shorter than the one before."""
        before, self.interval_ns = self.interval_ns, interval_ns
        return before is None or interval_ns < before

    def usual_gap_ns(self) -> int | None:
        """The median of the last gaps, None before there are enough of them."""
        return round(median(self._gaps)) if len(self._gaps) >= FEWEST_GAPS else None


class Heartbeat:
    """Judges how many intervals every feed of one kind has been silent for.

    More than `degraded` intervals are degraded, more than `critical` are critical, and the silence
    is over at once when something comes; the recovery of the status is what keeps it from flapping.
    The interval of a feed is, in this order, the one that is set; that of its last bar; the median
    of the last gaps between arrivals. It is taken to be at least `shortest` seconds. Silence is
    counted in `hours` alone. `kind` names the components: `bars:EURUSD`.
    """

    def __init__(
        self,
        kind: str,
        degraded: float,
        critical: float,
        hours: Hours,
        *,
        interval: float | None = None,
        shortest: float = 0.0,
    ) -> None:
        self._kind = kind
        self._degraded = degraded
        self._critical = critical
        self._hours = hours
        self._set_ns = None if interval is None else round(interval * SECOND)
        self._shortest_ns = round(shortest * SECOND)
        self._feeds: dict[str, Feed] = {}
        self._dues: list[tuple[int, str]] = []

    def seen(self, symbol: str, now_ns: int, interval: float | None = None) -> Finding | None:
        """Something came, with its `interval` in seconds where it is known.

        Returns a finding for a feed that is new or was silent, None for one that is as it was.
        """
        feed = self._feeds.get(symbol)
        new = feed is None
        if feed is None:
            feed = self._feeds[symbol] = Feed(now_ns)
        feed.arrive(now_ns, self._hours.between(feed.last_ns, now_ns))
        sooner = interval is not None and feed.shortens(round(interval * SECOND))
        was_silent = feed.level != "healthy"
        finding = self._finding(symbol, feed, now_ns) if new or was_silent else None
        if feed.due_ns is None or was_silent or sooner:
            self._set_due(symbol, feed)
        return finding

    @property
    def due_ns(self) -> int | None:
        """When the next feed will have been silent for too long, or may have been."""
        return self._dues[0][0] if self._dues else None

    def look(self, now_ns: int) -> list[Finding]:
        """The feeds that have been silent for too long since the last look."""
        found = []
        while self._dues and self._dues[0][0] <= now_ns:
            due_ns, symbol = heapq.heappop(self._dues)
            feed = self._feeds[symbol]
            if due_ns != feed.due_ns:
                continue
            before = feed.level
            finding = self._finding(symbol, feed, now_ns)
            self._set_due(symbol, feed)
            if feed.level != before:
                found.append(finding)
        return found

    def _set_due(self, symbol: str, feed: Feed) -> None:
        """Note when it will have been silent for too long to keep its level."""
        interval_ns = self._interval_ns(feed)
        feed.due_ns = None
        if interval_ns is None or feed.level == "critical":
            return
        limit = self._degraded if feed.level == "healthy" else self._critical
        feed.due_ns = self._hours.later(feed.last_ns, int(limit * interval_ns) + 1)
        heapq.heappush(self._dues, (feed.due_ns, symbol))

    def _interval_ns(self, feed: Feed) -> int | None:
        known = self._set_ns or feed.interval_ns or feed.usual_gap_ns()
        return None if known is None else max(known, self._shortest_ns, 1)

    def _finding(self, symbol: str, feed: Feed, now_ns: int) -> Finding:
        silence_ns, interval_ns = self._hours.between(feed.last_ns, now_ns), self._interval_ns(feed)
        intervals = silence_ns / interval_ns if interval_ns else 0.0
        feed.level = self._level(intervals)
        metrics = {"silent_intervals": intervals, "silent_seconds": silence_ns / SECOND}
        if interval_ns is not None:
            metrics["interval_seconds"] = interval_ns / SECOND
        component, words = f"{self._kind}:{symbol}", self._words(feed.level, metrics)
        return Finding(component, feed.level, words, metrics)

    def _level(self, intervals: float) -> HealthLevel:
        if intervals > self._critical:
            return "critical"
        return "degraded" if intervals > self._degraded else "healthy"

    def _words(self, level: HealthLevel, metrics: Mapping[str, float]) -> str:
        if level == "healthy":
            return "something came"
        limit = self._critical if level == "critical" else self._degraded
        return (
            f"nothing came for {metrics['silent_seconds']:,.0f} s, more than {limit:g} intervals "
            f"of {metrics['interval_seconds']:g} s"
        )
