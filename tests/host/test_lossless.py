"""Lossless subscriptions: publishers wait, lose nothing, and never wait for themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus.errors import BusClosed, PublishDeadlock, WouldBlock

from tests.host.bussing import (
    Alarm,
    Held,
    Market,
    Note,
    Order,
    Tick,
    World,
    numbers,
    play,
    publish_all,
    turns,
)


@pytest.mark.parametrize("capacity", [1, 2, 3, 5, 8])
def test_the_publisher_waits_while_a_lossless_subscriber_is_full(capacity: int) -> None:
    """It gets exactly the capacity ahead, goes on when there is room, and nothing is lost."""

    async def scenario(world: World) -> None:
        held = Held()
        subscription = world.bus.subscribe(Tick, held, delivery="lossless", capacity=capacity)
        await turns()
        publisher = asyncio.ensure_future(publish_all(world.bus, 3 * capacity + 2))
        await turns(100)
        assert not publisher.done()
        assert subscription.stats().matched <= 2 * capacity
        held.gate.set()
        await publisher
        await world.bus.settled()
        assert numbers(held.seen) == list(range(3 * capacity + 2))
        assert subscription.stats().lagged == 0

    play(scenario)


def test_a_best_effort_neighbour_goes_on_while_a_lossless_one_is_full() -> None:
    """Who waits is the publisher; the other subscribers have what was published."""

    async def scenario(world: World) -> None:
        held = Held()
        seen: list[Tick] = []
        world.bus.subscribe(Tick, held, delivery="lossless", capacity=2)
        world.bus.subscribe(Tick, seen.append, capacity=2)
        publisher = asyncio.ensure_future(publish_all(world.bus, 10))
        await turns(100)
        assert len(seen) >= 2
        assert seen == [Tick(number=number) for number in range(len(seen))]
        held.gate.set()
        await publisher

    play(scenario)


def test_publish_nowait_raises_instead_of_waiting_and_publishes_nothing() -> None:
    """`WouldBlock` names the full filter; the books know nothing of the event."""

    async def scenario(world: World) -> None:
        held = Held()
        world.bus.subscribe(Tick, held, delivery="lossless", capacity=2, name="slow")
        world.bus.publish_nowait(Tick(number=0))
        world.bus.publish_nowait(Tick(number=1))
        with pytest.raises(WouldBlock, match=r"test\.tick is full; await publish"):
            world.bus.publish_nowait(Tick(number=2))
        assert world.events.ledger.report().published == 2
        world.bus.publish_nowait(Order())
        held.gate.set()
        await world.bus.settled()
        world.bus.publish_nowait(Tick(number=3))
        await world.bus.settled()
        assert numbers(held.seen) == [0, 1, 3]

    play(scenario)


def test_a_full_subscriber_does_not_hold_up_what_it_does_not_want() -> None:
    """Neither other types nor what its predicate refuses; a raising predicate refuses, too."""

    def fussy(tick: Tick) -> bool:
        if tick.number == 13:
            raise ValueError("unlucky")
        return tick.number < 10

    async def scenario(world: World) -> None:
        held = Held()
        world.bus.subscribe(Tick, held, where=fussy, delivery="lossless", capacity=1)
        world.bus.publish_nowait(Tick(number=1))
        world.bus.publish_nowait(Tick(number=11))
        world.bus.publish_nowait(Tick(number=13))
        world.bus.publish_nowait(Order())
        with pytest.raises(WouldBlock):
            world.bus.publish_nowait(Tick(number=2))
        held.gate.set()

    play(scenario)


def test_a_cancelled_waiting_publisher_loses_nothing() -> None:
    """Its own event was not published; those of the others arrive, each once and in order."""

    async def scenario(world: World) -> None:
        held = Held()
        world.bus.subscribe(Tick, held, delivery="lossless", capacity=1)
        await world.bus.publish(Tick(number=0))
        await turns()
        await world.bus.publish(Tick(number=1))
        waiting = [
            asyncio.ensure_future(world.bus.publish(Tick(number=number))) for number in (2, 3, 4)
        ]
        await turns()
        waiting[1].cancel()
        await turns()
        held.gate.set()
        await asyncio.gather(waiting[0], waiting[2])
        await world.bus.settled()
        assert numbers(held.seen) == [0, 1, 2, 4]
        assert waiting[1].cancelled()
        assert world.events.ledger.report().by_type["test.tick"] == 4

    play(scenario)


def test_a_publisher_cancelled_just_as_room_is_made_leaves_the_room_to_others() -> None:
    """The wake-up that it no longer needs is not lost."""

    async def scenario(world: World) -> None:
        gate = asyncio.Event()
        seen: list[int] = []
        waiting: list[asyncio.Task[None]] = []

        async def handler(tick: Tick) -> None:
            seen.append(tick.number)
            if tick.number == 0:
                await gate.wait()
            elif tick.number == 1:
                waiting[0].cancel()

        world.bus.subscribe(Tick, handler, delivery="lossless", capacity=1)
        await publish_all(world.bus, 1)
        await turns()
        await publish_all(world.bus, 1, start=1)
        waiting += [asyncio.ensure_future(publish_all(world.bus, 1, start=n)) for n in (2, 3)]
        await turns()
        gate.set()
        await waiting[1]
        await world.bus.settled()
        assert seen == [0, 1, 3]

    play(scenario)


def test_publishers_that_gave_up_leave_nothing_behind() -> None:
    """A publisher with a time limit may try for days without memory growing."""

    async def scenario(world: World) -> None:
        held = Held()
        world.bus.subscribe(Tick, held, delivery="lossless", capacity=1)
        world.bus.publish_nowait(Tick())
        for _ in range(10):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(publish_all(world.bus, 5), 1)
        (channel,) = world.events.channels.values()
        assert len(channel.room_waiters) == 0
        held.gate.set()

    play(scenario)


@pytest.mark.parametrize("how", ["subscription", "plugin", "bus"])
def test_closing_the_full_subscriber_lets_the_publisher_go(how: str) -> None:
    """It goes on; when the bus itself has closed it is told so, and nothing is miscounted."""

    async def scenario(world: World) -> None:
        owner = world.plugin("owner")
        subscription = owner.subscribe(Tick, Held(), delivery="lossless", capacity=1)
        publisher = asyncio.ensure_future(publish_all(world.bus, 5))
        await turns()
        assert not publisher.done()
        {"subscription": subscription, "plugin": owner, "bus": world.events}[how].close()
        if how == "bus":
            with pytest.raises(BusClosed):
                await publisher
        else:
            await publisher
        assert world.events.ledger.report().discrepancies == ()

    play(scenario)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_handlers_in_a_circle_do_not_wait_for_one_another(length: int) -> None:
    """A publish inside a handler goes through when its own subscription would have to be waited
    for, directly or through others; all that was published arrives."""
    types: list[Any] = [Tick, Order, Alarm][:length]

    async def scenario(world: World) -> list[int]:
        seen = [0] * length

        def handler(place: int) -> Any:
            async def handle(event: Any) -> None:
                seen[place] += 1
                for _ in range(3 if event.number < 3 else 0):
                    await world.bus.publish(types[(place + 1) % length](number=event.number + 1))

            return handle

        for place, kind in enumerate(types):
            world.bus.subscribe(kind, handler(place), delivery="lossless", capacity=8)
        for _ in range(4):
            await world.bus.publish(Tick(number=0))
        await world.bus.settled()
        assert world.seconds() < 1
        return seen

    assert sum(play(scenario)) == 4 * (1 + 3 + 9 + 27)


def test_a_handler_waits_for_others_although_its_own_ring_is_full() -> None:
    """Two full subscribers to one type: the one that is no circle is waited for, none loses."""

    async def scenario(world: World) -> None:
        held, seen = Held(), []

        async def feeder(tick: Tick) -> None:
            seen.append(tick)
            if tick.number == 0:
                for number in range(1, 9):
                    await world.bus.publish(Tick(number=number))

        world.bus.subscribe(Tick, feeder, delivery="lossless", capacity=2)
        world.bus.subscribe(
            Market, held, where=lambda event: True, delivery="lossless", capacity=2, name="held"
        )
        await world.bus.publish(Tick(number=0))
        await turns(100)
        assert world.events.ledger.report().by_type["test.tick"] < 9
        held.gate.set()
        await world.bus.settled()
        assert numbers(seen) == list(range(9))
        assert numbers(held.seen) == list(range(9))

    play(scenario)


def test_two_circles_through_one_type_lose_nothing() -> None:
    """Where an event goes to several full rings that cannot be waited for, each one grows."""

    async def scenario(world: World) -> None:
        seen: dict[str, list[int]] = {"one": [], "two": []}

        async def one(tick: Tick) -> None:
            seen["one"].append(tick.number)
            if tick.number == 0:
                await world.bus.publish(Order())

        async def two(tick: Tick) -> None:
            seen["two"].append(tick.number)

        async def three(_: Order) -> None:
            for number in range(1, 12):
                await world.bus.publish(Tick(number=number))

        async def blocker(order: Order) -> None:
            await world.bus.publish(Note())

        world.bus.subscribe(Tick, one, delivery="lossless", capacity=1)
        world.bus.subscribe(
            Tick, two, where=lambda tick: True, delivery="lossless", capacity=1, name="two"
        )
        world.bus.subscribe(Order, three, delivery="lossless", capacity=1)
        await world.bus.publish(Tick(number=0))
        await world.bus.settled()
        assert seen == {"one": list(range(12)), "two": list(range(12))}

    play(scenario)


def test_two_full_rings_that_the_handler_itself_would_have_to_empty_both_grow() -> None:
    """One plugin's handler reads two lossless rings of which neither may lose anything."""

    async def scenario(world: World) -> None:
        seen: list[int] = []
        other: list[int] = []

        async def relay(order: Order) -> None:
            await world.bus.publish(Tick(number=100 + order.number))

        async def feeder(tick: Tick) -> None:
            seen.append(tick.number)
            if tick.number == 0:
                for number in range(1, 9):
                    await world.bus.publish(Order(number=number))
                    await world.bus.publish(Tick(number=number))

        async def watcher(tick: Tick) -> None:
            other.append(tick.number)
            if tick.number == 0:
                for number in range(11, 19):
                    await world.bus.publish(Tick(number=number))

        world.bus.subscribe(Tick, feeder, delivery="lossless", capacity=1)
        world.bus.subscribe(
            Tick, watcher, where=lambda _: True, delivery="lossless", capacity=1, name="watcher"
        )
        world.bus.subscribe(Order, relay, delivery="lossless", capacity=1)
        await world.bus.publish(Tick(number=0))
        await world.bus.settled()
        assert seen == other
        assert sorted(seen) == sorted([*range(9), *range(11, 19), *range(101, 109)])

    play(scenario)


