"""Settling, statistics, and the books that must always balance."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus.bus.delivery import Breaker, Retry
from hookbus.errors import UsageError
from hookbus.events import Event

from tests.host.bussing import (
    MODES,
    Alarm,
    Market,
    Note,
    Order,
    Tick,
    World,
    handler_for,
    play,
    turns,
)


def burst(world: World, count: int, start: int = 0) -> None:
    """Publish numbered ticks without giving way, each with a key of its own."""
    for number in range(start, start + count):
        world.bus.publish_nowait(Tick(symbol=str(number), number=number))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch": 3},
        {"batch": 4, "batch_wait": 5.0},
        {"throttle": 2.0},
        {"concurrency": 2},
        {"timeout": 9.0},
        {"retry": Retry(attempts=3, delay=4.0)},
        {"breaker": Breaker(failures=2)},
        {"delivery": "lossless", "capacity": 64},
    ],
    ids=str,
)
def test_settling_waits_until_everything_is_handled(options: dict[str, Any]) -> None:
    """Also what is gathered, throttled, tried again, running side by side, or published by
    handlers; and it returns at once when there is nothing to wait for."""

    async def scenario(world: World) -> None:
        tried: set[int] = set()
        echoed: list[Any] = []

        async def handler(argument: Any) -> None:
            ticks = argument if isinstance(argument, list) else [argument]
            await asyncio.sleep(0.5)
            for tick in ticks:
                if tick.number % 3 == 0 and tick.number not in tried:
                    tried.add(tick.number)
                    raise ValueError("first time")
                await world.bus.publish(Order(number=tick.number))

        async def echo(order: Order) -> None:
            await asyncio.sleep(1)
            echoed.append(order)

        subscription = world.bus.subscribe(Tick, handler, **options)
        world.bus.subscribe(Order, echo)
        await world.bus.settled()
        assert world.seconds() == 0
        for start in (0, 10):
            burst(world, 10, start=start)
            await world.bus.settled()
            stats = subscription.stats()
            assert stats.pending == 0
            assert stats.delivered + stats.dead_lettered == stats.matched == start + 10
            orders = world.events.ledger.report().by_type.get("test.order", 0)
            assert len(echoed) == orders
            now = world.seconds()
            await world.bus.settled()
            assert world.seconds() == now

    play(scenario)


def test_several_may_wait_for_the_bus_to_settle() -> None:
    """All of them are released, and one that gives up disturbs nobody."""

    async def scenario(world: World) -> None:
        async def slow(_: Tick) -> None:
            await asyncio.sleep(1)

        world.bus.subscribe(Tick, slow)
        burst(world, 3)
        waiting = [asyncio.ensure_future(world.bus.settled()) for _ in range(3)]
        await turns()
        waiting[1].cancel()
        await asyncio.gather(waiting[0], waiting[2])
        assert world.seconds() == 3

    play(scenario)


def test_settling_looks_at_subscriptions_that_were_just_made() -> None:
    """A subscription whose task has not begun yet has not handled anything."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []
        world.bus.subscribe(Tick, handler_for("task", seen.append))
        world.bus.publish_nowait(Tick())
        await world.bus.settled()
        assert seen == [Tick()]

    play(scenario)


def test_closing_the_one_that_hangs_lets_the_bus_settle() -> None:
    """Who is closed is not waited for."""

    async def scenario(world: World) -> None:
        async def hanging(_: Tick) -> None:
            await asyncio.Event().wait()

        subscription = world.bus.subscribe(Tick, hanging)
        burst(world, 3)
        waiting = asyncio.ensure_future(world.bus.settled())
        await turns()
        assert not waiting.done()
        subscription.close()
        await waiting

    play(scenario)


@pytest.mark.parametrize("options", [{}, {"concurrency": 2}, {"timeout": 5.0}], ids=str)
def test_settling_inside_a_handler_is_refused(options: dict[str, Any]) -> None:
    """It would wait for itself: also in a task that the handler started."""

    async def scenario(world: World) -> None:
        errors: list[str] = []

        async def attempt() -> None:
            try:
                await world.bus.settled()
            except UsageError as error:
                errors.append(str(error))

        async def handler(_: Tick) -> None:
            await attempt()
            await asyncio.ensure_future(attempt())

        world.bus.subscribe(Tick, handler, **options)
        burst(world, 1)
        await world.bus.settled()
        assert len(errors) == 2
        assert "would wait for the handler itself" in errors[0]

    play(scenario)


def test_statistics_follow_every_event() -> None:
    """Each count at each moment: waiting, in hand, delivered, filtered, lost, given up, left."""

    async def scenario(world: World) -> None:
        gate = asyncio.Event()

        async def handler(tick: Tick) -> None:
            await gate.wait()
            if tick.number == 11:
                raise ValueError("eleven")

        subscription = world.bus.subscribe(
            Tick, handler, where="number != 5", capacity=4, name="mine"
        )
        burst(world, 2)
        stats = subscription.stats()
        assert (stats.name, stats.plugin, stats.filter) == ("mine", "plugin", "test.tick")
        assert (stats.delivery, stats.matched, stats.pending) == ("best-effort", 2, 2)
        await turns()
        burst(world, 8, start=2)
        stats = subscription.stats()
        assert (stats.matched, stats.filtered, stats.pending, stats.lagged) == (10, 1, 9, 0)
        gate.set()
        await world.bus.settled()
        stats = subscription.stats()
        assert (stats.delivered, stats.lagged, stats.pending) == (6, 3, 0)
        burst(world, 2, start=10)
        await world.bus.settled()
        stats = subscription.stats()
        assert (stats.delivered, stats.failures, stats.dead_lettered) == (7, 1, 1)
        gate.clear()
        burst(world, 3, start=20)
        await turns()
        subscription.close()
        stats = subscription.stats()
        assert (stats.pending, stats.abandoned, stats.matched) == (0, 3, 15)
        assert stats.balanced
        burst(world, 5, start=30)
        assert subscription.stats().matched == 15

    play(scenario)


