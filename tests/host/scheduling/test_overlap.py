"""What becomes of a run that is due while another run of the job is on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hookbus.events import Event
from hookbus.operational import JobSkipped
from hookbus.scheduler.jobs import Job, JobRun
from pydantic import Field

from tests.host.scheduling.world import Simulate, World


class Price(Event, type="test.price", key="symbol"):
    """A price."""

    symbol: str = Field(description="what is priced")
    value: float = Field(0.0, description="how much")


def slow(world: World, seconds: float) -> Callable[[JobRun], Awaitable[None]]:
    """The run of a job that takes some seconds."""

    async def run(run: JobRun) -> None:
        world.runs.append(run)
        await world.clock.sleep(seconds)

    return run


def prices(run: JobRun) -> list[tuple[str, float]]:
    """The prices that triggered a run."""
    return [(event.symbol, event.value) for event in run.events if isinstance(event, Price)]


def test_a_timer_skips_a_run_while_one_is_on(simulate: Simulate) -> None:
    """By default the due run is skipped, and the ledger and an event say why."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", slow(world, 25), every=10))
        world.scheduler.start()
        await world.clock.sleep(66)
        assert world.seconds == [10, 40]
        assert world.ends() == {"ran": 2, "skipped": 4}
        assert (
            world.reasons("skipped")[0] == "the run due at 2026-01-01T00:00:10+00:00 was still on"
        )
        skipped = [event for event in world.told if isinstance(event, JobSkipped)]
        assert [event.outcome for event in skipped] == ["skipped"] * 4
        await world.scheduler.settled()

    simulate(scenario)


def test_a_queue_keeps_every_run_up_to_its_bound(simulate: Simulate) -> None:
    """Runs wait their turn, one at a time; what finds the queue full is skipped."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", slow(world, 35), every=10, overlap="queue", backlog=2))
        world.scheduler.start()
        await world.clock.sleep(55)
        assert world.seconds == [10, 45]
        assert world.ends() == {"ran": 1, "skipped": 1}
        assert world.reasons("skipped") == ["2 runs were waiting already"]
        await world.clock.sleep(70)
        assert [run.due_ns for run in world.runs] == sorted(run.due_ns for run in world.runs)
        assert world.ends()["late"] == 2

    simulate(scenario)


def test_coalesced_runs_become_one_that_follows(simulate: Simulate) -> None:
    """One run stands for all that were due meanwhile, and is due when the last of them was."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", slow(world, 35), every=10, overlap="coalesce"))
        world.scheduler.start()
        await world.clock.sleep(50)
        assert world.seconds == [10, 45]
        assert world.runs[1].coalesced == 2
        assert world.runs[1].due.second == 40
        assert world.ends() == {"ran": 1, "coalesced": 2}

    simulate(scenario)


def test_no_event_is_lost_to_a_run_that_is_on(simulate: Simulate) -> None:
    """By default the runs of events are coalesced: the one that follows gets all their events."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", slow(world, 10), on=Price))
        world.scheduler.start()
        for number in range(5):
            await world.bus.publish(Price(symbol="A", value=number))
            await world.clock.sleep(1)
        await world.scheduler.settled()
        first, second = world.runs
        assert prices(first) == [("A", 0)]
        assert prices(second) == [("A", 1), ("A", 2), ("A", 3), ("A", 4)]
        assert second.coalesced == 3

    simulate(scenario)


def test_coalesced_events_are_deduplicated_and_bounded(simulate: Simulate) -> None:
    """With a key the latest of each counts; beyond the limit the oldest go, and are counted."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", slow(world, 10), on=Price, batch_key="symbol", batch_limit=2))
        world.scheduler.start()
        for symbol in ("first", "A", "B", "A", "C"):
            await world.bus.publish(Price(symbol=symbol))
        await world.scheduler.settled()
        assert prices(world.runs[1]) == [("B", 0), ("C", 0)]
        assert world.runs[1].dropped == 1

    simulate(scenario)


def test_a_run_by_hand_waits_its_turn(simulate: Simulate) -> None:
    """A run by hand follows the policy too, and its caller hears how it ended."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", slow(world, 10), every=10.5, overlap="queue"))
        world.scheduler.start()
        await world.clock.sleep(12)
        entry = await world.scheduler.trigger_now("p.job")
        assert entry.end == "late"
        assert world.seconds[1] == 20.5

    simulate(scenario)
