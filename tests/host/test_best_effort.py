"""Best-effort subscriptions: bounded, told of what they lost, and never in a publisher's way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus.envelope import Envelope, Lagged, handled_envelope
from hookbus.events import Event
from hookbus.operational import OperationalEvent, SubscriptionLagged
from hypothesis import given
from hypothesis import strategies as st

from tests.host.bussing import Alarm, Market, Note, Order, Tick, World, numbers, play, turns


def burst(world: World, count: int, start: int = 0) -> None:
    """Publish numbered ticks without giving way."""
    for number in range(start, start + count):
        world.bus.publish_nowait(Tick(number=number))


@given(
    st.integers(1, 20),
    st.lists(st.integers(1, 60), min_size=1, max_size=6),
    st.sampled_from([{}, {"timeout": 5.0}, {"batch": 3}, {"concurrency": 2}]),
)
def test_a_reader_that_falls_behind_is_told_in_order_how_much_it_lost(
    capacity: int, bursts: list[int], options: dict[str, Any]
) -> None:
    """`Lagged(n)` comes just before the first event after the gap, whatever the policy; what is
    told and what is delivered add up to what was published."""

    async def scenario(world: World) -> None:
        story: list[int | Lagged] = []

        async def handler(argument: Any) -> None:
            await asyncio.sleep(0.001)
            ticks = argument if isinstance(argument, list) else [argument]
            story.extend(numbers(ticks))

        subscription = world.bus.subscribe(
            Tick, handler, capacity=capacity, on_lagged=story.append, **options
        )
        published = 0
        for count in bursts:
            burst(world, count, start=published)
            published += count
            await asyncio.sleep(0.0005)
        await world.bus.settled()
        if options != {"concurrency": 2}:
            assert_no_gap_untold(story, published)
        lost = sum(item.missed for item in story if isinstance(item, Lagged))
        delivered = [item for item in story if isinstance(item, int)]
        assert lost + len(delivered) == published
        assert subscription.stats().lagged == lost
        assert delivered[-1] == published - 1

    play(scenario)


def assert_no_gap_untold(story: list[int | Lagged], published: int) -> None:
    """Check that every event is there or told as lost where it is missing."""
    expected = 0
    for item in story:
        if isinstance(item, Lagged):
            expected += item.missed
        else:
            assert item == expected
            expected += 1
    assert expected == published


def test_the_publisher_never_waits_for_it() -> None:
    """However stalled it is, publishing takes no time, and memory is its ring."""

    async def scenario(world: World) -> None:
        stalled = asyncio.Event()

        async def handler(_: Tick) -> None:
            await stalled.wait()

        subscription = world.bus.subscribe(Tick, handler, capacity=8)
        for number in range(2000):
            await world.bus.publish(Tick(number=number))
        assert world.seconds() == 0
        (channel,) = world.events.channels.values()
        assert len(channel.buffer) == 8
        assert subscription.stats().pending + subscription.stats().lagged == 2000
        stalled.set()
        await world.bus.settled()
        stats = subscription.stats()
        assert (stats.delivered, stats.lagged) == (2000 - stats.lagged, stats.lagged)
        assert stats.lagged > 1900

    play(scenario)


def test_a_small_reader_lags_although_a_bigger_one_shares_the_ring() -> None:
    """Each is bounded by what it asked for, and the bigger one loses nothing."""

    async def scenario(world: World) -> None:
        small: list[Any] = []
        big: list[Any] = []

        async def keep_small(tick: Tick) -> None:
            small.append(tick.number)

        async def keep_big(tick: Tick) -> None:
            big.append(tick.number)

        world.bus.subscribe(Tick, keep_small, capacity=3, on_lagged=small.append)
        world.bus.subscribe(Tick, keep_big, capacity=50)
        burst(world, 20)
        await world.bus.settled()
        assert small == [Lagged(17), 17, 18, 19]
        assert big == list(range(20))
        assert len(world.events.channels) == 1

    play(scenario)


@pytest.mark.parametrize("capacity", [1, 2, 3, 4, 7])
def test_the_report_of_a_lag_does_not_overwrite_what_it_is_about(capacity: int) -> None:
    """A subscriber to everything gets its survivors and then the report, each once."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def handler(event: Any) -> None:
            seen.append(event)

        world.bus.subscribe("*", handler, capacity=capacity, on_lagged=seen.append, name="all")
        burst(world, 20)
        await world.bus.settled()
        lost = 20 - capacity
        assert seen == [
            Lagged(lost),
            *(Tick(number=number) for number in range(lost, 20)),
            SubscriptionLagged(subscription="all", plugin="plugin", missed=lost),
        ]

    play(scenario)


