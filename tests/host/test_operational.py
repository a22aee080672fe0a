"""Operational events: trouble with them is told, but never feeds itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus.bus.delivery import Breaker, Retry
from hookbus.operational import (
    BackpressureWarning,
    BreakerOpened,
    EventDeadLettered,
    EventLoopCut,
    HandlerAbandoned,
    HandlerFailed,
    OperationalEvent,
    SubscriptionLagged,
)

from tests.host.bussing import MODES, Note, Order, Tick, World, handler_for, play, turns


def burst(world: World, count: int) -> None:
    """Publish numbered ticks without giving way."""
    for number in range(count):
        world.bus.publish_nowait(Tick(number=number))


def always_fails(event: Any) -> None:
    """A plain handler that always raises."""
    raise ValueError("always")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wanted", ["*", "hookbus.*", OperationalEvent, HandlerFailed])
def test_a_handler_that_fails_on_every_event_does_not_feed_itself(mode: str, wanted: Any) -> None:
    """Failures over operational events are logged and counted, and come to an end."""

    async def scenario(world: World) -> None:
        subscription = world.bus.subscribe(wanted, handler_for(mode, always_fails), mode=mode)
        world.bus.subscribe(Tick, handler_for("task", always_fails), name="root")
        burst(world, 3)
        await world.bus.settled()
        report = world.events.ledger.report()
        both = 2 if wanted == "*" else 1
        assert report.by_type["hookbus.handler.failed"] == 3 * both
        assert report.by_type["hookbus.event.dead-lettered"] == 3 * both
        assert subscription.stats().dead_lettered == subscription.stats().matched
        logged = world.log.texts().count("handler failed")
        assert logged == 3 + subscription.stats().failures

    play(scenario)


@pytest.mark.parametrize(
    "options",
    [
        {"retry": Retry(attempts=3, delay=1)},
        {"breaker": Breaker(failures=1, reset_after=1)},
        {"timeout": 1.0},
        {"batch": 2},
        {"concurrency": 2},
        {"throttle": 1.0},
        {"delivery": "lossless", "capacity": 1},
        {"capacity": 1},
    ],
    ids=str,
)
def test_whatever_the_policy_it_comes_to_an_end(options: dict[str, Any]) -> None:
    """A failing subscriber to everything settles, with every way of delivering."""

    async def scenario(world: World) -> None:
        world.bus.subscribe("*", handler_for("task", always_fails), name="all", **options)
        for _ in range(3):
            for number in range(3):
                await world.bus.publish(Tick(number=number))
            await world.bus.settled()
            await world.clock.sleep(2)
        assert world.events.ledger.report().published < 300

    play(scenario)


def test_two_failing_subscribers_to_everything_do_not_feed_each_other() -> None:
    """Each one's failures reach the other, and end there."""

    async def scenario(world: World) -> None:
        for name in ("one", "two"):
            world.bus.subscribe("*", handler_for("task", always_fails), name=name)
        burst(world, 3)
        await world.bus.settled()
        assert world.events.ledger.report().by_type == {
            "test.tick": 3,
            "hookbus.handler.failed": 6,
            "hookbus.event.dead-lettered": 6,
        }

    play(scenario)


def test_abandoned_handlers_of_operational_events_come_to_an_end() -> None:
    """Each abandoned subscription is told of once, and the next one is abandoned at most once."""

    async def scenario(world: World) -> None:
        world.hear()

        async def stubborn(_: Any) -> None:
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    continue

        for number in range(3):
            world.bus.subscribe("*", stubborn, timeout=1.0, name=f"s{number}")
        burst(world, 1)
        await world.bus.settled()
        assert len(world.heard(HandlerAbandoned)) == 3

    play(scenario)


def test_a_breaker_over_operational_events_opens_once() -> None:
    """The opening is not an event that opens it further."""

    async def scenario(world: World) -> None:
        world.hear()
        world.bus.subscribe(
            BreakerOpened,
            handler_for("task", always_fails),
            name="watcher",
            breaker=Breaker(failures=1),
        )
        world.bus.subscribe(
            Tick, handler_for("task", always_fails), name="root", breaker=Breaker(failures=1)
        )
        burst(world, 5)
        await world.bus.settled()
        assert [one.subscription for one in world.heard(BreakerOpened)] == ["root", "watcher"]

    play(scenario)


