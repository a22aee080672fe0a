"""Jobs on their timers: when they run, what they are told, and how they are added and removed."""

from __future__ import annotations

import asyncio
import random

import pytest
from hookbus.errors import UsageError
from hookbus.operational import JobCompleted, JobStarted
from hookbus.scheduler.jobs import Job, JobRun, JobSettings

from tests.host.scheduling.world import Simulate, World


def test_an_interval_runs_at_exact_instants_from_the_start(simulate: Simulate) -> None:
    """Every 90 s means 90, 180, 270 s after the start, however long the runs take."""

    async def scenario(world: World) -> None:
        async def work(run: JobRun) -> None:
            world.runs.append(run)
            await world.clock.sleep(7)

        world.jobs.add(Job("job", work, every=90))
        world.scheduler.start()
        await world.clock.sleep(300)
        assert world.seconds == [90, 180, 270]
        assert world.ends() == {"ran": 3}

    simulate(scenario)


def test_a_cron_job_runs_by_local_time_over_the_spring_change(simulate: Simulate) -> None:
    """At 02:30 in Berlin the spring day runs at 03:00, and no day is lost."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, cron="30 2 * * *", timezone="Europe/Berlin"))
        world.scheduler.start()
        await world.clock.sleep(3 * 86_400)
        assert world.fired == [
            "2026-03-28T02:30:00+01:00",
            "2026-03-29T03:00:00+02:00",
            "2026-03-30T02:30:00+02:00",
        ]

    simulate(scenario, start="2026-03-27T12:00Z")


def test_a_run_is_told_what_it_needs(simulate: Simulate) -> None:
    """The JobRun names the job, the kind, and when it was due and began, in the job's zone."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, at="2026-01-01T01:00", timezone="Europe/Berlin"))
        world.scheduler.start()
        await world.clock.sleep(7200)
        (run,) = world.runs
        assert (run.job, run.kind, run.events, run.coalesced) == ("p.job", "timer", (), 0)
        assert run.due.isoformat() == run.fired.isoformat() == "2026-01-01T01:00:00+01:00"

    simulate(scenario, start="2025-12-31T23:59Z")


def test_a_job_may_be_plain_and_take_nothing(simulate: Simulate) -> None:
    """Zero-argument callables, plain or async, and lambdas that return an awaitable all run."""

    async def scenario(world: World) -> None:
        seen: list[str] = []

        async def tick() -> None:
            seen.append("async")

        world.jobs.add(Job("plain", lambda: seen.append("plain"), every=1))
        world.jobs.add(Job("async", tick, every=1))
        world.jobs.add(Job("wrapped", lambda: tick(), every=1))
        world.jobs.add(Job("optional", lambda label="default": seen.append(label), every=1))
        world.scheduler.start()
        await world.clock.sleep(1.5)
        assert sorted(seen) == ["async", "async", "default", "plain"]

    simulate(scenario)


def test_jobs_begin_only_when_the_scheduler_starts(simulate: Simulate) -> None:
    """Before the host is ready nothing runs, and intervals count from that moment."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, every=10))
        await world.clock.sleep(25)
        assert world.runs == []
        world.scheduler.start()
        await world.clock.sleep(15)
        assert world.seconds == [35]

    simulate(scenario)


def test_one_timer_task_serves_all_jobs_and_is_woken_for_an_earlier_one(simulate: Simulate) -> None:
    """A job that is added later but due sooner runs in time, and no second task waits."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, every=1000))
        world.scheduler.start()
        await world.clock.sleep(5)
        for number in range(20):
            world.jobs.add(Job(f"sooner-{number}", world.note, every=10 + number))
        await asyncio.sleep(0)
        timers = [t for t in asyncio.all_tasks() if t.get_name() == "hookbus:alarms"]
        assert len(timers) == 1
        await world.clock.sleep(11.5)
        assert world.seconds == [15, 16]

    simulate(scenario)


def test_jobs_due_at_one_instant_run_in_the_order_of_adding(simulate: Simulate) -> None:
    """Two plays of the same day give the same order, which is that of adding."""

    async def scenario(world: World) -> list[str]:
        for name in ("zebra", "ape", "mole"):
            world.jobs.add(Job(name, world.note, every=60))
        world.scheduler.start()
        await world.clock.sleep(130)
        return [run.job for run in world.runs]

    first = simulate(scenario)
    assert first == simulate(scenario)
    assert first[:3] == ["p.zebra", "p.ape", "p.mole"]


def test_an_instant_in_the_past_is_missed_not_forgotten(simulate: Simulate) -> None:
    """A one-shot that was past when added stands in the ledger, and runs if it is within grace."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, at="2025-12-31T23:00Z"))
        world.jobs.add(Job("close", world.note, at="2025-12-31T23:59:30Z"))
        world.scheduler.start()
        await world.clock.sleep(1)
        assert world.ends() == {"missed": 1}
        assert world.ends("p.close") == {"late": 1}
        assert "past when the job was added" in world.reasons("missed")[0]

    simulate(scenario)


def test_jitter_is_the_same_in_every_process(simulate: Simulate) -> None:
    """The delay of a run follows from its job and due time alone, and never leaves its range."""

    async def scenario(world: World) -> list[float]:
        world.jobs.add(Job("job", world.note, every=60, jitter=20))
        world.scheduler.start()
        await world.clock.sleep(600)
        return list(world.seconds)

    delays = [second - 60 * n for n, second in enumerate(simulate(scenario), 1)]
    start = 1_767_225_600
    expected = [
        random.Random(f"p.job@{(start + 60 * n) * 10**9}").uniform(0, 20) for n in range(1, 10)
    ]
    assert delays[:9] == pytest.approx(expected)
    assert len(set(delays)) > 5


def test_jitter_counts_as_on_time(simulate: Simulate) -> None:
    """A run delayed by its own jitter is not late."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, every=60, jitter=50))
        world.scheduler.start()
        await world.clock.sleep(600)
        assert set(world.ends()) == {"ran"}

    simulate(scenario)


