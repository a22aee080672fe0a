"""The workers of work queues: failing, slow, stubborn, in threads, and in whose name they act."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest
import structlog
from hookbus.bus.eventbus import EventBus
from hookbus.bus.voice import Bus
from hookbus.clock import SimulatedClock
from hookbus.envelope import Envelope
from hookbus.events import Event

from tests.host.queue_bench import Bench, never_stop, on_system_clock, simulated, turns

current: ContextVar[str] = ContextVar("current", default="nobody")


@pytest.mark.parametrize(
    "error", [ValueError("bad"), SystemExit(3), asyncio.CancelledError(), StopAsyncIteration()]
)
def test_a_worker_that_raises_is_counted_and_the_pool_goes_on(error: BaseException) -> None:
    """Whatever a worker raises is told with its item, and the next item is handled."""

    @simulated
    async def test(bench: Bench) -> None:
        async def work(item: str) -> None:
            await bench.note(item)
            if item == "b":
                raise error

        queue = bench.queue(work)
        queue.start()
        for item in "abc":
            await queue.put(item)
        await queue.idle()
        assert bench.handled == ["a", "b", "c"]
        assert [(item, type(failure)) for item, failure in bench.failures] == [("b", type(error))]
        stats = queue.stats()
        assert (stats.done, stats.failed) == (2, 1)
        assert queue.check()

    test()


@simulated
async def test_failures_that_nobody_asked_for_reach_the_loop(bench: Bench) -> None:
    """Without on_failure an error is not swallowed."""

    async def work(_: str) -> None:
        raise ValueError("bad")

    queue = bench.queue(work, on_failure=None)
    queue.start()
    await queue.put("a")
    await queue.idle()
    assert [str(error) for error in bench.loop_errors] == ["bad"]
    bench.loop_errors.clear()


@simulated
async def test_an_on_failure_that_raises_does_not_stop_the_pool(bench: Bench) -> None:
    """The books are closed before anybody is told."""

    def on_failure(item: str, error: BaseException) -> None:
        raise RuntimeError(item) from error

    async def work(item: str) -> None:
        await bench.note(item)
        raise ValueError

    queue = bench.queue(work, on_failure=on_failure)
    queue.start()
    await queue.put("a")
    await queue.put("b")
    await queue.idle()
    assert bench.handled == ["a", "b"]
    assert [type(error) for error in bench.loop_errors] == [RuntimeError, RuntimeError]
    assert queue.stats().failed == 2
    bench.loop_errors.clear()


@simulated
async def test_an_item_is_handled_in_the_context_of_its_put(bench: Bench) -> None:
    """Worker and failure report see what was current when the item was put, coalesced or not."""
    seen: list[tuple[str, str]] = []

    async def work(item: str) -> None:
        seen.append((item, current.get()))
        current.set("changed by the worker")
        raise ValueError

    queue = bench.queue(
        work,
        on_failure=lambda item, _: seen.append((item, current.get())),
        when_full="coalesce",
        key=lambda item: item[0],
    )
    for item in ("a1", "b1", "b2"):
        current.set(f"put of {item}")
        await queue.put(item)
    current.set("start")
    queue.start()
    await queue.idle()
    assert seen == [
        ("a1", "put of a1"),
        ("a1", "changed by the worker"),
        ("b2", "put of b2"),
        ("b2", "changed by the worker"),
    ]
    assert current.get() == "start"


@simulated
async def test_plain_workers_run_on_the_loop_under_simulated_time(bench: Bench) -> None:
    """A back-test is deterministic: no threads, the same order, the context of the put."""
    seen: list[tuple[str, str, bool]] = []

    def work(item: str) -> None:
        on_loop = threading.current_thread() is threading.main_thread()
        seen.append((item, current.get(), on_loop))

    queue = bench.queue(work, workers=4)
    queue.start()
    for item in "abc":
        current.set(item)
        await queue.put(item)
    await queue.idle()
    assert seen == [("a", "a", True), ("b", "b", True), ("c", "c", True)]


@on_system_clock
async def test_plain_workers_run_in_threads(bench: Bench) -> None:
    """They block no loop, run side by side, and see the context of the put."""
    meeting = threading.Barrier(2, timeout=10)
    seen: list[tuple[str, str, bool]] = []

    def work(item: str) -> None:
        meeting.wait()
        on_loop = threading.current_thread() is threading.main_thread()
        seen.append((item, current.get(), on_loop))

    queue = bench.queue(work, workers=2)
    queue.start()
    for item in "abcd":
        current.set(item)
        await queue.put(item)
    await queue.idle()
    assert sorted(seen) == [(item, item, False) for item in "abcd"]


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), StopIteration()])
def test_plain_workers_that_raise_in_a_thread_are_counted(error: BaseException) -> None:
    """Also what a future cannot carry, or would end the loop."""

    @on_system_clock
    async def test(bench: Bench) -> None:
        def work(item: str) -> None:
            bench.handled.append(item)
            if item == "a":
                raise error

        queue = bench.queue(work)
        queue.start()
        await queue.put("a")
        await queue.put("b")
        await queue.idle()
        assert bench.handled == ["a", "b"]
        assert [item for item, _ in bench.failures] == ["a"]
        assert queue.stats().done == 1

    test()


@simulated
async def test_a_plain_worker_may_return_an_awaitable(bench: Bench) -> None:
    """A lambda around an async function is awaited, not forgotten."""
    queue = bench.queue(lambda item: bench.note(item))
    queue.start()
    await queue.put("a")
    await queue.idle()
    assert bench.handled == ["a"]


@simulated
async def test_an_item_that_takes_too_long_fails(bench: Bench) -> None:
    """The timeout counts from the start of the work, in the clock's time."""

    async def work(item: str) -> None:
        await bench.clock.sleep(float(item))
        await bench.note(item)

    queue = bench.queue(work, timeout=5)
    queue.start()
    for item in ("4", "6", "4"):
        await queue.put(item)
    await queue.idle()
    assert bench.handled == ["4", "4"]
    assert bench.clock.now_ns() == 13_000_000_000
    assert [(item, str(error)) for item, error in bench.failures] == [("6", "took longer than 5 s")]
    assert queue.check()
    await turns()
    assert len(asyncio.all_tasks()) == 1


