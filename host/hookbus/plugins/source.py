"""Sources: tasks that feed events into the bus and come to an end, such as a replayed file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from enum import StrEnum

from hookbus.containment.contained import Contained
from hookbus.containment.ownership import current_plugin

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


class Sources:
    """The running sources of one host.

    `on_end` is called, on the loop, whenever one has come to its end or failed.
    """

    def __init__(self, on_end: Callable[[Source, BaseException | None], None]) -> None:
        self._on_end = on_end
        self._tasks: dict[Source, asyncio.Task[None]] = {}

    def __iter__(self) -> Iterator[Source]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, source: Source) -> None:
        """Let a source begin to feed."""
        task = asyncio.get_running_loop().create_task(
            Contained(_feed(source)), name=source.full_name
        )
        self._tasks[source] = task
        task.add_done_callback(lambda done: self._ended(source, done))

    def _ended(self, source: Source, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            source.state = SourceState.STOPPED
            return
        error = task.exception()
        source.state = SourceState.FINISHED if error is None else SourceState.FAILED
        self._on_end(source, error)

    async def ended(self) -> None:
        """Wait until every source has ended, in whatever way."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def stop(self, sources: Iterable[Source], limit: float) -> list[Source]:
        """Cancel sources and wait for at most `limit` seconds; returns those that did not end."""
        running = {self._tasks[one]: one for one in sources if one in self._tasks}
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(list(running), timeout=limit)
        return [source for task, source in running.items() if not task.done()]


async def _feed(source: Source) -> None:
    current_plugin.set(source.plugin)
    source.state = SourceState.RUNNING
    await source.function(source)
