"""Queues: how full those are that warned of backpressure."""

from __future__ import annotations

from hookbus_health.levels import SECOND, Finding, Ladder, Thresholds


class QueueFill:
    """Judges how full a queue or a lossless subscription was when it warned: `size / capacity`.

    Nobody tells when it has emptied, and it warns again only after it was half empty; so it counts
    as empty `quiet` seconds after its last warning.
    """

    def __init__(self, thresholds: Thresholds, quiet: float) -> None:
        self._thresholds = thresholds
        self._quiet_ns = round(quiet * SECOND)
        self._quiet = quiet
        self._ladders: dict[str, Ladder] = {}
        self._dues: dict[str, int] = {}

    def warned(self, name: str, size: int, capacity: int, now_ns: int) -> Finding:
        """A queue said how full it is."""
        ladder = self._ladders.get(name)
        if ladder is None:
            ladder = Ladder(self._thresholds, "the fill", lambda fill: f"{fill:.0%}")
            self._ladders[name] = ladder
        self._dues[name] = now_ns + self._quiet_ns
        fill = size / capacity
        reason = f"{ladder.judge(fill)} ({size:,} of {capacity:,})"
        metrics = {"fill": fill, "size": size, "capacity": capacity}
        return Finding(f"queue:{name}", ladder.level, reason, metrics)

    @property
    def due_ns(self) -> int | None:
        """When the next queue has been quiet for long enough."""
        return min(self._dues.values(), default=None)

    def look(self, now_ns: int) -> list[Finding]:
        """The queues that have been quiet for long enough."""
        quiet = [name for name, due_ns in self._dues.items() if due_ns <= now_ns]
        return [self._emptied(name) for name in quiet]

    def _emptied(self, name: str) -> Finding:
        del self._dues[name]
        self._ladders[name].judge(0.0)
        reason = f"no warning for {self._quiet:g} s"
        return Finding(f"queue:{name}", "healthy", reason, {"fill": 0.0})
