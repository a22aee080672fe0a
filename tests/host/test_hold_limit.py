"""The hold limit: no handler, and no unread stream, keeps publishers waiting for longer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus.bus.delivery import Breaker, Retry
from hookbus.bus.voice import Bus
from hookbus.errors import BusClosed
from hookbus.operational import (
    BackpressureWarning,
    EventDeadLettered,
    HandlerAbandoned,
    HandlerFailed,
    OperationalEvent,
)

from tests.host.bussing import Order, Tick, World, numbers, play, turns

LIMIT = 30.0

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "retry": {"retry": Retry(attempts=5, delay=0.1)},
    "breaker": {"breaker": Breaker()},
    "timeout": {"timeout": 10_000.0},
    "batch": {"batch": 1},
    "throttle": {"throttle": 0.001},
    "concurrency": {"concurrency": 2},
}


async def publish_all(bus: Bus, count: int, start: int = 0, *, one_key: bool = False) -> None:
    """Publish numbered ticks one after the other, each with a key of its own unless told not to."""
    for number in range(start, start + count):
        await bus.publish(Tick(symbol="A" if one_key else str(number), number=number))


def first_of(argument: Any) -> Tick:
    """The event of an argument that may be a batch of one."""
    tick = argument[0] if isinstance(argument, list) else argument
    assert isinstance(tick, Tick)
    return tick


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("at_once", [True, False], ids=["in one go", "already hanging"])
def test_a_hanging_handler_holds_publishers_at_most_so_long(
    options: dict[str, Any], at_once: bool
) -> None:
    """Then it is cancelled and failed for good, its event is dead-lettered, and the subscription
    goes on with the next event; also where the publisher was waiting before the handler began."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(argument: Any) -> None:
            tick = first_of(argument)
            if tick.number == 1:
                await asyncio.Event().wait()
            seen.append(tick.number)

        world.hear()
        world.bus.subscribe(Tick, handler, delivery="lossless", capacity=1, name="slow", **options)
        one_key, start = "concurrency" in options, 0 if at_once else 2
        await publish_all(world.bus, start, one_key=one_key)
        await turns()
        await publish_all(world.bus, 20 - start, start, one_key=one_key)
        assert LIMIT <= world.seconds() <= LIMIT * 1.06
        await world.bus.settled()
        assert sorted(seen) == [number for number in range(20) if number != 1]
        (letter,) = world.heard(EventDeadLettered)
        assert letter.reason == "HandlerInterrupted: held up publishers for 30 s"
        assert letter.attempts == 1
        assert letter.envelope["data"]["number"] == 1
        assert [event.will_retry for event in world.heard(HandlerFailed)] == [False]

    play(scenario, hold_limit=LIMIT)


def test_a_handler_that_is_only_slow_is_left_alone() -> None:
    """Every event taking nearly as long as allowed is no reason to end any of them."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def slow(tick: Tick) -> None:
            await world.clock.sleep(LIMIT * 0.9)
            seen.append(tick.number)

        world.hear()
        world.bus.subscribe(Tick, slow, delivery="lossless", capacity=8)
        await publish_all(world.bus, 40)
        await world.bus.settled()
        assert seen == list(range(40))
        assert world.heard(HandlerFailed) == []

    play(scenario, hold_limit=LIMIT)


def test_one_that_hangs_after_slow_ones_is_ended_too() -> None:
    """The limit counts for each handling, however long the publisher has been waiting already."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(tick: Tick) -> None:
            await world.clock.sleep(20 if tick.number < 5 else 10**6 if tick.number == 5 else 0)
            seen.append(tick.number)

        world.bus.subscribe(Tick, handler, delivery="lossless", capacity=4)
        await publish_all(world.bus, 20)
        assert world.seconds() <= 5 * 20 + LIMIT * 1.06
        await world.bus.settled()
        assert seen == [0, 1, 2, 3, 4, *range(6, 20)]

    play(scenario, hold_limit=LIMIT)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_a_handler_that_refuses_to_end_is_abandoned(options: dict[str, Any]) -> None:
    """Publishers go on a second later, the subscription is closed, and the bus lives on."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def stubborn(argument: Any) -> None:
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    seen.append(first_of(argument).number)

        world.hear()
        subscription = world.bus.subscribe(
            Tick, stubborn, delivery="lossless", capacity=1, name="stubborn", **options
        )
        await publish_all(world.bus, 20, one_key="concurrency" in options)
        assert world.seconds() <= LIMIT * 1.06 + 1
        assert subscription.closed
        assert [event.subscription for event in world.heard(HandlerAbandoned)] == ["stubborn"]
        world.bus.subscribe(Order, seen.append, mode="inline", name="after")
        await world.bus.publish(Order(number=9))
        assert Order(number=9) in seen
        await world.bus.settled()

    play(scenario, hold_limit=LIMIT)


def test_a_handler_that_cleans_up_late_can_be_ended_again() -> None:
    """One that swallows its cancellation but returns has handled its event; a later one that
    hangs is still found, and is blamed for its own event only."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(tick: Tick) -> None:
            if tick.number == 1:
                try:
                    await asyncio.sleep(10**6)
                except asyncio.CancelledError:
                    await asyncio.sleep(0.5)
            if tick.number == 3:
                raise ValueError("its own")
            if tick.number == 5:
                await asyncio.sleep(10**6)
            seen.append(tick.number)

        world.hear()
        world.bus.subscribe(Tick, handler, delivery="lossless", capacity=1)
        await publish_all(world.bus, 12)
        await world.bus.settled()
        assert seen == [0, 1, 2, 4, *range(6, 12)]
        reasons = [letter.reason for letter in world.heard(EventDeadLettered)]
        assert reasons == ["ValueError: its own", "HandlerInterrupted: held up publishers for 30 s"]
        assert world.seconds() <= 2 * LIMIT * 1.06 + 1

    play(scenario, hold_limit=LIMIT)


