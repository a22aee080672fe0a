"""Work queues: bounded lanes of typed items, and a pool of workers that handles them."""

from __future__ import annotations

import asyncio
import difflib
import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, NoReturn, TypeVar

from hookbus.clock import Clock
from hookbus.containment.limits import GRACE
from hookbus.envelope import frozen_context
from hookbus.errors import BusClosed, PublishDeadlock, QueueFull, UsageError, WouldBlock
from hookbus.events import Event
from hookbus.operational import BackpressureWarning
from hookbus.queues.books import QueueStats
from hookbus.queues.lanes import Entry, Lanes
from hookbus.queues.options import QueueOptions, WhenFull
from hookbus.queues.waiting import Waiters
from hookbus.queues.workers import Outcome, WorkerPool

T = TypeVar("T")


class WorkQueue(Generic[T]):
    """A bounded queue of `item_type` items, handled by `workers` calls of `worker` at a time.

    `worker` is an async function, or a plain one, which runs in a thread (on the loop under a
    simulated clock). It runs in the context of the `put` that brought the item: what it publishes
    names the event during which the item was put as its cause.

    The first of `lanes` is emptied before the second. `capacity` is for all lanes together; each
    lane after the first leaves the share `reserve` of it to those before it, so that background
    work never shuts out the fast path. `fast_workers` of the workers take items of the first lane
    only, so that background work that hangs cannot do so either.

    `when_full` says what becomes of an item that finds no room in its lane:

    - `"wait"`: `put` waits, first come, first served within a lane; `put_nowait` raises
      `WouldBlock`;
    - `"reject"`: both raise `QueueFull`;
    - `"drop_oldest"`: the oldest item of the last lane gives way, never one of a faster lane than
      the new item's; when only those have items, the new one itself is dropped;
    - `"coalesce"`: whether full or not, a new item replaces the waiting one with the same
      `key(item)` and takes its place (or goes to the end of its own lane where that is the faster
      one). Without an equal key it waits as above; a key of None is equal to nothing.

    A `BackpressureWarning` goes to `publish` when `high_water` of the capacity (or the last lane's
    share, if that is less) is reached, and again only after fewer than half of these have waited.
    A worker that raises, or takes longer than `timeout` seconds of the clock, is counted and told
    to `on_failure(item, error)`, or to the loop's exception handler; the pool goes on.

    All methods belong to the event loop's thread. Raises `UsageError` for options that make no
    sense.
    """

    def __init__(
        self,
        name: str,
        item_type: type[T],
        worker: Callable[[T], Any],
        *,
        clock: Clock,
        publish: Callable[[Event], object] | None = None,
        capacity: int = 1000,
        lanes: Sequence[str] = ("fast", "background"),
        workers: int = 1,
        fast_workers: int = 0,
        when_full: WhenFull = "wait",
        key: Callable[[T], Hashable | None] | None = None,
        high_water: float = 0.8,
        reserve: float = 0.1,
        timeout: float | None = None,
        on_failure: Callable[[T, BaseException], object] | None = None,
    ) -> None:
        options = QueueOptions(
            capacity=capacity,
            lanes=tuple(lanes),
            workers=workers,
            fast_workers=fast_workers,
            when_full=when_full,
            keyed=key is not None,
            high_water=high_water,
            reserve=reserve,
            timeout=timeout,
        )
        problem = options.problem()
        if problem is not None:
            raise UsageError(f"work queue {name!r}: {problem}")
        self._options = options
        self.name = name
        self._item_type = item_type
        self._clock = clock
        self._publish = publish
        self._key = key
        self._on_failure = on_failure
        self._lanes: Lanes[T] = Lanes(len(options.lanes), capacity, reserve)
        self._waiters = Waiters(self._lanes, len(options.lanes))
        self._pool = WorkerPool(worker, name, options, clock, self._finished)
        self._quiet: list[asyncio.Future[None]] = []
        self._counts: Counter[str] = Counter()
        self._abandoned: list[T] = []
        self._mark = min(math.ceil(capacity * high_water), self._lanes.limits[-1])
        self._warned = False
        self._tickets = 0
        self._started = self._closed = False

    # Putting

    async def put(self, item: T, lane: str | None = None) -> None:
        """Queue an item, in the first lane unless told otherwise; may wait for room.

        Cancelled while it waits, it has queued nothing. Raises `QueueFull` under
        `when_full="reject"`, `BusClosed` once the queue is drained or closed, `UsageError` for an
        item of another type or an unknown lane, `PublishDeadlock` when all workers of this queue
        would wait for room in it.
        """
        entry = self._entry(item, lane)
        if not self._offer(entry, wait=self._waiters.in_line(entry.lane)):
            await self._wait_for_room(entry)

    def put_nowait(self, item: T, lane: str | None = None) -> None:
        """Queue an item without ever waiting.

        Raises `WouldBlock` where `put` would wait, and what `put` raises.
        """
        if not self._offer(self._entry(item, lane), wait=False):
            raise WouldBlock(f"{self} is full ({len(self._lanes)} items); await put()")

    def _entry(self, item: T, lane: str | None) -> Entry[T]:
        _need_loop(self)
        if not isinstance(item, self._item_type):
            raise UsageError(
                f"{self} takes {self._item_type.__qualname__}, got {type(item).__qualname__}"
            )
        self._tickets += 1
        return Entry(
            item, self._lane_index(lane), self._tickets, frozen_context(), self._key_of(item)
        )

    def _key_of(self, item: T) -> Hashable | None:
        key = None if self._key is None else self._key(item)
        try:
            hash(key)
        except TypeError as error:
            raise UsageError(f"{self}: the key of {item!r} is no good: {error}") from None
        return key

    def _lane_index(self, lane: str | None) -> int:
        names = self._options.lanes
        if lane is None:
            return 0
        if lane in names:
            return names.index(lane)
        near = difflib.get_close_matches(str(lane), names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(names)}"
        raise UsageError(f"{self} has no lane {lane!r}; {hint}")

    def _offer(self, entry: Entry[T], *, wait: bool) -> bool:
        if self._closed:
            self._refuse_closed()
        if self._coalesce(entry):
            return True
        if not wait and self._lanes.has_room(entry.lane):
            self._accept(entry)
            return True
        if self._options.when_full == "reject":
            self._counts["rejected"] += 1
            raise QueueFull(f"{self} is full ({len(self._lanes)} items)")
        if self._options.when_full == "drop_oldest":
            self._accept_dropping(entry)
            return True
        return False

    def _refuse_closed(self) -> NoReturn:
        raise BusClosed(f"{self} is closed and takes no more items")

    def _coalesce(self, entry: Entry[T]) -> bool:
        waiting = self._lanes.same(entry.key)
        if waiting is None:
            return False
        if waiting.ticket < entry.ticket:
            self._lanes.replace(waiting, entry)
        self._counts["accepted"] += 1
        self._counts["coalesced"] += 1
        self._pump()
        return True

    def _accept(self, entry: Entry[T]) -> None:
        self._counts["accepted"] += 1
        self._lanes.add(entry)
        self._pump()

    def _accept_dropping(self, entry: Entry[T]) -> None:
        self._counts["dropped"] += 1
        if self._lanes.take_oldest_for(entry.lane) is None:
            self._counts["accepted"] += 1
        else:
            self._accept(entry)

    # Waiting for room

    async def _wait_for_room(self, entry: Entry[T]) -> None:
        if not self._lanes.has_room(entry.lane):
            self._refuse_deadlock(entry.lane)
        try:
            admitted = await self._waiters.wait(entry.lane)
        except BaseException:
            self._pump()
            raise
        if admitted:
            self._lanes.release(entry.lane)
        if self._closed:
            self._pump()
            self._refuse_closed()
        if not self._coalesce(entry):
            self._accept(entry)

    def _refuse_deadlock(self, lane: int) -> None:
        if self._pool.would_stall(asyncio.current_task(), self._waiters.tasks(), lane):
            raise PublishDeadlock(
                f"all workers of {self} that could make room in its lane "
                f"{self._options.lanes[lane]!r} would wait for it; "
                "give it more capacity or another when_full, or put from a task of its own"
            )

    # Working

    def start(self) -> None:
        """Let the workers begin; until then items are only queued. Raises `BusClosed`."""
        _need_loop(self)
        if self._closed:
            self._refuse_closed()
        self._started = True
        self._pump()

    def _pump(self) -> None:
        while self._started and (entry := self._lanes.take(self._pool.reach)) is not None:
            self._pool.start(entry)
        self._waiters.admit()
        self._watch_level()
        if self.is_idle:
            for quiet in self._quiet:
                if not quiet.done():
                    quiet.set_result(None)
            self._quiet.clear()

    def _watch_level(self) -> None:
        size = len(self._lanes)
        if size < self._mark / 2:
            self._warned = False
        elif size >= self._mark and not self._warned:
            self._warned = True
            if self._publish is not None:
                warning = BackpressureWarning(
                    name=self.name, size=size, capacity=self._options.capacity
                )
                asyncio.get_running_loop().call_soon(self._publish, warning)

    def _finished(self, entry: Entry[T], outcome: Outcome, error: BaseException | None) -> None:
        self._counts[outcome.value] += 1
        if outcome is Outcome.ABANDONED:
            self._abandoned.append(entry.item)
        if outcome is Outcome.FAILED and error is not None:
            report = self._on_failure or self._report_failure
            loop = asyncio.get_running_loop()
            loop.call_soon(report, entry.item, error, context=entry.context)
        self._pump()

    def _report_failure(self, _: T, error: BaseException) -> None:
        asyncio.get_running_loop().call_exception_handler(
            {"message": f"a worker of {self} failed", "exception": error}
        )

    # Ending

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued, with a worker, or waiting for room."""
        lanes = self._lanes
        return not (len(lanes) or len(self._pool) or lanes.held or len(self._waiters))

    async def idle(self) -> None:
        """Wait until everything that was put has been handled."""
        self._refuse_own_worker("idle")
        while not self.is_idle:
            await self._until_quiet()

    async def drain(self, limit: float) -> tuple[T, ...]:
        """Take no more items, handle those queued within `limit` seconds, then stop.

        Calls of `put` that wait for room raise `BusClosed`. After the limit workers are cancelled
        and get a second to obey; one that does not is left behind. Returns the items that were
        abandoned, which is all that were queued when the queue was never started. Cancelled, it
        abandons the rest at once.
        """
        self._refuse_own_worker("drain")
        self._stop_intake()
        try:
            if self._started and limit > 0:
                await self._within(limit)
            self._abandon_queued()
            self._pool.stop()
            await self._within(GRACE)
        finally:
            self.close()
        return tuple(self._abandoned)

    def close(self) -> tuple[T, ...]:
        """Stop at once: take no more items, cancel the workers, abandon what is left.

        Returns all items that were abandoned; a second call changes nothing.
        """
        self._stop_intake()
        self._abandon_queued()
        self._pool.leave()
        return tuple(self._abandoned)

    def _stop_intake(self) -> None:
        self._closed = True
        self._waiters.close()

    def _abandon_queued(self) -> None:
        entries = self._lanes.take_all()
        self._counts["abandoned"] += len(entries)
        self._abandoned.extend(entry.item for entry in entries)
        self._pump()

    def _refuse_own_worker(self, method: str) -> None:
        if asyncio.current_task() in self._pool:
            raise UsageError(f"a worker of {self} cannot await {method}(): it would await itself")

    async def _within(self, seconds: float) -> None:
        if self.is_idle:
            return
        quiet = asyncio.ensure_future(self._until_quiet())
        limit = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({quiet, limit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            quiet.cancel()
            limit.cancel()
        await asyncio.wait({quiet, limit})

    async def _until_quiet(self) -> None:
        quiet: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._quiet.append(quiet)
        await quiet

    def runs(self, task: asyncio.Task[Any]) -> bool:
        """Whether `task` is a worker of this queue."""
        return task in self._pool

    # The books

    def stats(self) -> QueueStats:
        """The account as it stands."""
        counts = self._counts
        return QueueStats(
            name=self.name,
            capacity=self._options.capacity,
            accepted=counts["accepted"],
            done=counts["done"],
            failed=counts["failed"],
            dropped=counts["dropped"],
            coalesced=counts["coalesced"],
            abandoned=counts["abandoned"],
            pending=len(self._lanes),
            running=len(self._pool),
            rejected=counts["rejected"],
            waiting=len(self._waiters),
            left_behind=self._pool.left_behind,
            lanes=dict(zip(self._options.lanes, self._lanes.sizes, strict=True)),
        )

    def check(self) -> bool:
        """Whether the books balance."""
        return self.stats().balanced

    def __repr__(self) -> str:
        return f"work queue {self.name!r}"


def _need_loop(queue: WorkQueue[Any]) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError(f"{queue} was used outside the event loop's thread") from None