@simulated
async def test_an_item_that_is_done_when_its_time_is_up_is_done(bench: Bench) -> None:
    """Work that ends in the same turn of the loop as its limit was in time."""

    async def work(item: str) -> None:
        assert isinstance(bench.clock, SimulatedClock)
        await turns()
        bench.clock.move_to(9_000_000_000)
        await bench.note(item)

    queue = bench.queue(work, timeout=5)
    queue.start()
    await queue.put("a")
    await queue.idle()
    assert (queue.stats().done, queue.stats().failed) == (1, 0)


@simulated
async def test_an_error_while_stopping_for_a_timeout_is_the_one_reported(bench: Bench) -> None:
    """What the worker says itself is worth more than that it took too long."""

    async def work(_: str) -> None:
        try:
            await bench.clock.sleep(9)
        except asyncio.CancelledError:
            raise ValueError("could not clean up") from None

    queue = bench.queue(work, timeout=1)
    queue.start()
    await queue.put("a")
    await queue.idle()
    assert [str(error) for _, error in bench.failures] == ["could not clean up"]


@simulated
async def test_a_timed_out_worker_that_goes_on_is_left_behind(bench: Bench) -> None:
    """Its item has failed and its place is free; when it ends one day, nothing is counted twice."""
    release = asyncio.Event()

    async def work(item: str) -> None:
        if item == "stubborn":
            await never_stop(release)
        await bench.note(item)

    queue = bench.queue(work, timeout=1)
    queue.start()
    await queue.put("stubborn")
    await queue.put("next")
    await queue.idle()
    assert bench.handled == ["next"]
    assert [item for item, _ in bench.failures] == ["stubborn"]
    assert queue.stats().left_behind == 1
    release.set()
    await turns()
    stats = queue.stats()
    assert (stats.done, stats.failed, stats.left_behind) == (1, 1, 0)
    assert queue.check()


@simulated
async def test_only_so_many_workers_are_left_behind(bench: Bench) -> None:
    """A worker that always hangs does not pile up tasks without end; it stops the pool instead."""
    release = asyncio.Event()

    async def work(_: str) -> None:
        await never_stop(release)

    queue = bench.queue(work, timeout=1)
    queue.start()
    for item in "abcdef":
        await queue.put(item)
    await bench.clock.sleep(100)
    stats = queue.stats()
    assert (stats.left_behind, stats.running, stats.pending, stats.failed) == (3, 1, 2, 3)
    release.set()
    await queue.idle()
    assert queue.stats().failed == 4  # the fourth took 100 s; the last two found the way free
    assert queue.check()


class OrderPlaced(Event, type="test.order-placed"):
    """What the handler hears of."""


class OrderChecked(Event, type="test.order-checked"):
    """What the worker publishes."""


@simulated
async def test_what_a_worker_publishes_names_the_event_behind_its_item(bench: Bench) -> None:
    """Causality is not lost on the way through a queue."""
    event_bus = EventBus(bench.clock, structlog.get_logger())
    bus = Bus(event_bus, "test")
    seen: list[Envelope] = []

    async def check(_: str) -> None:
        await bus.publish(OrderChecked())

    queue = bench.queue(check)
    queue.start()
    bus.subscribe(OrderPlaced, lambda _: queue.put_nowait("order"), mode="inline")
    bus.subscribe("test.*", seen.append, mode="inline", envelope=True)
    await bus.publish(OrderPlaced())
    await queue.idle()
    placed, checked = seen
    assert (placed.type, checked.type) == ("test.order-placed", "test.order-checked")
    assert checked.causation_id == placed.id
    assert checked.correlation_id == placed.correlation_id
    event_bus.close()
