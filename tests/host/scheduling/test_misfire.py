"""Runs missed while the machine slept, the clock was set, or the host was down."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hookbus.operational import HostStopping
from hookbus.scheduler.jobs import Job, Misfire
from hookbus.scheduler.jobstate import FileRunState
from structlog.testing import capture_logs

from tests.host.scheduling.world import Simulate, World

HOUR = 3600


@pytest.mark.parametrize(
    ("misfire", "runs", "ends"),
    [
        ("run_once", 1, {"late": 1, "coalesced": 59}),
        ("skip", 0, {"missed": 60}),
        ("run_all", 60, {"late": 60}),
    ],
)
def test_after_an_hour_asleep_the_policy_decides(
    simulate: Simulate, misfire: Misfire, runs: int, ends: dict[str, int]
) -> None:
    """Sixty missed runs make one, none or sixty, and each of them is in the ledger."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, every=60, misfire=misfire, grace=0))
        world.scheduler.start()
        await world.clock.sleep(5)
        world.clock.set_by(HOUR)
        await world.clock.sleep(20)
        assert len(world.runs) == runs
        assert world.ends() == ends
        await world.clock.sleep(50)
        assert world.ends()["ran"] == 1

    simulate(scenario, can_be_set=True)


def test_a_run_within_grace_counts_as_on_time(simulate: Simulate) -> None:
    """With "skip", runs due within grace make one run, and only the older ones are missed."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, every=60, misfire="skip", grace=150))
        world.scheduler.start()
        await world.clock.sleep(5)
        world.clock.set_by(HOUR)
        await world.clock.sleep(20)
        assert world.runs[0].coalesced == 2
        assert world.ends() == {"missed": 57, "coalesced": 2, "late": 1}
        assert "within 150 s" in world.reasons("missed")[0]

    simulate(scenario, can_be_set=True)


def test_a_run_seconds_late_is_run_and_called_late(simulate: Simulate) -> None:
    """No run is dropped for being a little late: it runs, and the ledger says by how much."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, cron="* * * * *", misfire="skip"))
        world.scheduler.start()
        await world.clock.sleep(55)
        world.clock.set_by(30)
        await world.clock.sleep(10)
        assert world.ends() == {"late": 1}
        assert world.reasons("late") == ["began 30 s after it was due"]

    simulate(scenario, can_be_set=True)


def test_run_all_makes_up_for_the_last_ones_only(simulate: Simulate) -> None:
    """However long the sleep was, no more than the backlog is run, oldest of them first."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, every=1, misfire="run_all", backlog=5))
        world.scheduler.start()
        await world.clock.sleep(0.5)
        world.clock.set_by(30 * 86_400)
        await world.clock.sleep(0.6)
        due = [run.due_ns for run in world.runs]
        assert due == sorted(due)
        assert len(due) in (5, 6)
        assert world.ends()["missed"] > 2_500_000
        assert "last 5 missed runs" in world.reasons("missed")[0]

    simulate(scenario, can_be_set=True)


def test_a_clock_that_was_wrong_by_decades_is_no_flood_and_no_stall(simulate: Simulate) -> None:
    """A machine that boots in 1970 and learns the time makes one late run, at once."""

    async def scenario(world: World) -> float:
        world.jobs.add(Job("job", world.note, cron="* * * * *", timezone="Europe/Berlin"))
        world.jobs.add(Job("secondly", world.note, every=1, misfire="skip"))
        world.scheduler.start()
        await world.clock.sleep(5.5)
        world.clock.set_by(56 * 365 * 86_400)
        began = time.process_time()
        await world.clock.sleep(15)
        took = time.process_time() - began
        assert world.ends()["late"] == 1
        assert world.ends()["coalesced"] > 29_000_000
        assert world.ends("p.secondly")["missed"] > 1_700_000_000
        return took

    assert simulate(scenario, start="1970-01-01T00:00:03Z", can_be_set=True) < 2


def test_a_clock_set_back_does_not_stall_an_interval(simulate: Simulate) -> None:
    """Intervals are elapsed time: set back an hour, the next run still comes when it should."""

    async def scenario(world: World) -> None:
        async def note() -> None:
            seen.append(world.steady.now_ns() - world.steady.start_ns)

        seen: list[int] = []
        world.jobs.add(Job("job", note, every=60))
        world.scheduler.start()
        await world.clock.sleep(90)
        world.clock.set_by(-HOUR)
        await world.clock.sleep(160)
        assert [round(ns / 1e9) for ns in seen] == [60, 120, 180, 240]

    simulate(scenario, can_be_set=True)


def test_a_clock_set_back_repeats_no_fixed_time_but_keeps_frequent_lines_going(
    simulate: Simulate,
) -> None:
    """At 10:00 means once that day; every five minutes means that people see it every five."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("daily", world.note, cron="0 10 * * *"))
        world.jobs.add(Job("job", world.note, cron="*/5 * * * *"))
        world.scheduler.start()
        await world.clock.sleep(630)
        world.clock.set_by(-HOUR)
        await world.clock.sleep(HOUR)
        assert [run.job for run in world.runs].count("p.daily") == 1
        assert world.ends() == {"ran": 14}

    simulate(scenario, start="2026-06-01T09:55Z", can_be_set=True)


