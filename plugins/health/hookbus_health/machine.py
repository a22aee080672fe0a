"""The machine: the event loop's lag, the memory of the process, and the room on its disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from hookbus import HealthReport

from hookbus_health.levels import Finding, Ladder, Thresholds

LAG = "event-loop"
MIB = 1024 * 1024
"""Bytes in a mebibyte."""


class LoopLag:
    """Judges by how many seconds the event loop was late for something."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._ladder = Ladder(thresholds, "the lag", lambda seconds: f"{seconds:.3f} s")

    def measured(self, seconds: float) -> Finding:
        """The loop came so much later than it was asked to."""
        reason = self._ladder.judge(max(0.0, seconds))
        return Finding(LAG, self._ladder.level, reason, {"lag_seconds": seconds})

    def blocked(self, seconds: float, plugin: str) -> Finding:
        """The host says that a plugin kept the loop from running."""
        finding = self.measured(seconds)
        return finding._replace(reason=f"{finding.reason}; {plugin} blocked the event loop")


class Memory:
    """Judges the resident memory of this process, as a fraction of `limit` bytes.

    Without a limit it is the memory of the machine.
    """

    def __init__(self, thresholds: Thresholds, limit: int | None) -> None:
        self._limit = limit
        self._ladder = Ladder(thresholds, "the memory of the process", lambda part: f"{part:.1%}")

    def check(self) -> HealthReport:
        """Measure it."""
        import psutil  # type: ignore[import-untyped]

        used: int = psutil.Process().memory_info().rss
        limit: int = self._limit or psutil.virtual_memory().total
        words = self._ladder.judge(used / limit)
        reason = f"{words} ({used / MIB:,.0f} of {limit / MIB:,.0f} MiB)"
        metrics = {"fraction": used / limit, "used_mib": used / MIB, "limit_mib": limit / MIB}
        return HealthReport(self._ladder.level, reason, metrics)


class Disk:
    """Judges how much of the file system that holds `path` is used, as a fraction.

    What is reserved for the administrator counts as used.
    """

    def __init__(self, thresholds: Thresholds, path: Path) -> None:
        self._path = path
        self._ladder = Ladder(thresholds, f"the disk of {path}", lambda part: f"{part:.1%} full")

    def check(self) -> HealthReport:
        """Measure it; raises `OSError` where there is no such path."""
        usage = shutil.disk_usage(self._path)
        used = 1 - usage.free / usage.total
        words = self._ladder.judge(used)
        reason = f"{words} ({usage.free / MIB:,.0f} MiB free)"
        metrics = {"fraction": used, "free_mib": usage.free / MIB, "total_mib": usage.total / MIB}
        return HealthReport(self._ladder.level, reason, metrics)
