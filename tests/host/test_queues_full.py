"""Work queues that are full: who gives way, who waits, and who is told."""

from __future__ import annotations

import asyncio

import pytest
from hookbus.errors import PublishDeadlock, QueueFull, UsageError, WouldBlock
from hookbus.events import Event
from hookbus.operational import BackpressureWarning

from tests.host.queue_bench import Bench, simulated, turns


@simulated
async def test_rejecting_queues_raise_at_once(bench: Bench) -> None:
    """Neither put nor put_nowait waits, and the refused items are counted apart."""
    queue = bench.queue(capacity=1, when_full="reject")
    await queue.put("a")
    with pytest.raises(QueueFull, match="'orders' is full"):
        await queue.put("b")
    with pytest.raises(QueueFull):
        queue.put_nowait("c")
    stats = queue.stats()
    assert (stats.accepted, stats.rejected, stats.pending) == (1, 2, 1)


@simulated
async def test_the_oldest_item_of_the_last_lane_gives_way(bench: Bench) -> None:
    """Dropping takes background work first and never a faster lane's for a slower one's."""
    queue = bench.queue(capacity=3, when_full="drop_oldest", reserve=0.0)
    for item, lane in (("f0", "fast"), ("b0", "background"), ("b1", "background")):
        await queue.put(item, lane)
    await queue.put("b2", "background")  # b0 goes
    await queue.put("f1", "fast")  # b1 goes
    await queue.put("f2", "fast")  # b2 goes
    await queue.put("b3", "background")  # only fast ones are left: it goes itself
    await queue.put("f3", "fast")  # f0 goes
    stats = queue.stats()
    assert (stats.accepted, stats.dropped, stats.pending) == (8, 5, 3)
    assert stats.balanced
    queue.start()
    await queue.idle()
    assert bench.handled == ["f1", "f2", "f3"]


@simulated
async def test_a_newer_item_takes_the_place_of_one_with_its_key(bench: Bench) -> None:
    """Coalescing keeps the position and handles only the latest state."""
    queue = bench.queue(when_full="coalesce", key=lambda item: item[0])
    for item in ("a1", "b1", "a2", "c1", "a3"):
        await queue.put(item)
    stats = queue.stats()
    assert (stats.accepted, stats.coalesced, stats.pending) == (5, 2, 3)
    queue.start()
    await queue.idle()
    assert bench.handled == ["a3", "b1", "c1"]
    assert queue.check()


@simulated
async def test_an_item_in_work_is_not_replaced(bench: Bench) -> None:
    """What a worker has taken is past; the next item with its key is queued anew."""
    queue = bench.queue(bench.gated, when_full="coalesce", key=lambda item: item[0])
    queue.start()
    await queue.put("a1")
    await queue.put("a2")
    bench.open_gates()
    await queue.idle()
    assert bench.handled == ["a1", "a2"]


@simulated
async def test_coalescing_into_a_faster_lane_moves_the_item_there(bench: Bench) -> None:
    """Urgent news of a key is not held up by the older item's slow lane, nor the other way."""
    queue = bench.queue(when_full="coalesce", key=lambda item: item[0])
    await queue.put("a1", "background")
    await queue.put("b1", "fast")
    await queue.put("a2", "fast")
    await queue.put("b2", "background")
    queue.start()
    await queue.idle()
    assert bench.handled == ["b2", "a2"]


@simulated
async def test_coalescing_waits_for_room_when_no_key_is_equal(bench: Bench) -> None:
    """A full queue takes an equal key at once and lets another key wait; None equals nothing."""
    queue = bench.queue(capacity=2, when_full="coalesce", key=lambda item: item[0].strip() or None)
    await queue.put("a1")
    await queue.put(" 1")
    queue.put_nowait("a2")
    with pytest.raises(WouldBlock):
        queue.put_nowait("b1")
    with pytest.raises(WouldBlock):
        queue.put_nowait(" 2")
    waiting = asyncio.create_task(queue.put("b1"))
    await turns()
    queue.start()
    await queue.idle()
    await waiting
    assert bench.handled == ["a2", " 1", "b1"]


@simulated
async def test_an_older_item_that_waited_for_room_does_not_replace_a_newer_one(
    bench: Bench,
) -> None:
    """Which item is newer is decided when put is called, not when it gets in."""
    queue = bench.queue(
        bench.gated, capacity=4, reserve=0.5, when_full="coalesce", key=lambda item: item[0]
    )
    queue.start()
    await queue.put("running")
    await queue.put("x1", "background")
    await queue.put("y1", "background")
    older = asyncio.create_task(queue.put("a1", "background"))
    await turns()
    await queue.put("a2", "fast")
    await queue.put("x2", "fast")  # x1 leaves the background lane, so that a1 gets in
    await older
    bench.open_gates()
    await queue.idle()
    assert bench.handled == ["running", "a2", "x2", "y1"]
    assert queue.stats().coalesced == 2


