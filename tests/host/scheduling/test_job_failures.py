"""Runs that raise, hang, or cannot be stopped."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest
from hookbus.clock import SystemClock
from hookbus.errors import WouldBlock
from hookbus.events import Event
from hookbus.loop import run
from hookbus.operational import JobFailed
from hookbus.scheduler.jobs import Job, JobRun

from tests.host.scheduling.world import Simulate, World, make_world


def test_a_run_that_raises_is_counted_told_and_reported(simulate: Simulate) -> None:
    """The ledger, an event and the host hear of it; the next run comes as usual."""

    async def scenario(world: World) -> None:
        def work(run: JobRun) -> None:
            world.runs.append(run)
            if len(world.runs) == 1:
                raise ValueError("no\nprices")

        world.jobs.add(Job("job", work, every=10))
        world.scheduler.start()
        await world.clock.sleep(25)
        assert world.ends() == {"failed": 1, "ran": 1}
        assert world.reasons("failed") == ["ValueError: no prices"]
        failed = [event for event in world.told if isinstance(event, JobFailed)]
        assert [(event.job, event.error) for event in failed] == [
            ("p.job", "ValueError: no prices")
        ]
        plugin, what, error = world.failures[0]
        assert (plugin, what, type(error)) == ("p", "job job", ValueError)

    simulate(scenario)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (asyncio.CancelledError(), "CancelledError"),
        (StopIteration(), "RuntimeError: coroutine raised StopIteration"),
    ],
)
def test_no_exception_ends_more_than_its_run(
    simulate: Simulate, error: BaseException, text: str
) -> None:
    """Leaving the interpreter, cancelling oneself or stopping an iteration fails the run only."""

    async def scenario(world: World) -> None:
        async def work() -> None:
            raise error

        world.jobs.add(Job("job", work, every=10))
        world.jobs.add(Job("other", world.note, every=10))
        world.scheduler.start()
        await world.clock.sleep(25)
        assert world.reasons("failed") == [text, text]
        assert len(world.runs) == 2

    simulate(scenario)


def test_a_run_that_takes_too_long_is_cancelled_and_failed(simulate: Simulate) -> None:
    """The timeout cancels the run, and the next one finds the job free."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", lambda: world.clock.sleep(100), every=10, timeout=3))
        world.scheduler.start()
        await world.clock.sleep(25)
        assert world.ends() == {"failed": 2}
        assert world.reasons("failed")[0] == "TimeoutError: took longer than 3 s"
        entry = world.scheduler.ledger.entries[0]
        assert entry.duration == pytest.approx(3)

    simulate(scenario)


def test_a_run_that_swallows_its_cancellation_is_left_behind(simulate: Simulate) -> None:
    """It is reported as abandoned, ends in the ledger once, and blocks neither job nor others."""

    async def scenario(world: World) -> None:
        release = asyncio.Event()

        async def stubborn() -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        world.jobs.add(Job("job", stubborn, every=10, timeout=3))
        world.jobs.add(Job("other", world.note, every=10))
        world.scheduler.start()
        await world.clock.sleep(25)
        assert world.ends() == {"failed": 2}
        assert "went on after it was cancelled" in world.reasons("failed")[0]
        assert type(world.failures[0][2]).__name__ == "JobAbandoned"
        assert len(world.runs) == 2
        release.set()
        await world.clock.sleep(1)
        assert world.ends() == {"failed": 2}

    simulate(scenario)


def test_a_plugin_whose_run_does_not_stop_is_stopped_nevertheless(simulate: Simulate) -> None:
    """Stopping takes a moment at most, and the run is accounted for."""

    async def scenario(world: World) -> None:
        release = asyncio.Event()

        async def stubborn() -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        world.jobs.add(Job("job", stubborn, every=10))
        world.scheduler.start()
        await world.clock.sleep(11)
        began = world.clock.now_ns()
        await world.jobs.close()
        assert world.clock.now_ns() - began <= 2 * 10**9
        assert world.ends() == {"failed": 1}
        release.set()
        await asyncio.sleep(0)

    simulate(scenario)


def test_a_full_subscriber_of_job_events_does_not_stop_the_jobs(simulate: Simulate) -> None:
    """Where an event about a job cannot be published, that is reported and the run goes on."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, every=10))
        world.scheduler.start()
        await world.clock.sleep(25)
        assert world.ends() == {"ran": 2}
        assert {type(error) for _, _, error in world.failures} == {WouldBlock}

    def refuse(event: Event) -> int:
        raise WouldBlock(f"no room for {event}")

    simulate(scenario, publish=refuse)


def test_a_plain_run_works_in_a_thread_of_its_own() -> None:
    """On the system clock a plain function does not block the loop, and may return an awaitable."""

    async def scenario() -> tuple[set[str], dict[str, int]]:
        world = make_world(SystemClock(), {})
        threads: list[str] = []

        def work() -> object:
            threads.append(threading.current_thread().name)
            return asyncio.sleep(0)

        world.jobs.add(Job("job", work, cron="0 0 1 1 *"))
        for _ in range(3):
            assert (await world.scheduler.trigger_now("p.job")).end == "ran"
        await world.scheduler.close()
        return set(threads), world.ends()

    assert run(scenario(), SystemClock()) == ({"p:job"}, {"ran": 3})


def test_a_thread_that_hangs_is_left_behind_and_not_multiplied() -> None:
    """The run fails at its timeout; while its thread hangs the job is skipped, others run."""

    async def scenario() -> dict[str, int]:
        world = make_world(SystemClock(), {})
        release = threading.Event()
        world.jobs.add(Job("job", release.wait, cron="0 0 1 1 *", timeout=0.001))
        failed = await world.scheduler.trigger_now("p.job")
        assert failed.reason == "TimeoutError: took longer than 0.001 s"
        skipped = await world.scheduler.trigger_now("p.job")
        assert skipped.reason == "the thread of an earlier run still hangs"
        release.set()
        await world.scheduler.close()
        return world.ends()

    assert run(scenario(), SystemClock()) == {"failed": 1, "skipped": 1}


def test_what_a_thread_raises_fails_its_run() -> None:
    """Also what would end an interpreter or an iterator."""

    async def scenario() -> list[str]:
        world = make_world(SystemClock(), {})
        world.jobs.add(Job("exits", sys.exit, cron="0 0 1 1 *"))
        world.jobs.add(Job("stops", lambda: next(iter(())), cron="0 0 1 1 *"))
        for name in ("p.exits", "p.stops"):
            await world.scheduler.trigger_now(name)
        await world.scheduler.close()
        return world.reasons("failed")

    exits, stops = run(scenario(), SystemClock())
    assert exits == "SystemExit"
    assert "StopIteration" in stops