def test_a_long_back_off_counts_as_holding() -> None:
    """Publishers are not held by the pauses between attempts either; the subscription lives."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(tick: Tick) -> None:
            if tick.number == 1:
                raise ValueError("not now")
            seen.append(tick.number)

        subscription = world.bus.subscribe(
            Tick,
            handler,
            delivery="lossless",
            capacity=1,
            retry=Retry(attempts=9, delay=1000, max_delay=1000),
        )
        await publish_all(world.bus, 12)
        await world.bus.settled()
        assert seen == [0, *range(2, 12)]
        assert not subscription.closed
        assert subscription.stats().dead_lettered == 1
        assert world.seconds() <= LIMIT * 1.06

    play(scenario, hold_limit=LIMIT)


def test_one_of_several_concurrent_handlers_is_ended_alone() -> None:
    """Those that work go on undisturbed beside the one that hangs."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(tick: Tick) -> None:
            await asyncio.sleep({0: 25, 1: 10**6, 2: 25}.get(tick.number, 0))
            seen.append(tick.number)

        world.hear()
        world.bus.subscribe(Tick, handler, delivery="lossless", capacity=1, concurrency=3)
        for number in range(40):
            await world.bus.publish(Tick(symbol="B" if number in (0, 2) else "A", number=number))
        await world.bus.settled()
        assert sorted(seen) == [0, *range(2, 40)]
        assert world.seconds() == 50
        (letter,) = world.heard(EventDeadLettered)
        assert letter.envelope["data"]["number"] == 1

    play(scenario, hold_limit=LIMIT)


def test_a_stream_that_nobody_reads_is_closed() -> None:
    """A lossless stream holds publishers no longer than a handler may; its reader is told."""

    async def scenario(world: World) -> None:
        stream = world.bus.stream(Tick, delivery="lossless", capacity=2)
        await publish_all(world.bus, 10)
        assert LIMIT <= world.seconds() <= LIMIT * 1.06
        with pytest.raises(BusClosed, match="it held up publishers for 30 s"):
            await anext(stream)

    play(scenario, hold_limit=LIMIT)


def test_a_stream_that_is_read_slowly_stays_open() -> None:
    """As long as it is read at all, it loses nothing."""

    async def scenario(world: World) -> None:
        stream = world.bus.stream(Tick, delivery="lossless", capacity=2)
        publisher = asyncio.ensure_future(publish_all(world.bus, 10))
        seen = []
        async for tick in stream:
            await world.clock.sleep(LIMIT * 0.4)
            seen.append(tick)
            if len(seen) == 10:
                stream.close()
        await publisher
        assert numbers(seen) == list(range(10))

    play(scenario, hold_limit=LIMIT)


def test_backpressure_is_said_once_until_the_subscription_has_caught_up() -> None:
    """One warning per press, with the size and the capacity."""

    async def scenario(world: World) -> None:
        async def slow(_: Tick) -> None:
            await world.clock.sleep(1)

        world.hear()
        world.bus.subscribe(Tick, slow, delivery="lossless", capacity=3, name="slow")
        await publish_all(world.bus, 20)
        assert world.heard(BackpressureWarning) == [
            BackpressureWarning(name="slow", size=3, capacity=3)
        ]
        await world.bus.settled()
        await publish_all(world.bus, 20)
        assert len(world.heard(BackpressureWarning)) == 2

    play(scenario)


def test_a_full_subscriber_to_everything_is_not_fed_by_its_own_warnings() -> None:
    """Operational events reach it without waiting, whatever its ring holds, and come to an end."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def slow(event: Any) -> None:
            seen.append(event)
            await world.clock.sleep(1)

        world.bus.subscribe("*", slow, delivery="lossless", capacity=2, name="all")
        await publish_all(world.bus, 20)
        await world.bus.settled()
        assert numbers([event for event in seen if isinstance(event, Tick)]) == list(range(20))
        assert sum(isinstance(event, OperationalEvent) for event in seen) <= 20

    play(scenario)


def test_many_waiting_publishers_all_get_through_in_turn() -> None:
    """Every one of them is woken in the end, none twice."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def slow(tick: Tick) -> None:
            await world.clock.sleep(0.01)
            seen.append(tick.number)

        world.bus.subscribe(Tick, slow, delivery="lossless", capacity=2)
        await asyncio.gather(*(world.bus.publish(Tick(number=number)) for number in range(100)))
        await world.bus.settled()
        assert sorted(seen) == list(range(100))

    play(scenario)
