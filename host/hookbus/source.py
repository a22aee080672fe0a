"""Sources: tasks that feed events into the bus and come to an end, such as a replayed file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum

SourceFunction = Callable[["Source"], Awaitable[None]]


class SourceState(StrEnum):
    """Where a source stands."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"


class Source:
    """One source of a plugin, and how far it has come.

    Under the simulated clock a run ends when all sources have finished and everything has settled.
    """

    def __init__(self, plugin: str, name: str, function: SourceFunction) -> None:
        self.plugin = plugin
        self.name = name
        self.function = function
        self.state = SourceState.WAITING
        self.error: str | None = None
        self.done = 0
        self.total: int | None = None
        self.label = ""

    @property
    def full_name(self) -> str:
        """Plugin and name, joined by a dot."""
        return f"{self.plugin}.{self.name}"

    @property
    def ended(self) -> bool:
        """Whether it feeds nothing any more."""
        return self.state not in (SourceState.WAITING, SourceState.RUNNING)

    def progress(self, done: int, total: int | None = None, label: str = "") -> None:
        """Say how far the source has come: `done` of `total` units, and what it is at."""
        self.done = done
        self.total = total
        self.label = label