def test_events_tell_of_every_run(simulate: Simulate) -> None:
    """JobStarted and JobCompleted carry the job, its trigger, due time and duration."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", lambda: world.clock.sleep(2.5), every=60))
        world.scheduler.start()
        await world.clock.sleep(70)
        started, completed = world.told
        assert isinstance(started, JobStarted)
        assert (started.job, started.trigger) == ("p.job", "timer")
        assert started.due_ns == world.steady.start_ns + 60 * 10**9
        assert isinstance(completed, JobCompleted)
        assert completed.duration == pytest.approx(2.5)

    simulate(scenario)


def test_a_removed_job_runs_no_more(simulate: Simulate) -> None:
    """Removing cancels what is on, ends it in the ledger, and frees the name."""

    async def scenario(world: World) -> None:
        async def work() -> None:
            await world.clock.sleep(100)

        handle = world.jobs.add(Job("job", work, every=10, overlap="queue"))
        world.scheduler.start()
        await world.clock.sleep(25)
        handle.remove()
        await handle.wait_stopped()
        await world.clock.sleep(100)
        assert world.ends() == {"failed": 1, "skipped": 1}
        assert world.reasons("failed") == ["JobCancelled: its job was removed"]
        assert world.failures == []
        world.jobs.add(Job("job", work, every=10))

    simulate(scenario)


def test_a_job_may_remove_itself(simulate: Simulate) -> None:
    """A run that removes its own job goes on to its end."""

    async def scenario(world: World) -> None:
        async def work(run: JobRun) -> None:
            handle.remove()
            await world.clock.sleep(5)
            world.runs.append(run)

        handle = world.jobs.add(Job("job", work, every=10))
        world.scheduler.start()
        await world.clock.sleep(60)
        assert len(world.runs) == 1
        assert world.ends() == {"ran": 1}

    simulate(scenario)


def test_stopping_a_plugin_removes_its_jobs_only(simulate: Simulate) -> None:
    """The jobs of other plugins go on, and the stopped one can add no more."""

    async def scenario(world: World) -> None:
        other = world.scheduler.for_plugin("other")
        world.jobs.add(Job("job", world.note, every=10))
        other.add(Job("job", world.note, every=10))
        world.scheduler.start()
        await world.clock.sleep(15)
        await world.jobs.close()
        await world.clock.sleep(10)
        assert [run.job for run in world.runs] == ["p.job", "other.job", "other.job"]
        with pytest.raises(UsageError, match="has stopped"):
            world.jobs.add(Job("late", world.note, every=10))

    simulate(scenario)


def test_a_job_can_be_run_by_hand(simulate: Simulate) -> None:
    """Running by hand answers with the ledger's entry, also for a disabled job."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, cron="0 0 1 1 *"))
        world.scheduler.start()
        entry = await world.scheduler.trigger_now("p.job")
        assert (entry.end, entry.kind) == ("ran", "manual")
        assert world.runs[0].kind == "manual"
        assert world.ends() == {"disabled": 1, "ran": 1}

    simulate(scenario, settings={"p.job": JobSettings(enabled=False)})


def test_names_are_unique_and_suggested(simulate: Simulate) -> None:
    """A second job of one name and an unknown name are usage errors that help."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("rebalance", world.note, every=1))
        with pytest.raises(UsageError, match=r"there is a job 'p\.rebalance' already"):
            world.jobs.add(Job("rebalance", world.note, every=2))
        with pytest.raises(UsageError, match=r"Did you mean 'p\.rebalance'"):
            await world.scheduler.trigger_now("p.rebalence")

    simulate(scenario)


def test_known_jobs_are_all_that_ever_were(simulate: Simulate) -> None:
    """The settings of a job that has done its work and was removed are not told as unknown."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("kept", world.note, every=1))
        world.jobs.add(Job("gone", world.note, every=1)).remove()
        world.scheduler.forget_removed()
        assert [job.name for job in world.scheduler.jobs] == ["p.kept"]
        assert world.scheduler.known_jobs == {"p.kept", "p.gone"}

    simulate(scenario)


def test_settled_waits_for_runs_that_are_on(simulate: Simulate) -> None:
    """Nothing is pending once it returns."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", lambda: world.clock.sleep(30), every=1000))
        world.scheduler.start()
        await world.clock.sleep(1001)
        assert world.scheduler.ledger.pending == 1
        await world.scheduler.settled()
        assert world.ends() == {"ran": 1}
        assert world.scheduler.ledger.line() == "1 runs due: 1 ran"

    simulate(scenario)


def test_closing_waits_for_the_task_that_keeps_the_time(simulate: Simulate) -> None:
    """A host that has stopped leaves no task behind, not even one that is being cancelled."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, every=90))
        world.scheduler.start()
        await world.clock.sleep(1)
        await world.scheduler.close()
        assert "hookbus:alarms" not in {task.get_name() for task in asyncio.all_tasks()}

    simulate(scenario)
