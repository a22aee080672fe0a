"""Everything that one run has measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import installed, journal, latency, loop, memory, startup, throughput


@dataclass
class Results:
    """The rows of every part; a part that was not asked for has none."""

    deliveries: list[throughput.Row] = field(default_factory=list)
    pipeline: list[throughput.Row] = field(default_factory=list)
    latency: list[latency.Row] = field(default_factory=list)
    memory: list[memory.Row] = field(default_factory=list)
    startup: list[startup.Row] = field(default_factory=list)
    installed: list[installed.Row] = field(default_factory=list)
    loop: list[loop.Row] = field(default_factory=list)
    fastlane: dict[str, Any] = field(default_factory=dict)
    journal: journal.Figures | None = None

    def delivery(
        self, contender: str, kind: str, subscribers: int, burst: int
    ) -> throughput.Row | None:
        """The row of a contender in one case, where it was measured."""
        return next(
            (
                row
                for row in self.deliveries
                if (row.contender, row.kind, row.subscribers, row.burst)
                == (contender, kind, subscribers, burst)
            ),
            None,
        )

    def losses(self, prefix: str) -> list[str]:
        """What contenders whose names begin with `prefix` lost, one line each."""
        rows: list[throughput.Row | latency.Row | memory.Row]
        rows = [*self.deliveries, *self.pipeline, *self.latency, *self.memory]
        return [
            f"{row.contender}: {row.verdict}"
            for row in rows
            if row.contender.startswith(prefix) and not row.exact
        ]
