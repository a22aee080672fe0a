"""Alarms: the one timer task behind all jobs."""

from __future__ import annotations

from functools import partial

from hookbus.clock import SECOND, SimulatedClock
from hookbus.loop import run
from hookbus.scheduler.alarms import Alarms


def test_alarms_ring_by_instant_then_by_order_of_setting() -> None:
    """Also one that is set later but due sooner, and one whose instant has passed."""

    async def scenario() -> list[str]:
        rung: list[str] = []
        errors: list[BaseException] = []
        alarms = Alarms(clock, lambda step: None, errors.append)
        for name, second in (("last", 30), ("first", 10), ("tie-a", 20), ("tie-b", 20)):
            alarms.set(second * SECOND, partial(rung.append, name))
        await clock.sleep(15)
        alarms.set(5 * SECOND, lambda: rung.append("passed"))
        await clock.sleep(30)
        alarms.close()
        assert errors == []
        return rung

    clock = SimulatedClock()
    assert run(scenario(), clock) == ["first", "passed", "tie-a", "tie-b", "last"]


def test_a_cancelled_alarm_does_not_ring_and_a_failing_one_stops_no_other() -> None:
    """An action that raises is reported, and the next alarm rings as set."""

    async def scenario() -> tuple[list[str], list[str]]:
        rung: list[str] = []
        errors: list[BaseException] = []
        alarms = Alarms(clock, lambda step: None, errors.append)
        alarms.set(SECOND, lambda: rung.append("cancelled")).cancel()
        alarms.set(SECOND, lambda: rung.remove("missing"))
        alarms.set(SECOND, lambda: rung.append("next"))
        await clock.sleep(2)
        alarms.close()
        alarms.set(3 * SECOND, lambda: rung.append("too late"))
        await clock.sleep(2)
        return rung, [type(error).__name__ for error in errors]

    clock = SimulatedClock()
    assert run(scenario(), clock) == (["next"], ["ValueError"])


def test_an_alarm_may_set_the_next_one() -> None:
    """A chain of alarms keeps its rhythm, without a second task."""

    async def scenario() -> list[int]:
        rung: list[int] = []

        def ring() -> None:
            rung.append(clock.now_ns() // SECOND)
            alarms.set(clock.now_ns() + 10 * SECOND, ring)

        alarms = Alarms(clock, lambda step: None, lambda error: None)
        alarms.set(10 * SECOND, ring)
        await clock.sleep(45)
        alarms.close()
        return rung

    clock = SimulatedClock()
    assert run(scenario(), clock) == [10, 20, 30, 40]
