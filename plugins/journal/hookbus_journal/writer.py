"""The writer: hands tasks to the committer, in a thread or at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import monotonic
from typing import Protocol

from hookbus_journal.committer import Committer
from hookbus_journal.tasks import CLOSED, Outcome, Task, settle_all


class Writer(Protocol):
    """Takes tasks, carries them out in order, and tells how they went on the event loop."""

    def submit(self, task: Task) -> None:
        """Take a task; it has its place in line when this returns."""

    async def close(self) -> None:
        """Carry out what was submitted, and refuse what comes later."""


class InlineWriter:
    """Carries each task out before `submit` returns: for the simulated clock."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._closed = False

    def submit(self, task: Task) -> None:
        """Carry out a task."""
        if self._closed:
            task.settle(None, CLOSED)
        else:
            settle_all(self._committer.commit([task]))

    async def close(self) -> None:
        """Refuse what comes later."""
        self._closed = True


class ThreadedWriter:
    """Carries tasks out in a thread of its own; what waits together is committed together.

    A transaction takes at most `most` events, and begins after `wait` seconds at the latest,
    however many more tasks keep coming.
    """

    def __init__(
        self, committer: Committer, loop: asyncio.AbstractEventLoop, most: int, wait: float
    ) -> None:
        self._committer = committer
        self._loop = loop
        self._most = most
        self._wait = wait
        self._inbox: SimpleQueue[Task | None] = SimpleQueue()
        self._closed = False
        self._ended = loop.create_future()
        self._thread = threading.Thread(target=self._work, name="hookbus-journal", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> None:
        """Put a task into the line."""
        if self._closed:
            self._loop.call_soon(task.settle, None, CLOSED)
        else:
            self._inbox.put(task)

    async def close(self) -> None:
        """Wait until the thread has done what it was given."""
        if not self._closed:
            self._closed = True
            self._inbox.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    def _work(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._next_batch()
            if batch:
                self._tell(settle_all, self._committer.commit(batch))
        self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _next_batch(self) -> tuple[list[Task], bool]:
        """What waits, and whether more may come."""
        task = self._inbox.get()
        batch: list[Task] = []
        weight, latest = 0, monotonic() + self._wait
        while task is not None:
            batch.append(task)
            weight += task.weight
            if weight >= self._most or monotonic() > latest or self._inbox.empty():
                return batch, True
            task = self._inbox.get_nowait()
        return batch, False

    def _tell(self, call: Callable[[list[Outcome]], None], outcomes: list[Outcome]) -> None:
        self._loop.call_soon_threadsafe(call, outcomes)