def test_the_books_say_what_became_of_every_event() -> None:
    """By type and by subscription, in one report and in one line."""

    async def scenario(world: World) -> None:
        async def failing(_: Order) -> None:
            raise ValueError("no")

        for mode in MODES:
            world.bus.subscribe(Market, handler_for(mode, lambda _: None), mode=mode, name=mode)
        world.plugin("other").subscribe(Tick, print, where="number > 1500", name="choosy")
        world.bus.subscribe(Order, failing, name="failing")
        burst(world, 1200)
        await world.bus.publish(Order())
        await world.bus.publish(Note())
        await world.bus.settled()
        report = world.events.ledger.report()
        assert report.published == 1204
        assert report.by_type == {
            "hookbus.event.dead-lettered": 1,
            "hookbus.handler.failed": 1,
            "other.note": 1,
            "test.order": 1,
            "test.tick": 1200,
        }
        assert report.total("delivered") == 3 * 1201 - report.total("lagged")
        assert [(one.plugin, one.name) for one in report.accounts] == [
            ("other", "choosy"),
            ("plugin", "failing"),
            ("plugin", "inline"),
            ("plugin", "task"),
            ("plugin", "thread"),
        ]
        line = report.line()
        assert line.startswith("1,204 published, every one accounted for (")
        assert "1,200 filtered" in line
        assert "1 dead-lettered" in line
        assert "pending" not in line

    play(scenario, capacity=2048)


def test_accounts_of_closed_subscriptions_are_kept_by_name() -> None:
    """However often one is opened and closed, and after the bus has closed as well."""

    async def scenario(world: World) -> None:
        for _ in range(5):
            for mode in MODES:
                world.bus.subscribe(Tick, handler_for(mode, lambda _: None), mode=mode, name=mode)
            burst(world, 10)
            await world.bus.settled()
            burst(world, 3)
            world.bus.close()
        await turns()
        report = world.events.ledger.report()
        delivered = {one.name: (one.delivered, one.abandoned) for one in report.accounts}
        assert delivered == {"task": (50, 15), "thread": (50, 15), "inline": (65, 0)}
        world.events.close()
        after = world.events.ledger.report()
        assert (after.published, after.by_type) == (65, {"test.tick": 65})
        assert after.accounts == report.accounts
        assert after.discrepancies == ()
        assert len(world.events.ledger._ending) == 0

    play(scenario)


def test_a_closed_subscriber_is_not_kept_in_memory() -> None:
    """Only its account is, when its task has ended."""

    async def scenario(world: World) -> None:
        for number in range(50):
            subscription = world.bus.subscribe(Tick, handler_for("task", lambda _: None), name="x")
            burst(world, 1, start=number)
            await turns(5)
            subscription.close()
            await turns(5)
        assert len(world.events.ledger._ending) <= 1
        assert world.events.channels == {}
        assert world.events.subscriptions == []

    play(scenario)


def test_a_plugin_that_is_loaded_anew_brings_new_classes_under_old_names() -> None:
    """Both are counted under the one wire name."""

    async def scenario(world: World) -> None:
        def make() -> type[Event]:
            class Fresh(Event, type="test.fresh"):
                pass

            return Fresh

        for _ in range(3):
            await world.bus.publish(make()())
            world.events.registry.withdraw("plugin")
        assert world.events.ledger.report().by_type == {"test.fresh": 3}

    play(scenario)


@pytest.mark.parametrize("what", ["delivered", "sequence", "tail"])
def test_books_that_do_not_balance_say_so(what: str) -> None:
    """An event counted twice or lost is named with its account, in the report and in the line."""

    async def scenario(world: World) -> tuple[str, ...]:
        subscription = world.bus.subscribe(Tick, handler_for("task", lambda _: None), name="mine")
        burst(world, 3)
        await world.bus.settled()
        (channel,) = world.events.channels.values()
        if what == "delivered":
            subscription.delivered += 1  # type: ignore[union-attr]
        if what == "sequence":
            world.events.sequence += 1
        if what == "tail":
            channel.tail -= 1
        report = world.events.ledger.report()
        assert "NOT accounted for" in report.line()
        if what == "delivered":
            subscription.delivered -= 1  # type: ignore[union-attr]
        world.events.sequence -= what == "sequence"
        channel.tail += what == "tail"
        return report.discrepancies

    expected = {
        "delivered": "subscription 'mine' of 'plugin' does not balance",
        "sequence": "4 sequences were given, 3 events routed",
        "tail": "channel test.tick was offered 3 events",
    }
    assert any(expected[what] in text for text in play(scenario))


def test_cut_events_are_in_the_books_but_were_not_published() -> None:
    """They have no sequence, and the line tells how many they were."""

    async def scenario(world: World) -> None:
        async def handler(_: Alarm) -> None:
            await world.bus.publish(Alarm())
            await world.bus.publish(Alarm())

        world.bus.subscribe(Alarm, handler)
        await world.bus.publish(Alarm())
        await world.bus.settled()
        report = world.events.ledger.report()
        assert report.by_type == {"hookbus.event.loop-cut": 1, "test.alarm": 15}
        assert report.cut == 16
        assert "16 cut" in report.line()

    play(scenario, max_depth=3)
