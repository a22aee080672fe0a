"""Workers that are kept for the first lane of a work queue."""

from __future__ import annotations

import asyncio

from hookbus.errors import PublishDeadlock

from tests.host.queue_bench import Bench, simulated, turns


@simulated
async def test_background_work_that_hangs_leaves_workers_to_the_fast_lane(bench: Bench) -> None:
    """Of three workers two are kept: one background item hangs, and no second one is begun."""
    queue = bench.queue(bench.gated, workers=3, fast_workers=2)
    queue.start()
    for item in ("slow1", "slow2", "slow3"):
        await queue.put(item, "background")
    await turns()
    assert list(bench.gates) == ["slow1"]
    for item in ("fast1", "fast2", "fast3"):
        await queue.put(item)
    await turns()
    assert list(bench.gates) == ["slow1", "fast1", "fast2"]
    assert queue.stats().lanes == {"fast": 1, "background": 2}
    bench.open_gates()
    await queue.idle()
    assert bench.handled == ["slow1", "fast1", "fast2", "fast3", "slow2", "slow3"]


@simulated
async def test_a_worker_that_is_done_in_the_fast_lane_lets_background_work_wait(
    bench: Bench,
) -> None:
    """What decides is the lane of those at work, not who has become free."""
    queue = bench.queue(bench.gated, workers=2, fast_workers=1)
    queue.start()
    await queue.put("fast")
    await queue.put("slow1", "background")
    await queue.put("slow2", "background")
    await turns()
    await bench.open(1)
    assert bench.handled == ["fast"]
    assert [item for item in bench.gates if item != "fast"] == ["slow1"]
    bench.open_gates()
    await queue.idle()
    assert queue.stats().done == 3


@simulated
async def test_background_work_does_not_wait_for_itself_while_fast_workers_are_free(
    bench: Bench,
) -> None:
    """Only background workers make room in the background lane: the last one to wait is told."""

    async def work(item: str) -> None:
        if len(item) == 1:
            await queue.put(item + "x", "background")

    queue = bench.queue(work, capacity=2, reserve=0.5, workers=3, fast_workers=2)
    await queue.put("a", "background")
    queue.start()
    async with asyncio.timeout(1):
        for item in "bc":
            await queue.put(item, "background")
        await turns()
    assert isinstance(bench.failures[0][1], PublishDeadlock)
    assert "lane 'background'" in str(bench.failures[0][1])
    await queue.drain(0)
    assert queue.check()


@simulated
async def test_an_item_that_moves_to_the_fast_lane_is_taken_at_once(bench: Bench) -> None:
    """A kept worker that is free takes a waiting item as soon as its like comes first."""
    queue = bench.queue(
        bench.gated, workers=2, fast_workers=1, when_full="coalesce", key=lambda item: item[0]
    )
    queue.start()
    for item in ("x1", "y1"):
        await queue.put(item, "background")
    await turns()
    await queue.put("y2")
    await turns()
    assert list(bench.gates) == ["x1", "y2"]
    bench.open_gates()
    await queue.idle()
