"""Work queues: what goes in, in which order it is handled, and what happens when one is full."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hookbus.clock import SimulatedClock
from hookbus.errors import QueueFull, UsageError, WouldBlock
from hookbus.queues.queue import WorkQueue

from tests.host.queue_bench import Bench, simulated, turns


@simulated
async def test_items_are_handled_in_the_order_they_were_put(bench: Bench) -> None:
    """One worker keeps the order, and the books close when all is done."""
    queue = bench.queue()
    queue.start()
    for item in "abc":
        await queue.put(item)
    await queue.idle()
    assert bench.handled == ["a", "b", "c"]
    stats = queue.stats()
    assert (stats.accepted, stats.done, stats.pending, stats.running) == (3, 3, 0, 0)
    assert queue.check()


@simulated
async def test_so_many_workers_run_at_a_time(bench: Bench) -> None:
    """`workers` limits how many items are in work at once."""
    most = 0

    async def work(_: str) -> None:
        nonlocal most
        most = max(most, queue.stats().running)
        await bench.clock.sleep(1)

    queue = bench.queue(work, workers=3)
    queue.start()
    for item in "abcdefgh":
        await queue.put(item)
    await queue.idle()
    assert most == 3
    assert bench.clock.now_ns() == 3_000_000_000


@simulated
async def test_the_fast_lane_goes_first(bench: Bench) -> None:
    """Whatever was put into a later lane waits until the lanes before it are empty."""
    queue = bench.queue(lanes=("fast", "normal", "background"))
    for lane in ("background", "normal", "fast", "background", "fast"):
        queue.put_nowait(f"{lane}{queue.stats().lanes[lane]}", lane)
    assert queue.stats().lanes == {"fast": 2, "normal": 1, "background": 2}
    queue.start()
    await queue.idle()
    assert bench.handled == ["fast0", "fast1", "normal0", "background0", "background1"]


@simulated
async def test_background_work_leaves_room_for_the_fast_lane(bench: Bench) -> None:
    """A share of the capacity is kept from later lanes; the fast lane may use all of it."""
    queue = bench.queue(when_full="reject", capacity=10, reserve=0.2)
    for number in range(8):
        queue.put_nowait(f"b{number}", "background")
    with pytest.raises(QueueFull):
        queue.put_nowait("b8", "background")
    for number in range(2):
        queue.put_nowait(f"f{number}")
    with pytest.raises(QueueFull):
        queue.put_nowait("f2")
    assert queue.stats().rejected == 2
    assert queue.check()


@simulated
async def test_a_queue_for_one_item_takes_it_in_any_lane(bench: Bench) -> None:
    """Shares never round a lane down to nothing."""
    queue = bench.queue(when_full="reject", capacity=1, lanes=("a", "b", "c"))
    queue.put_nowait("x", "c")
    with pytest.raises(QueueFull):
        queue.put_nowait("y", "a")


@simulated
async def test_items_of_another_type_are_refused(bench: Bench) -> None:
    """The error names the queue, what it takes and what it got; nothing is counted."""
    queue = bench.queue()
    with pytest.raises(UsageError, match="work queue 'orders' takes str, got int"):
        await queue.put(5)  # type: ignore[arg-type]
    assert queue.stats().accepted == 0


@simulated
async def test_an_unknown_lane_is_refused_with_a_suggestion(bench: Bench) -> None:
    """A lane that does not exist is a mistake, not a new lane."""
    queue = bench.queue()
    with pytest.raises(UsageError, match="no lane 'backgruond'; did you mean 'background'"):
        queue.put_nowait("a", "backgruond")
    with pytest.raises(UsageError, match="no lane 'zzz'; it has fast, background"):
        await queue.put("a", "zzz")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"capacity": 0}, "capacity=0"),
        ({"workers": 0}, "workers=0"),
        ({"workers": 2, "fast_workers": 2}, "fast_workers=2 must be .* less than workers=2"),
        ({"fast_workers": -1}, "fast_workers=-1 must be 0 or more"),
        ({"lanes": ()}, "at least one"),
        ({"lanes": ("a", "a")}, "different names"),
        ({"when_full": "explode"}, "wait, reject, drop_oldest, coalesce"),
        ({"when_full": "coalesce"}, "needs key="),
        ({"key": str}, "nothing else takes it"),
        ({"high_water": 0.0}, "high_water=0.0"),
        ({"high_water": 1.5}, "high_water=1.5"),
        ({"reserve": 1.0}, "reserve=1.0"),
        ({"timeout": 0.0}, "timeout=0.0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], reason: str) -> None:
    """A mistake in the options is found when the queue is made, and names the queue."""
    with pytest.raises(UsageError, match=f"work queue 'orders'.*{reason}"):
        WorkQueue("orders", str, print, clock=SimulatedClock(), **options)


def test_using_a_queue_outside_the_loop_is_refused() -> None:
    """A plain thread gets an error before anything is queued."""
    queue = WorkQueue("orders", str, print, clock=SimulatedClock())
    with pytest.raises(UsageError, match="outside the event loop's thread"):
        queue.put_nowait("a")
    with pytest.raises(UsageError, match="outside the event loop's thread"):
        queue.start()
    assert queue.stats().accepted == 0


@simulated
async def test_put_waits_for_room_first_come_first_served(bench: Bench) -> None:
    """Putters enter a full queue in the order in which they came."""
    queue = bench.queue(capacity=1)
    puts = [asyncio.create_task(queue.put(item)) for item in "abcd"]
    await turns()
    assert [put.done() for put in puts] == [True, False, False, False]
    assert queue.stats().waiting == 3
    with pytest.raises(WouldBlock, match="full"):
        queue.put_nowait("e")
    queue.start()
    await asyncio.gather(*puts)
    await queue.idle()
    assert bench.handled == ["a", "b", "c", "d"]


@simulated
async def test_nobody_overtakes_a_putter_that_was_let_in(bench: Bench) -> None:
    """One who comes between a putter's wake-up and its entry stands behind it."""
    queue = bench.queue(capacity=2, lanes=("only",), workers=2)
    await queue.put("a")
    await queue.put("b")
    waiting = asyncio.create_task(queue.put("c"))
    await turns()
    queue.start()  # makes room for two and lets "c" in, which has not run yet
    await queue.put("d")
    assert waiting.done()
    await queue.idle()
    assert bench.handled == ["a", "b", "c", "d"]


