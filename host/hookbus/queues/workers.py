"""The worker pool of a work queue: one task per item, so many at a time, each in its context."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial
from typing import Any, Generic, TypeVar

from hookbus.bus.options import is_coroutine_function
from hookbus.clock import Clock
from hookbus.containment.limits import GRACE, MOST_LEFT_BEHIND
from hookbus.containment.threadcalls import ThreadCall
from hookbus.queues.lanes import Entry
from hookbus.queues.options import QueueOptions

T = TypeVar("T")
_Answer = TypeVar("_Answer")


class Outcome(Enum):
    """What became of an item that a worker had taken; the value is its name in the books."""

    DONE = "done"
    FAILED = "failed"
    ABANDONED = "abandoned"


class _Run(Generic[T]):
    """An item in the hands of a worker."""

    __slots__ = ("entry", "exited", "stopped", "timed_out", "timer")

    def __init__(self, entry: Entry[T]) -> None:
        self.entry = entry
        self.timer: asyncio.Task[None] | None = None
        self.exited: SystemExit | None = None
        self.timed_out = False
        self.stopped = False


class WorkerPool(Generic[T]):
    """Runs items through `worker`, at most `workers` at a time.

    All but `fast_workers` of them may be at work on items that are not of the first lane.

    An async worker is awaited; a plain function runs in a thread, and on the loop under a simulated
    clock. `finished` is told of every item exactly once, never while it is being started.

    A run that does not stop within a second of its cancellation is left behind and its place is
    given to the next, up to a limit; beyond it, such runs keep their places until they end.
    """

    def __init__(
        self,
        worker: Callable[[T], Any],
        name: str,
        options: QueueOptions,
        clock: Clock,
        finished: Callable[[Entry[T], Outcome, BaseException | None], None],
    ) -> None:
        self._worker = worker
        self._name = name
        self._workers = options.workers
        self._slow_workers = options.workers - options.fast_workers
        self._lanes = len(options.lanes)
        self._timeout = options.timeout
        self._clock = clock
        self._finished = finished
        self._in_thread = not is_coroutine_function(worker) and not clock.simulated
        self._runs: dict[asyncio.Task[None], _Run[T]] = {}
        self._left_behind: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, task: object) -> bool:
        return task in self._runs

    @property
    def reach(self) -> int:
        """How many lanes, from the first on, a worker is free to take an item from."""
        if len(self._runs) >= self._workers:
            return 0
        return self._lanes if self._behind(self._runs) < self._slow_workers else 1

    def _behind(self, tasks: Iterable[asyncio.Task[Any] | None]) -> int:
        """How many of `tasks` are at work on an item that is not of the first lane."""
        runs = (self._runs.get(task) for task in tasks if task is not None)
        return sum(run is not None and run.entry.lane > 0 for run in runs)

    def would_stall(
        self,
        task: asyncio.Task[Any] | None,
        waiting: Iterable[asyncio.Task[Any] | None],
        lane: int,
    ) -> bool:
        """Whether nobody would be left to make room in a lane if `task` waited for it too."""
        if task not in self._runs:
            return False
        stuck = [one for one in (task, *waiting) if one in self._runs]
        if len(stuck) >= self._workers:
            return True
        return lane > 0 and self._behind(stuck) >= self._slow_workers

    @property
    def left_behind(self) -> int:
        """How many runs go on although they were cancelled and accounted for."""
        return len(self._left_behind)

    def start(self, entry: Entry[T]) -> None:
        """Give an item to a free worker."""
        loop = asyncio.get_running_loop()
        run = _Run(entry)
        task = loop.create_task(self._work(run), name=self._name, context=entry.context)
        self._runs[task] = run
        task.add_done_callback(self._done)
        if self._timeout is not None:
            run.timer = loop.create_task(self._expire(task, run, self._timeout))

    def stop(self) -> None:
        """Cancel all runs; those that obey count as abandoned."""
        for task, run in self._runs.items():
            run.stopped = True
            task.cancel()

    def leave(self) -> None:
        """Cancel all runs, leave them behind and count them as abandoned at once."""
        for task in list(self._runs):
            if task.cancel():  # a task that has just ended is accounted for by its callback
                self._leave_behind(task, Outcome.ABANDONED, None)

    async def _work(self, run: _Run[T]) -> None:
        try:
            if self._in_thread:
                result = await self._call_in_thread(run.entry.item)
            else:
                result = self._worker(run.entry.item)
            if inspect.isawaitable(result):
                await result
        except SystemExit as error:  # would end the loop if the task let it out
            run.exited = error

    async def _call_in_thread(self, item: T) -> Any:
        outcome = ThreadCall(partial(self._worker, item), self._name).outcome
        try:
            result, error = await asyncio.shield(outcome)
        except asyncio.CancelledError:
            result, error = await _outlast(outcome)
        if error is not None:
            raise error
        return result

    async def _expire(self, task: asyncio.Task[None], run: _Run[T], seconds: float) -> None:
        await self._clock.sleep(seconds)
        if task.done():
            return
        run.timed_out = True
        task.cancel()
        await self._clock.sleep(GRACE)
        if task in self._runs and len(self._left_behind) < MOST_LEFT_BEHIND:
            self._leave_behind(task, Outcome.FAILED, self._timeout_error())

    def _timeout_error(self) -> TimeoutError:
        return TimeoutError(f"took longer than {self._timeout:g} s")

    def _leave_behind(
        self, task: asyncio.Task[None], outcome: Outcome, error: BaseException | None
    ) -> None:
        self._left_behind.add(task)
        self._account(self._runs.pop(task), outcome, error)

    def _done(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        run = self._runs.pop(task, None)
        if run is None:
            self._left_behind.discard(task)
            return
        error = error or run.exited
        if run.timed_out:
            self._account(run, Outcome.FAILED, error or self._timeout_error())
        elif task.cancelled() and run.stopped:
            self._account(run, Outcome.ABANDONED, None)
        elif task.cancelled():
            self._account(run, Outcome.FAILED, asyncio.CancelledError())
        else:
            self._account(run, Outcome.FAILED if error else Outcome.DONE, error)

    def _account(self, run: _Run[T], outcome: Outcome, error: BaseException | None) -> None:
        if run.timer is not None and run.timer is not asyncio.current_task():
            run.timer.cancel()
        self._finished(run.entry, outcome, error)


async def _outlast(outcome: asyncio.Future[_Answer]) -> _Answer:
    """Wait for a thread, which cannot be stopped; cancelled again, let go of it."""
    try:
        await asyncio.wait({outcome})
    except asyncio.CancelledError:
        outcome.cancel()
        raise
    return outcome.result()
