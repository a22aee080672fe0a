"""Clocks: instants, sleeping, and the order in which a simulated clock wakes its sleepers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hookbus.clock import SECOND, Clock, SimulatedClock, SystemClock, from_ns, to_ns
from hookbus.loop import run
from hypothesis import given
from hypothesis import strategies as st

from tests.host.bussing import turns


@pytest.mark.parametrize("clock", [SystemClock(), SimulatedClock()])
def test_both_clocks_fulfil_the_contract(clock: Clock) -> None:
    """The system's and the simulated clock are interchangeable where a `Clock` is asked for."""
    assert isinstance(clock, Clock)
    assert clock.now().tzinfo is UTC
    assert abs(to_ns(clock.now()) - clock.now_ns()) < SECOND


def test_only_the_simulated_clock_says_so() -> None:
    """Code that must behave differently when time jumps can tell."""
    assert SimulatedClock().simulated
    assert not SystemClock().simulated


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))
def test_instants_survive_the_way_to_nanoseconds_and_back(naive: datetime) -> None:
    """A datetime to the microsecond is kept exactly, also before 1970."""
    instant = naive.replace(tzinfo=UTC)
    assert from_ns(to_ns(instant)) == instant


def test_an_instant_in_another_zone_is_the_same_instant() -> None:
    """The zone of a datetime is taken into account."""
    instant = datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert to_ns(instant) == to_ns(datetime(2024, 1, 1, tzinfo=UTC))


def test_a_datetime_without_a_zone_is_refused() -> None:
    """A naive datetime has no instant, and the error says what to do."""
    with pytest.raises(ValueError, match="no time zone; give it one"):
        to_ns(datetime(2024, 1, 1))


def test_pace_must_be_positive() -> None:
    """A pace of nothing would never end."""
    with pytest.raises(ValueError, match="pace 0"):
        SimulatedClock(pace=0)


@given(st.lists(st.integers(min_value=-5, max_value=10**18), min_size=1, max_size=8))
def test_sleepers_wake_exactly_when_asked_in_order(instants: list[int]) -> None:
    """Each wakes at its nanosecond, earliest first; at one instant, first come first woken."""
    clock = SimulatedClock()
    woken: list[tuple[int, int]] = []

    async def sleeper(index: int, instant: int) -> None:
        await clock.sleep_until(instant)
        woken.append((clock.now_ns(), index))

    async def main() -> None:
        await asyncio.gather(*(sleeper(index, when) for index, when in enumerate(instants)))

    run(main(), clock)
    assert woken == sorted((max(0, when), index) for index, when in enumerate(instants))


def test_everything_settles_between_two_wake_ups_at_one_instant() -> None:
    """What the first sleeper sets off is done before the second one wakes."""
    clock = SimulatedClock()
    story: list[str] = []

    async def sleeper(name: str) -> None:
        await clock.sleep_until(5 * SECOND)
        story.append(name)
        await turns(50)
        story.append(f"{name} settled")

    async def main() -> None:
        await asyncio.gather(sleeper("first"), sleeper("second"))

    run(main(), clock)
    assert story == ["first", "first settled", "second", "second settled"]


def test_an_instant_that_has_passed_costs_no_time() -> None:
    """`sleep_until` in the past, and `sleep` of nothing, return at the same instant."""
    clock = SimulatedClock(start_ns=7 * SECOND)

    async def main() -> None:
        await clock.sleep_until(3)
        await clock.sleep(0)
        await clock.sleep(-1)

    run(main(), clock)
    assert clock.now_ns() == 7 * SECOND


def test_a_cancelled_sleeper_does_not_move_time() -> None:
    """Time goes to the next sleeper who still sleeps."""
    clock = SimulatedClock()

    async def main() -> None:
        sleeper = asyncio.ensure_future(clock.sleep(10))
        await turns()
        sleeper.cancel()
        await clock.sleep(20)

    run(main(), clock)
    assert clock.now_ns() == 20 * SECOND


def test_a_jump_past_several_sleepers_wakes_them_in_order_of_their_time() -> None:
    """After a jump each is still woken, the earliest first, and time never runs back."""
    clock = SimulatedClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now_ns() / SECOND))

    async def main() -> None:
        tasks = asyncio.gather(sleeper("late", 3), sleeper("early", 1), sleeper("after", 9))
        await turns()
        clock.move_to(5 * SECOND)
        clock.move_to(2 * SECOND)
        await tasks

    run(main(), clock)
    assert woken == [("early", 5.0), ("late", 5.0), ("after", 9.0)]


def test_the_first_instant_can_be_set_until_somebody_has_slept() -> None:
    """A run may begin where its data begins, but time is not moved under a sleeper."""
    clock = SimulatedClock()
    clock.start_at(to_ns(datetime(2020, 1, 1, tzinfo=UTC)))
    assert clock.now() == datetime(2020, 1, 1, tzinfo=UTC)
    run(clock.sleep(1), clock)
    with pytest.raises(ValueError, match="already been used"):
        clock.start_at(to_ns(datetime(2021, 1, 1, tzinfo=UTC)))


def test_the_system_clock_sleeps_on_the_loop_and_not_past_its_instant() -> None:
    """An instant in the past returns at once; a short sleep really gives way."""
    clock = SystemClock()

    async def main() -> int:
        await clock.sleep_until(clock.now_ns() - SECOND)
        before = clock.now_ns()
        await clock.sleep_until(before + 2_000_000)
        await clock.sleep(0)
        return clock.now_ns() - before

    assert run(main(), clock) >= 2_000_000