@simulated
async def test_a_waiting_background_putter_does_not_stop_the_fast_lane(bench: Bench) -> None:
    """Each lane has a line of its own."""
    queue = bench.queue(capacity=4, reserve=0.5)
    for item in "ab":
        await queue.put(item, "background")
    waiting = asyncio.create_task(queue.put("c", "background"))
    await turns()
    await queue.put("d")
    assert not waiting.done()
    queue.start()
    await queue.idle()
    assert bench.handled == ["d", "a", "b", "c"]


@simulated
async def test_a_cancelled_put_leaves_nothing_behind(bench: Bench) -> None:
    """A put that is cancelled while it waits queues nothing, and those behind it move up."""
    queue = bench.queue(capacity=1)
    puts = [asyncio.create_task(queue.put(item)) for item in "abc"]
    await turns()
    puts[1].cancel()
    await turns()
    assert queue.stats().waiting == 1
    queue.start()
    await queue.idle()
    assert puts[1].cancelled()
    assert bench.handled == ["a", "c"]
    assert queue.stats().accepted == 2


@simulated
async def test_a_put_cancelled_in_the_moment_it_is_let_in_gives_its_place_on(
    bench: Bench,
) -> None:
    """Between wake-up and entry a cancellation still queues nothing and loses no place."""
    queue = bench.queue(capacity=1)
    puts = [asyncio.create_task(queue.put(item)) for item in "abc"]
    await turns()
    queue.start()  # takes "a" and lets "b" in, which has not run yet
    puts[1].cancel()
    await queue.idle()
    assert puts[1].cancelled()
    assert bench.handled == ["a", "c"]
    assert queue.check()


@simulated
async def test_idle_waits_for_waiting_putters_too(bench: Bench) -> None:
    """Idle means that everything is handled, also what was still on its way in."""
    queue = bench.queue(capacity=1)
    await queue.idle()
    puts = [asyncio.create_task(queue.put(item)) for item in "abc"]
    await turns()
    queue.start()
    await queue.idle()
    assert all(put.done() for put in puts)
    assert bench.handled == ["a", "b", "c"]
    assert queue.is_idle


def test_the_name_is_in_the_repr() -> None:
    """Messages say which queue is meant."""
    worker: Callable[[str], Awaitable[None] | None] = lambda _: None  # noqa: E731
    assert repr(WorkQueue("orders", str, worker, clock=SimulatedClock())) == "work queue 'orders'"
