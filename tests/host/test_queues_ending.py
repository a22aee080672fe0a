"""How a work queue ends: drained within a limit, closed at once, and nothing unaccounted for."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from hookbus.errors import BusClosed, UsageError
from hookbus.queues.queue import WorkQueue

from tests.host.queue_bench import Bench, never_stop, on_system_clock, simulated, turns


@simulated
async def test_drain_handles_what_is_queued_and_takes_nothing_new(bench: Bench) -> None:
    """Everything accepted is done when there is time for it."""

    async def work(item: str) -> None:
        await bench.clock.sleep(1)
        await bench.note(item)

    queue = bench.queue(work)
    queue.start()
    for item in "abc":
        await queue.put(item)
    draining = asyncio.create_task(queue.drain(10))
    await turns()
    with pytest.raises(BusClosed, match="'orders' is closed"):
        await queue.put("d")
    with pytest.raises(BusClosed):
        queue.put_nowait("d")
    with pytest.raises(BusClosed):
        queue.start()
    assert await draining == ()
    assert bench.handled == ["a", "b", "c"]
    assert bench.clock.now_ns() == 3_000_000_000
    assert queue.check()


@simulated
async def test_drain_abandons_what_is_left_at_its_limit(bench: Bench) -> None:
    """The item in work is cancelled, those behind it never begin, and all of them are named."""

    async def work(item: str) -> None:
        await bench.clock.sleep(2)
        await bench.note(item)

    queue = bench.queue(work)
    queue.start()
    for item in "abcd":
        await queue.put(item)
    assert sorted(await queue.drain(3)) == ["b", "c", "d"]
    assert bench.handled == ["a"]
    assert bench.clock.now_ns() == 3_000_000_000
    stats = queue.stats()
    assert (stats.done, stats.abandoned, stats.running, stats.pending) == (1, 3, 0, 0)
    assert queue.check()
    assert await queue.drain(3) == queue.close()
    assert queue.stats() == stats
    assert len(asyncio.all_tasks()) == 1


@simulated
async def test_drain_does_not_wait_for_a_worker_that_swallows_its_cancellation(
    bench: Bench,
) -> None:
    """It gets a second to obey, then it is left behind and its item counts as abandoned."""
    release = asyncio.Event()
    queue = bench.queue(lambda _: never_stop(release))
    queue.start()
    await queue.put("a")
    assert await queue.drain(5) == ("a",)
    assert bench.clock.now_ns() == 6_000_000_000
    assert queue.stats().left_behind == 1
    release.set()
    await turns()
    assert (queue.stats().left_behind, queue.stats().done) == (0, 0)
    assert queue.check()


@simulated
async def test_a_worker_may_clean_up_when_it_is_cancelled(bench: Bench) -> None:
    """What ends within the second ends in its own way: finished, failed or abandoned."""

    async def work(item: str) -> None:
        try:
            await bench.clock.sleep(100)
        except asyncio.CancelledError:
            await bench.clock.sleep(0.5)
            if item == "fails":
                raise ValueError from None
            if item != "finishes":
                raise

    queue = bench.queue(work, workers=3)
    queue.start()
    for item in ("finishes", "fails", "obeys"):
        await queue.put(item)
    await turns()
    assert await queue.drain(0) == ("obeys",)
    stats = queue.stats()
    assert (stats.done, stats.failed, stats.abandoned) == (1, 1, 1)
    assert queue.check()


@on_system_clock
async def test_drain_does_not_wait_for_a_thread_that_hangs(bench: Bench) -> None:
    """A thread cannot be stopped, so it is left to itself after its second."""
    release = threading.Event()

    def work(_: str) -> None:
        release.wait(20)

    queue = bench.queue(work)
    queue.start()
    await queue.put("a")
    await turns()
    assert await queue.drain(0) == ("a",)
    assert queue.check()
    release.set()


@on_system_clock
async def test_a_thread_that_ends_in_time_has_done_its_work(bench: Bench) -> None:
    """An item is not called abandoned when its thread finished it after all."""
    begun, release = threading.Event(), threading.Event()

    def work(item: str) -> None:
        begun.set()
        release.wait(20)
        bench.handled.append(item)

    queue = bench.queue(work)
    queue.start()
    await queue.put("a")
    await asyncio.to_thread(begun.wait, 20)
    draining = asyncio.create_task(queue.drain(0))
    await turns()
    release.set()
    assert await draining == ()
    assert bench.handled == ["a"]
    assert queue.stats().done == 1


@simulated
async def test_drain_sends_waiting_putters_away(bench: Bench) -> None:
    """Their items are not accepted, and they hear of it, also one that was just let in."""
    queue = bench.queue(capacity=1)
    puts = [asyncio.create_task(queue.put(item)) for item in "abc"]
    await turns()
    queue.start()  # lets "b" in, which has not run yet
    await queue.drain(5)
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), BusClosed, BusClosed]
    assert bench.handled == ["a"]
    assert queue.check()


@simulated
async def test_a_queue_that_was_never_started_abandons_everything_at_once(bench: Bench) -> None:
    """There is nobody to wait for."""
    queue = bench.queue()
    for item in "ab":
        await queue.put(item)
    assert await queue.drain(100) == ("a", "b")
    assert bench.clock.now_ns() == 0
    assert queue.check()


@simulated
async def test_a_cancelled_drain_abandons_the_rest_at_once(bench: Bench) -> None:
    """A host that runs out of patience leaves no open account."""
    queue = bench.queue(bench.gated)
    queue.start()
    for item in "abc":
        await queue.put(item)
    draining = asyncio.create_task(queue.drain(100))
    await turns()
    draining.cancel()
    await turns()
    assert draining.cancelled()
    assert queue.stats().abandoned == 3
    assert queue.check()
    assert len(asyncio.all_tasks()) == 1


@simulated
async def test_close_stops_everything_at_once(bench: Bench) -> None:
    """Nothing is waited for, and a second call gives the same answer."""
    queue = bench.queue(bench.gated, capacity=1)
    queue.start()
    await queue.put("running")
    await queue.put("queued")
    waiting = asyncio.create_task(queue.put("waiting"))
    await turns()
    assert queue.close() == ("queued", "running")
    assert queue.close() == ("queued", "running")
    assert queue.check()
    with pytest.raises(BusClosed):
        await waiting
    await turns()
    assert len(asyncio.all_tasks()) == 1


@simulated
async def test_close_keeps_what_has_just_been_done(bench: Bench) -> None:
    """A worker that has returned in this turn of the loop is not called abandoned."""
    queue = bench.queue(bench.gated)
    queue.start()
    await queue.put("a")
    await turns()
    bench.gates["a"].set_result(None)
    await turns(1)
    assert bench.handled == ["a"]
    assert queue.close() == ()
    await turns()
    assert queue.stats().done == 1
    assert queue.check()


@simulated
async def test_a_worker_cannot_wait_for_its_own_queue(bench: Bench) -> None:
    """Awaiting idle() or drain() in a worker would never end, so it is refused."""
    errors: list[BaseException | None] = []

    async def work(_: str) -> None:
        for wait in (queue.idle(), queue.drain(5)):
            with pytest.raises(UsageError, match="would await itself") as caught:
                await wait
            errors.append(caught.value)

    queue: WorkQueue[Any] = bench.queue(work)
    queue.start()
    await queue.put("a")
    await queue.idle()
    assert len(errors) == 2
