"""Work queues against a model: plain lists that say what every policy should do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hookbus.clock import SimulatedClock
from hookbus.errors import BusClosed, QueueFull, WouldBlock
from hookbus.loop import SimulatedLoop
from hookbus.queues.options import WhenFull
from hookbus.queues.queue import WorkQueue
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

LANES = ("fast", "background")

keys = st.sampled_from("abc")
lanes = st.sampled_from([0, 1])


@dataclass(frozen=True)
class Work:
    """An item: `number` tells items with the same key apart."""

    key: str
    number: int


@dataclass
class Model:
    """What a queue should contain, with the rules of its policy in plain words."""

    when_full: str
    capacity: int
    background: int
    workers: int
    fast_workers: int
    started: bool = False
    queued: tuple[list[Work], list[Work]] = field(default_factory=lambda: ([], []))
    waiting: tuple[list[Work], list[Work]] = field(default_factory=lambda: ([], []))
    running: list[Work] = field(default_factory=list)
    behind: list[Work] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("accepted", "done", "failed", "dropped", "coalesced", "abandoned", "rejected"), 0
        )
    )

    def full(self, lane: int) -> bool:
        """Whether an item finds no room in a lane."""
        total = len(self.queued[0]) + len(self.queued[1])
        return total >= self.capacity or (lane == 1 and len(self.queued[1]) >= self.background)

    def put(self, item: Work, lane: int, *, wait: bool) -> str:
        """Put an item; what the caller gets: in, waits, full or blocked."""
        if self._coalesce(item, lane):
            outcome = "in"
        elif not self.full(lane):
            self.counts["accepted"] += 1
            self.queued[lane].append(item)
            outcome = "in"
        elif self.when_full == "reject":
            self.counts["rejected"] += 1
            outcome = "full"
        elif self.when_full == "drop_oldest":
            self._drop_for(item, lane)
            outcome = "in"
        elif wait:
            self.waiting[lane].append(item)
            outcome = "waits"
        else:
            outcome = "blocked"
        self.settle()
        return outcome

    def _drop_for(self, item: Work, lane: int) -> None:
        self.counts["accepted"] += 1
        self.counts["dropped"] += 1
        victims = self.queued[1] or (self.queued[0] if lane == 0 else [])
        if victims:
            victims.pop(0)
            self.queued[lane].append(item)

    def _coalesce(self, item: Work, lane: int) -> bool:
        if self.when_full != "coalesce":
            return False
        for old_lane, items in enumerate(self.queued):
            for place, old in enumerate(items):
                if old.key == item.key:
                    self._replace(old_lane, place, item, lane)
                    return True
        return False

    def _replace(self, old_lane: int, place: int, item: Work, lane: int) -> None:
        self.counts["accepted"] += 1
        self.counts["coalesced"] += 1
        old = self.queued[old_lane][place]
        if old.number > item.number:
            return
        if lane < old_lane:
            del self.queued[old_lane][place]
            self.queued[lane].append(item)
        else:
            self.queued[old_lane][place] = item

    def settle(self) -> None:
        """Let workers take items and waiting putters in, until nothing moves."""
        while self._take() or self._let_in():
            pass

    def _take(self) -> bool:
        for lane, items in enumerate(self.queued):
            if self.started and items and self.free(lane):
                item = items.pop(0)
                self.running.append(item)
                self.behind += [item] * lane
                return True
        return False

    def free(self, lane: int) -> bool:
        """Whether a worker may take an item of a lane."""
        behind = sum(item in self.running for item in self.behind)
        kept = lane == 1 and behind >= self.workers - self.fast_workers
        return len(self.running) < self.workers and not kept

    def _let_in(self) -> bool:
        for lane, line in enumerate(self.waiting):
            if line and not self.full(lane):
                self.put(line.pop(0), lane, wait=False)
                return True
        return False


class QueueMachine(RuleBasedStateMachine):
    """Drives a queue and the model by the same calls."""

    when_full: WhenFull = "wait"

    def __init__(self) -> None:
        super().__init__()
        self.clock = SimulatedClock()
        self.loop = SimulatedLoop(self.clock)
        self.gates: dict[Work, asyncio.Future[None]] = {}
        self.puts: dict[Work, asyncio.Task[None]] = {}
        self.failures: list[Work] = []
        self.number = 0

    @initialize(
        capacity=st.integers(1, 4),
        workers=st.integers(1, 3),
        fast_workers=st.integers(0, 2),
        reserve=st.sampled_from([0.0, 0.3]),
        started=st.booleans(),
    )
    def make(
        self, capacity: int, workers: int, fast_workers: int, reserve: float, started: bool
    ) -> None:
        """Make the queue, and the model of it."""
        fast_workers = min(fast_workers, workers - 1)
        background = capacity if reserve == 0 else max(1, capacity - -(-capacity * 3 // 10))
        self.model = Model(self.when_full, capacity, background, workers, fast_workers)
        self.queue = WorkQueue(
            "model",
            Work,
            self.work,
            clock=self.clock,
            capacity=capacity,
            lanes=LANES,
            workers=workers,
            fast_workers=fast_workers,
            when_full=self.when_full,
            key=(lambda item: item.key) if self.when_full == "coalesce" else None,
            reserve=reserve,
            on_failure=lambda item, _: self.failures.append(item),
        )
        if started:
            self.start()

    async def work(self, item: Work) -> None:
        """Wait for the machine to say how the item ends."""
        self.gates[item] = self.loop.create_future()
        await self.gates[item]

    def run(self, call: Any = None) -> None:
        """Call something on the loop, and let everything that follows from it happen."""

        async def main() -> None:
            if call is not None:
                call()
            for _ in range(30):
                await asyncio.sleep(0)

        self.loop.run_until_complete(main())

    def next_item(self, key: str) -> Work:
        """A new item."""
        self.number += 1
        return Work(key, self.number)

    @precondition(lambda self: not self.model.started)
    @rule()
    def start(self) -> None:
        """Start the workers."""
        self.run(self.queue.start)
        self.model.started = True
        self.model.settle()

    @rule(key=keys, lane=lanes)
    def put(self, key: str, lane: int) -> None:
        """Put an item, in a task of its own because it may wait."""
        item = self.next_item(key)
        expected = self.model.put(item, lane, wait=True)
        task = self.loop.create_task(self.queue.put(item, LANES[lane]))
        self.run()
        if expected == "waits":
            self.puts[item] = task
            assert not task.done()
        elif expected == "full":
            assert isinstance(task.exception(), QueueFull)
        else:
            assert task.result() is None

    @rule(key=keys, lane=lanes)
    def put_nowait(self, key: str, lane: int) -> None:
        """Put an item without waiting."""
        item = self.next_item(key)
        expected = self.model.put(item, lane, wait=False)
        error = {"full": QueueFull, "blocked": WouldBlock}.get(expected)

        def call() -> None:
            if error is None:
                self.queue.put_nowait(item, LANES[lane])
                return
            with pytest.raises(error):
                self.queue.put_nowait(item, LANES[lane])

        self.run(call)

    @precondition(lambda self: self.puts)
    @rule(data=st.data())
    def cancel_put(self, data: st.DataObject) -> None:
        """Cancel a put; one that waits must leave nothing behind."""
        item = data.draw(st.sampled_from(sorted(self.puts, key=lambda item: item.number)))
        task = self.puts.pop(item)
        waits = any(item in line for line in self.model.waiting)
        for line in self.model.waiting:
            if item in line:
                line.remove(item)
        self.run(task.cancel)
        assert task.cancelled() == waits
        self.model.settle()

    @precondition(lambda self: self.model.running)
    @rule(data=st.data(), fails=st.booleans())
    def finish(self, data: st.DataObject, fails: bool) -> None:
        """Let a worker finish its item, or fail."""
        item = data.draw(st.sampled_from(self.model.running))
        gate = self.gates.pop(item)
        self.run(lambda: gate.set_exception(ValueError()) if fails else gate.set_result(None))
        self.model.running.remove(item)
        self.model.counts["failed" if fails else "done"] += 1
        assert (item in self.failures) == fails
        self.model.settle()

    @precondition(lambda self: self.model.running and self.puts)
    @rule(data=st.data(), later=st.integers(0, 5))
    def finish_and_cancel_put(self, data: st.DataObject, later: int) -> None:
        """Cancel those first in line some turns after a worker has made room for them.

        One that is cancelled between being let in and getting in must leave nothing behind.
        """
        item = data.draw(st.sampled_from(self.model.running))
        firsts = [line[0] for line in self.model.waiting if line]
        gate = self.gates.pop(item)

        def cancel(turns: int) -> None:
            if turns:
                self.loop.call_soon(cancel, turns - 1)
                return
            for first in firsts:
                self.puts[first].cancel()

        def call() -> None:
            gate.set_result(None)
            cancel(later)

        self.run(call)
        for line in self.model.waiting:
            if line and self.puts[line[0]].cancelled():
                del self.puts[line.pop(0)]
        self.model.running.remove(item)
        self.model.counts["done"] += 1
        self.model.settle()

    @invariant()
    def agrees_with_the_model(self) -> None:
        """Queue and model hold the same items in the same order, and the same counts."""
        if not hasattr(self, "model"):
            return
        stats = self.queue.stats()
        assert stats.balanced
        assert {name: getattr(stats, name) for name in self.model.counts} == self.model.counts
        assert stats.lanes == dict(zip(LANES, map(len, self.model.queued), strict=True))
        assert stats.waiting == sum(map(len, self.model.waiting))
        assert sorted(self.gates, key=lambda item: item.number) == sorted(
            self.model.running, key=lambda item: item.number
        )
        queued = [item for items in self.model.queued for item in items]
        assert [entry.item for entry in self.queue._lanes] == queued

    def teardown(self) -> None:
        """Drain: what the model still holds must be abandoned, and waiting putters sent away."""
        if hasattr(self, "model"):
            abandoned = self.loop.run_until_complete(self.queue.drain(1.0))
            self.run()
            left = [*self.model.queued[0], *self.model.queued[1], *self.model.running]
            assert sorted(abandoned, key=lambda item: item.number) == sorted(
                left, key=lambda item: item.number
            )
            stats = self.queue.stats()
            assert stats.balanced
            assert stats.pending == stats.running == stats.waiting == 0
            for line in self.model.waiting:
                for item in line:
                    assert isinstance(self.puts[item].exception(), BusClosed)
            assert not asyncio.all_tasks(self.loop)
        self.loop.close()


def _machine(policy: WhenFull) -> Any:
    machine: Any = type(f"Machine_{policy}", (QueueMachine,), {"when_full": policy})
    case = machine.TestCase
    case.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
    return case


TestWait = _machine("wait")
TestReject = _machine("reject")
TestDropOldest = _machine("drop_oldest")
TestCoalesce = _machine("coalesce")