def test_a_stalled_lossless_subscriber_to_everything_cannot_harm_a_failing_one() -> None:
    """When its ring has grown to the limit, what cannot be told is logged; nobody else notices."""

    async def scenario(world: World) -> None:
        seen: list[int] = []
        stalled = asyncio.Event()

        async def hanging(_: OperationalEvent) -> None:
            await stalled.wait()

        async def failing(tick: Tick) -> None:
            seen.append(tick.number)
            raise ValueError("always")

        world.bus.subscribe(OperationalEvent, hanging, delivery="lossless", capacity=2, name="all")
        subscription = world.bus.subscribe(Tick, failing, name="failing")
        burst(world, 200)
        await turns(500)
        assert seen == list(range(200))
        assert subscription.stats().dead_lettered == 200
        assert "not published" in world.log.texts()
        (ring,) = (one.buffer for one in world.events.channels.values() if one.readers[0].lossless)
        assert len(ring) == 32
        stalled.set()
        await world.bus.settled()

    play(scenario)


def test_what_is_told_waits_for_nobody() -> None:
    """A failure is told at once although a lossless subscriber to it is full; nothing is lost."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def slow(event: Any) -> None:
            await asyncio.sleep(1)
            seen.append(event)

        world.bus.subscribe(HandlerFailed, slow, delivery="lossless", capacity=2)
        world.bus.subscribe(Tick, handler_for("task", always_fails))
        burst(world, 20)
        await turns()
        assert world.seconds() == 0
        await world.bus.settled()
        assert len(seen) == 20
        assert [event.event_id for event in seen] == [f"run-{number}" for number in range(1, 21)]

    play(scenario)


def test_a_lag_behind_operational_events_is_only_logged() -> None:
    """A reader that cannot keep up with reports is not sent another one about that."""

    async def scenario(world: World) -> None:
        world.hear()
        gate = asyncio.Event()

        async def slow(_: Any) -> None:
            await gate.wait()

        world.bus.subscribe("hookbus.*", slow, capacity=2, name="slow")
        world.bus.subscribe(Tick, handler_for("task", always_fails))
        burst(world, 20)
        await turns(100)
        gate.set()
        await world.bus.settled()
        assert world.heard(SubscriptionLagged) == []
        assert "subscription lagged" in world.log.texts()

    play(scenario)


def test_a_chain_that_branches_is_told_of_once() -> None:
    """However many ends of it are cut, one event says so; every cut is logged and counted."""

    async def scenario(world: World) -> None:
        world.hear()

        async def twice(_: Tick) -> None:
            await world.bus.publish(Tick())
            await world.bus.publish(Tick())

        world.bus.subscribe(Tick, twice)
        for _ in range(2):
            await world.bus.publish(Tick())
            await world.bus.settled()
        assert [cut.correlation for cut in world.heard(EventLoopCut)] == ["run-1", "run-33"]
        assert world.events.ledger.report().cut == 2 * 32
        assert world.log.texts().count("event loop cut") == 64

    play(scenario, max_depth=4)


def test_handlers_of_operational_events_may_publish() -> None:
    """An alert about a failure is an ordinary event, with the failed event as its origin."""

    async def scenario(world: World) -> None:
        alerts: list[Any] = []

        async def alert(failed: HandlerFailed) -> None:
            await world.bus.publish(Note(text=failed.error))

        world.bus.subscribe(HandlerFailed, alert)
        world.bus.subscribe(Note, alerts.append, mode="inline", envelope=True)
        world.bus.subscribe(Tick, handler_for("task", always_fails))
        await world.bus.publish(Tick())
        await world.bus.settled()
        (envelope,) = alerts
        assert envelope.event == Note(text="ValueError: always")
        assert envelope.correlation_id == "run-1"
        assert envelope.depth == 2

    play(scenario)


def test_reports_reach_nobody_after_the_end_but_the_log() -> None:
    """A handler that fails while the bus closes is logged; nothing is published any more."""

    async def scenario(world: World) -> None:
        async def late(_: Tick) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                raise ValueError("late")

        world.bus.subscribe(Tick, late)
        await world.bus.publish(Tick())
        await turns()
        world.events.close()
        await turns()
        assert "handler failed" in world.log.texts()
        assert world.events.ledger.report().published == 1

    play(scenario)


def test_figures_of_backpressure_and_letters_are_right() -> None:
    """The size at that moment and the capacity; the letter holds the whole envelope."""

    async def scenario(world: World) -> None:
        world.hear()

        async def slow(order: Order) -> None:
            await asyncio.sleep(1)
            if order.number == 3:
                raise ValueError("three")

        world.bus.subscribe(Order, slow, delivery="lossless", capacity=2, name="slow")
        for number in range(8):
            await world.bus.publish(Order(symbol="ETH", number=number))
        await world.bus.settled()
        assert world.heard(BackpressureWarning)[0] == BackpressureWarning(
            name="slow", size=2, capacity=2
        )
        (letter,) = world.heard(EventDeadLettered)
        assert letter.envelope["subject"] == "ETH"
        assert letter.envelope["data"] == {"symbol": "ETH", "number": 3}

    play(scenario)
