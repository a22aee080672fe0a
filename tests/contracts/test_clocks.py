"""What every clock promises; each implementation runs the same suite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hookbus import Clock, SimulatedClock, SystemClock
from hookbus.clock import from_ns, to_ns
from hookbus.loop import run

CLOCKS: dict[str, Callable[[], Clock]] = {
    "system": SystemClock,
    "simulated": lambda: SimulatedClock(to_ns(datetime(2024, 3, 31, tzinfo=UTC))),
    "simulated, paced": lambda: SimulatedClock(to_ns(datetime(2024, 3, 31, tzinfo=UTC)), pace=1000),
    "simulated, before 1970": lambda: SimulatedClock(to_ns(datetime(1929, 10, 24, tzinfo=UTC))),
}


@pytest.fixture(params=list(CLOCKS.values()), ids=list(CLOCKS))
def clock(request: pytest.FixtureRequest) -> Clock:
    """One of the implementations."""
    made: Clock = request.param()
    return made


def on(clock: Clock, scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario on the loop of a clock."""
    run(scenario(), clock)


def test_it_fulfils_the_protocol(clock: Clock) -> None:
    """Plugins may rely on every method."""
    assert isinstance(clock, Clock)


def test_both_forms_of_now_agree(clock: Clock) -> None:
    """Nanoseconds and the aware datetime are the same instant."""
    before = from_ns(clock.now_ns())
    now = clock.now()
    assert now.tzinfo is UTC
    assert before <= now <= from_ns(clock.now_ns()) + timedelta(microseconds=1)


def test_sleeping_takes_at_least_as_long_as_asked(clock: Clock) -> None:
    """After a sleep the clock shows no less than its end."""

    async def scenario() -> None:
        begin = clock.now_ns()
        await clock.sleep(0.02)
        assert clock.now_ns() >= begin + 20_000_000

    on(clock, scenario)


def test_sleeping_until_the_past_returns_at_once(clock: Clock) -> None:
    """A feed that is late does not wait."""

    async def scenario() -> None:
        begin = clock.now_ns()
        await clock.sleep_until(begin - 1_000_000_000)
        assert clock.now_ns() - begin < 5_000_000_000

    on(clock, scenario)


def test_sleepers_wake_in_the_order_of_their_instants(clock: Clock) -> None:
    """Whoever asked first is not woken first when its instant is later."""
    woken: list[int] = []

    async def sleeper(number: int, until: int) -> None:
        await clock.sleep_until(until)
        woken.append(number)

    async def scenario() -> None:
        begin = clock.now_ns()
        await asyncio.gather(*(sleeper(n, begin + n * 15_000_000) for n in (3, 1, 2)))

    on(clock, scenario)
    assert woken == [1, 2, 3]


def test_a_cancelled_sleeper_leaves_the_others_alone(clock: Clock) -> None:
    """Cancelling one sleep does not wake, delay or lose another."""

    async def scenario() -> None:
        begin = clock.now_ns()
        first = asyncio.create_task(clock.sleep_until(begin + 10_000_000))
        second = asyncio.create_task(clock.sleep_until(begin + 20_000_000))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert first.cancelled()
        assert clock.now_ns() >= begin + 20_000_000

    on(clock, scenario)