def test_a_batch_window_keeps_its_length_when_the_clock_is_set_back(simulate: Simulate) -> None:
    """A window is a duration, so setting the clock does not hold its events back."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, on="hookbus.host.*", batch_window=30))
        world.scheduler.start()
        await world.bus.publish(HostStopping(reason="test"))
        await world.clock.sleep(5)
        world.clock.set_by(-HOUR)
        await world.clock.sleep(30)
        assert world.ends() == {"ran": 1}

    simulate(scenario, can_be_set=True)


def test_a_persistent_job_makes_up_for_the_time_the_host_was_down(
    simulate: Simulate, tmp_path: Path
) -> None:
    """What was due between two lives of the host is decided by the misfire policy."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", world.note, cron="0 * * * *", persistent=True))
        world.jobs.add(Job("forgetful", world.note, cron="0 * * * *"))
        world.jobs.add(Job("once", world.note, at="2026-01-01T02:30Z", persistent=True))
        world.scheduler.start()
        await world.clock.sleep(1.5 * HOUR)
        ends.append((world.ends(), world.ends("p.forgetful"), world.ends("p.once")))

    ends: list[tuple[dict[str, int], dict[str, int], dict[str, int]]] = []
    for start in ("2026-01-01T00:10Z", "2026-01-01T05:10Z", "2026-01-01T06:50Z"):
        state = FileRunState(tmp_path / "state" / "jobs.json")
        simulate(scenario, start=start, state=state)
    assert ends == [
        ({"ran": 1}, {"ran": 1}, {}),
        ({"late": 1, "coalesced": 3, "ran": 1}, {"ran": 1}, {"late": 1}),
        ({"ran": 2}, {"ran": 2}, {}),
    ]


def test_a_persistent_interval_keeps_its_beat_over_a_restart(
    simulate: Simulate, tmp_path: Path
) -> None:
    """Restarting every few minutes does not put an hourly job off for ever."""

    async def scenario(world: World) -> int:
        world.jobs.add(Job("job", world.note, every=HOUR, persistent=True))
        world.scheduler.start()
        await world.clock.sleep(600)
        return len(world.runs)

    starts = [f"2026-01-01T{minute // 60:02}:{minute % 60:02}Z" for minute in range(0, 180, 11)]
    runs = [
        simulate(scenario, start=start, state=FileRunState(tmp_path / "jobs.json"))
        for start in starts
    ]
    assert sum(runs) == 3


def test_a_run_that_was_cut_off_is_due_again(simulate: Simulate, tmp_path: Path) -> None:
    """The state moves on only when a run has ended, so a crash in the middle loses nothing."""

    async def scenario(world: World) -> None:
        world.jobs.add(Job("job", lambda: world.clock.sleep(HOUR), every=60, persistent=True))
        world.scheduler.start()
        await world.clock.sleep(200)
        done = state.load("p.job")
        assert done is not None
        assert done < world.steady.start_ns + 60 * 10**9

    state = FileRunState(tmp_path / "jobs.json")
    simulate(scenario, state=state)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": 2}', b'{"version":1,"done_ns":{"a":"b"}}', b"\xff"]
)
def test_a_damaged_state_is_set_aside_with_a_warning(tmp_path: Path, content: bytes) -> None:
    """The host starts anew, keeps the damaged file, and says what that means."""
    path = tmp_path / "jobs.json"
    path.write_bytes(content)
    with capture_logs() as logs:
        state = FileRunState(path)
    assert "not made up for" in logs[-1]["event"]
    assert state.load("p.job") is None
    assert (tmp_path / "jobs.json.broken").read_bytes() == content
    state.save("p.job", 5)
    assert FileRunState(path).load("p.job") == 5


def test_a_state_that_cannot_be_written_is_logged_and_stops_nothing(tmp_path: Path) -> None:
    """A full or missing disk costs the memory, not the jobs."""
    (tmp_path / "file").write_text("in the way")
    with capture_logs() as logs:
        state = FileRunState(tmp_path / "file" / "jobs.json")
        state.save("p.job", 5)
    assert logs[-1]["event"] == "state was not saved"
    assert state.load("p.job") == 5