def test_an_endless_circle_ends_with_an_error_not_with_all_memory() -> None:
    """When a ring has grown to its limit the publish in the handler raises `PublishDeadlock`."""

    async def scenario(world: World) -> None:
        errors: list[BaseException] = []

        async def flood(tick: Tick) -> None:
            try:
                while True:
                    await world.bus.publish(Tick())
            except PublishDeadlock as error:
                errors.append(error)

        world.bus.subscribe(Tick, flood, delivery="lossless", capacity=4, name="flood")
        await world.bus.publish(Tick())
        await turns()
        assert "test.tick wait for one another in a circle" in str(errors[0])
        assert "give the subscriptions more capacity" in str(errors[0])
        (channel,) = world.events.channels.values()
        assert len(channel.buffer) == 64
        world.bus.close()

    play(scenario)


def test_a_task_that_a_handler_left_behind_waits_like_anybody_else() -> None:
    """Nobody waits for such a task, so that it needs no growing ring, and gets no error."""

    async def scenario(world: World) -> None:
        seen: list[int] = []
        tasks = []

        async def starter(tick: Tick) -> None:
            seen.append(tick.number)
            if tick.number == 0:
                tasks.append(asyncio.ensure_future(publish_all(world.bus, 500, start=1)))

        world.bus.subscribe(Tick, starter, delivery="lossless", capacity=2)
        await world.bus.publish(Tick(number=0))
        await turns()
        await tasks[0]
        await world.bus.settled()
        (channel,) = world.events.channels.values()
        assert seen == list(range(501))
        assert len(channel.buffer) == 2

    play(scenario)


def test_a_stalled_best_effort_reader_does_not_make_a_circle_fail() -> None:
    """Only what lossless readers have not read needs room."""

    async def scenario(world: World) -> None:
        held, count = Held(), [0]

        async def again(tick: Tick) -> None:
            count[0] += 1
            if tick.number < 500:
                await world.bus.publish(Tick(number=tick.number + 1))
                await world.bus.publish(Tick(number=1000))

        world.bus.subscribe(Tick, held, capacity=1, name="stalled")
        world.bus.subscribe(Tick, again, delivery="lossless", capacity=1)
        await world.bus.publish(Tick(number=0))
        await turns(200)
        assert count[0] > 60
        assert "handler failed" not in world.log.texts()
        held.gate.set()
        world.bus.close()

    play(scenario, max_depth=10_000)