@pytest.mark.parametrize("is_async", [True, False])
def test_what_is_published_while_a_lag_is_told_comes_afterwards(is_async: bool) -> None:
    """A slow `on_lagged`, or one that publishes, mixes nothing up."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def handler(tick: Tick) -> None:
            seen.append(tick.number)

        def told(lagged: Lagged) -> None:
            seen.append(lagged)
            if lagged.missed == 6:
                burst(world, 3, start=10)

        async def told_slowly(lagged: Lagged) -> None:
            told(lagged)
            await asyncio.sleep(1)

        on_lagged = told_slowly if is_async else told
        world.bus.subscribe(Tick, handler, capacity=4, on_lagged=on_lagged)
        burst(world, 10)
        await world.bus.settled()
        assert seen == [Lagged(6), 6, 7, 8, 9, 10, 11, 12]

    play(scenario)


def test_closing_while_a_lag_is_told_loses_no_account() -> None:
    """What was taken and not handled is abandoned, and the books balance meanwhile as well."""

    async def scenario(world: World) -> None:
        async def told(_: Lagged) -> None:
            await asyncio.sleep(10)

        async def handler(_: Tick) -> None:
            raise AssertionError("closed before")

        subscription = world.bus.subscribe(Tick, handler, capacity=4, on_lagged=told)
        burst(world, 10)
        await turns()
        assert subscription.stats().pending == 4
        world.balanced()
        subscription.close()
        await turns()
        stats = subscription.stats()
        assert (stats.lagged, stats.abandoned, stats.pending) == (6, 4, 0)

    play(scenario)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), asyncio.CancelledError()])
def test_an_on_lagged_that_raises_is_logged_and_counted(error: BaseException) -> None:
    """The subscription goes on with its events."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(tick: Tick) -> None:
            seen.append(tick.number)

        def told(_: Lagged) -> None:
            raise error

        subscription = world.bus.subscribe(Tick, handler, capacity=2, on_lagged=told)
        burst(world, 5)
        await world.bus.settled()
        assert seen == [3, 4]
        assert subscription.stats().failures == 1
        assert "on_lagged failed" in world.log.texts()

    play(scenario)


def test_what_on_lagged_publishes_has_no_event_as_its_cause() -> None:
    """The event handled before has nothing to do with it."""

    async def scenario(world: World) -> None:
        causes: list[Envelope | None] = []

        async def handler(_: Tick) -> None:
            return

        def told(_: Lagged) -> None:
            causes.append(handled_envelope())

        world.bus.subscribe(Tick, handler, capacity=2, on_lagged=told)
        await world.bus.publish(Tick())
        await world.bus.settled()
        burst(world, 5)
        await world.bus.settled()
        assert causes == [None]

    play(scenario)


def test_critical_events_are_never_dropped_though_the_reader_lags() -> None:
    """They arrive in order, among what is left; only the others are lost, and counted."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def handler(event: Any) -> None:
            seen.append(event)

        subscription = world.bus.subscribe(
            Market, handler, capacity=3, on_lagged=seen.append, name="slow"
        )
        for number in range(12):
            kind = Alarm if number % 4 == 1 else Tick
            world.bus.publish_nowait(kind(number=number))
        await world.bus.settled()
        assert seen == [
            Lagged(7),
            Alarm(number=1),
            Alarm(number=5),
            Alarm(number=9),
            Tick(number=10),
            Tick(number=11),
        ]
        assert subscription.stats().lagged == 7

    play(scenario)


@pytest.mark.parametrize("options", [{}, {"batch": 5}, {"concurrency": 3}, {"throttle": 1.0}])
@pytest.mark.parametrize("where", [None, "number >= 0"])
def test_a_thousand_critical_events_reach_a_reader_of_one(
    options: dict[str, Any], where: str | None
) -> None:
    """However small its ring; a batch is still no larger than asked for."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(argument: Any) -> None:
            alarms = argument if isinstance(argument, list) else [argument]
            assert 0 < len(alarms) <= options.get("batch", 1)
            seen.extend(numbers(alarms))

        world.bus.subscribe(Alarm, handler, capacity=1, where=where, **options)
        for number in range(1000):
            world.bus.publish_nowait(Alarm(number=number))
        await world.bus.settled()
        assert seen == list(range(1000))

    play(scenario)


def test_a_critical_event_is_kept_though_an_inline_handler_publishes_at_once() -> None:
    """What a function publishes inside the publishing of an alarm does not take its place."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def handler(event: Any) -> None:
            seen.append(event)

        def echo(alarm: Alarm) -> None:
            world.bus.publish_nowait(Tick(number=alarm.number))

        world.bus.subscribe(Market, handler, capacity=1)
        world.bus.subscribe(Alarm, echo, mode="inline", where=lambda alarm: True)
        for number in range(3):
            world.bus.publish_nowait(Alarm(number=number))
        await world.bus.settled()
        alarms = [event for event in seen if isinstance(event, Alarm)]
        assert numbers(alarms) == [0, 1, 2]

    play(scenario)


def test_lags_of_several_subscribers_to_everything_come_to_an_end() -> None:
    """Their reports reach one another without making ever more reports."""

    async def scenario(world: World) -> list[type[Event]]:
        seen: list[type[Event]] = []

        async def handler(event: Any) -> None:
            seen.append(type(event))
            await asyncio.sleep(0.001)

        for name in ("one", "two", "three"):
            world.bus.subscribe("*", handler, capacity=1, name=name)
        for number in range(50):
            world.bus.publish_nowait(Note(text=str(number)))
            await asyncio.sleep(0.0001)
        world.bus.publish_nowait(Order())
        await world.bus.settled()
        return seen

    seen = play(scenario)
    assert sum(issubclass(kind, OperationalEvent) for kind in seen) < 150