@simulated
async def test_the_place_of_a_cancelled_putter_goes_to_the_next_at_once(bench: Bench) -> None:
    """Also when no worker moves that would let somebody in."""
    queue = bench.queue(capacity=4, reserve=0.5, when_full="coalesce", key=lambda item: item[0])
    await queue.put("x1", "background")
    await queue.put("y1", "background")
    first, second = (asyncio.create_task(queue.put(item, "background")) for item in ("z1", "w1"))
    await turns()
    queue.put_nowait("x2", "fast")  # x1 leaves the background lane, which lets z1 in
    first.cancel()
    await turns()
    assert (first.cancelled(), second.done()) == (True, True)
    assert queue.stats().lanes == {"fast": 1, "background": 2}


@simulated
async def test_a_key_must_be_hashable(bench: Bench) -> None:
    """The error names the queue and the item, and nothing is queued."""
    queue = bench.queue(when_full="coalesce", key=list)
    with pytest.raises(UsageError, match="the key of 'a' is no good: unhashable"):
        await queue.put("a")
    assert queue.stats().accepted == 0


@simulated
async def test_workers_that_fill_their_own_queue_do_not_wait_for_ever(bench: Bench) -> None:
    """When every worker would wait for room in its own queue, the last one is told."""

    async def work(item: str) -> None:
        await bench.clock.sleep(1)
        await queue.put(item + "x")
        bench.handled.append(item)

    queue = bench.queue(work, capacity=2, workers=2)
    queue.start()
    for item in "abcd":
        await queue.put(item)
    await bench.clock.sleep(1.5)
    assert isinstance(bench.failures[0][1], PublishDeadlock)
    assert "give it more capacity" in str(bench.failures[0][1])
    await queue.drain(0)
    assert queue.check()


@simulated
async def test_a_worker_may_stand_in_line_behind_a_putter_that_was_let_in(bench: Bench) -> None:
    """Where there is room for both, it waits for a moment only, and that is no deadlock."""

    async def work(item: str) -> None:
        bench.handled.append(item)
        if item == "go":
            await queue.put("x2", "fast")
            await queue.put("y2", "fast")  # room for two in the background, one of it for z1
            await queue.put("w1", "background")

    queue = bench.queue(
        work, capacity=10, reserve=0.8, when_full="coalesce", key=lambda item: item[0]
    )
    await queue.put("go")
    await queue.put("x1", "background")
    await queue.put("y1", "background")
    waiting = asyncio.create_task(queue.put("z1", "background"))
    await turns()
    queue.start()
    await queue.idle()
    await waiting
    assert bench.failures == []
    assert bench.handled == ["go", "x2", "y2", "z1", "w1"]


def _sizes(published: list[Event]) -> list[int]:
    return [event.size for event in published if isinstance(event, BackpressureWarning)]


@simulated
async def test_backpressure_is_announced_once_and_again_after_relief(bench: Bench) -> None:
    """Crossing the mark warns once; fewer than half of it waiting arms the warning again."""
    queue = bench.queue(bench.gated, capacity=10, lanes=("only",), high_water=0.8)
    queue.start()
    for number in range(11):
        await queue.put(str(number))
    await turns()
    assert bench.published == [BackpressureWarning(name="orders", size=8, capacity=10)]
    await bench.open(6)  # 4 of 8 still wait, which is not less than half
    for number in range(5):
        await queue.put(f"again{number}")
    await turns()
    assert _sizes(bench.published) == [8]
    await bench.open(6)
    for number in range(6):
        await queue.put(f"more{number}")
    await turns()
    assert _sizes(bench.published) == [8, 8]


@simulated
async def test_a_queue_that_is_full_for_its_last_lane_has_warned(bench: Bench) -> None:
    """The mark is never above what background work alone can reach."""
    queue = bench.queue(capacity=10, reserve=0.5, high_water=0.9)
    for number in range(5):
        await queue.put(str(number), "background")
    await turns()
    assert _sizes(bench.published) == [5]


@simulated
async def test_a_failing_publisher_of_warnings_harms_no_put(bench: Bench) -> None:
    """The item is queued and its putter unharmed; the error goes to the loop's handler."""

    def publish(_: Event) -> None:
        raise RuntimeError("no bus")

    queue = bench.queue(publish=publish, capacity=1)
    await queue.put("a")
    await turns()
    assert queue.stats().pending == 1
    assert [type(error) for error in bench.loop_errors] == [RuntimeError]
    bench.loop_errors.clear()


@simulated
async def test_a_queue_without_a_publisher_works(bench: Bench) -> None:
    """Nobody has to listen to warnings."""
    queue = bench.queue(publish=None, capacity=1)
    await queue.put("a")
    await turns()
    assert queue.stats().pending == 1
