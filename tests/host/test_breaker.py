"""The circuit breaker: when it opens, what it refuses, and how it closes."""

from __future__ import annotations

import asyncio

from hookbus.bus.delivery import Breaker, Retry
from hookbus.operational import BreakerClosed, BreakerOpened, EventDeadLettered

from tests.host.bussing import Shaky, Tick, World, play


def test_the_breaker_opens_tries_and_closes() -> None:
    """Open after so many failures in a row, no calls until the reset, then one try at a time."""

    async def scenario(world: World) -> None:
        world.hear()
        calls: list[tuple[float, int]] = []

        async def handler(tick: Tick) -> None:
            calls.append((world.seconds(), tick.number))
            if tick.number not in (0, 1, 9, 10):
                raise ValueError("down")

        subscription = world.bus.subscribe(
            Tick, handler, breaker=Breaker(failures=3, reset_after=30), name="b"
        )
        for number in range(11):
            await world.bus.publish(Tick(number=number))
            await world.bus.settled()
            await world.clock.sleep(10)
        # 2, 3, 4 fail and open it at 40; 5, 6 are refused; 7 is tried at 70 and fails; 8, 9 are
        # refused; 10 is tried at 100 and closes it.
        assert calls == [(0, 0), (10, 1), (20, 2), (30, 3), (40, 4), (70, 7), (100, 10)]
        assert world.heard(BreakerOpened) == [
            BreakerOpened(subscription="b", plugin="plugin", failures=3, reset_after=30)
        ]
        assert world.heard(BreakerClosed) == [BreakerClosed(subscription="b", plugin="plugin")]
        letters = [
            (one.envelope["data"]["number"], one.reason, one.attempts)
            for one in world.heard(EventDeadLettered)
        ]
        assert [letter for letter in letters if letter[2] == 0] == [
            (number, "the breaker is open", 0) for number in (5, 6, 8, 9)
        ]
        assert subscription.stats().dead_lettered == 8

    play(scenario)


def test_failures_that_are_not_in_a_row_do_not_open_the_breaker() -> None:
    """A success in between starts the count anew."""

    async def scenario(world: World) -> None:
        world.hear()

        async def handler(tick: Tick) -> None:
            if tick.number % 3:
                raise ValueError("now and then")

        world.bus.subscribe(Tick, handler, breaker=Breaker(failures=3))
        for number in range(30):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        assert world.heard(BreakerOpened) == []

    play(scenario)


def test_a_try_of_an_open_breaker_is_not_repeated() -> None:
    """A failing try reopens it: with retry as well, one call per reset."""

    async def scenario(world: World) -> None:
        shaky = Shaky(world, failures=99)
        world.bus.subscribe(
            Tick,
            shaky,
            retry=Retry(attempts=5, delay=0.1, factor=1),
            breaker=Breaker(failures=2, reset_after=30),
        )
        for number in range(3):
            await world.bus.publish(Tick(number=number))
            await world.bus.settled()
            await world.clock.sleep(31)
        assert [number for _, number in shaky.calls] == [0, 0, 1, 2]

    play(scenario)


def test_concurrent_handlers_share_one_try() -> None:
    """When the reset has come, one of several waiting events is tried, the others are refused."""

    async def scenario(world: World) -> None:
        calls: list[int] = []

        async def handler(tick: Tick) -> None:
            calls.append(tick.number)
            await asyncio.sleep(1)
            if tick.number < 4:
                raise ValueError("down")

        world.bus.subscribe(
            Tick, handler, concurrency=4, breaker=Breaker(failures=4, reset_after=30)
        )
        for start in (0, 4, 8):
            for number in range(start, start + 4):
                await world.bus.publish(Tick(symbol=str(number), number=number))
            await world.clock.sleep(40)
        assert calls == [0, 1, 2, 3, 4, 8, 9, 10, 11]

    play(scenario)
