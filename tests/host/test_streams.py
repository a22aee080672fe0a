"""Streams and watches: reading the bus without a handler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hookbus.envelope import Envelope, Lagged
from hookbus.errors import BusClosed, UsageError
from hypothesis import given
from hypothesis import strategies as st

from tests.host.bussing import Alarm, Market, Note, Order, Tick, World, numbers, play, turns


async def read(stream: AsyncIterator[Any], count: int) -> list[Any]:
    """The next items of a stream, which must not take more than a simulated second to come."""
    return [await asyncio.wait_for(anext(stream), 1) for _ in range(count)]


async def is_quiet(stream: AsyncIterator[Any]) -> bool:
    """Whether nothing more comes for a simulated second."""
    try:
        await asyncio.wait_for(anext(stream), 1)
    except TimeoutError:
        return True
    return False


def burst(world: World, count: int, start: int = 0) -> None:
    """Publish numbered ticks without giving way."""
    for number in range(start, start + count):
        world.bus.publish_nowait(Tick(number=number))


def test_a_stream_yields_what_is_published_from_now_on() -> None:
    """Matching events in order, waiting where there are none; as envelopes when so asked."""

    async def scenario(world: World) -> None:
        burst(world, 3)
        async with world.bus.stream(Market, where="number > 3") as stream:
            envelopes = world.bus.stream(Tick, envelope=True)
            for number in range(3, 6):
                await world.bus.publish(Tick(number=number))
                await world.bus.publish(Note())
            assert await read(stream, 2) == [Tick(number=4), Tick(number=5)]
            assert await is_quiet(stream)
            assert [type(one) for one in await read(envelopes, 3)] == [Envelope] * 3
        assert len(world.events.channels) == 1
        assert await world.bus.publish(Tick(number=9)) == 1

    play(scenario)


@given(
    st.lists(st.sampled_from([Tick, Order, Alarm, Note]), max_size=40),
    st.lists(st.sampled_from([Tick, Order]), max_size=10),
    st.integers(0, 30),
    st.integers(1, 20),
)
def test_history_joins_the_live_events_without_gap_or_duplicate(
    before: list[Any], after: list[Any], history: int, kept: int
) -> None:
    """A late joiner gets up to so many recent matching events, oldest first, then what follows;
    as far back as the host keeps events of each type."""

    async def scenario(world: World) -> None:
        for kind in before:
            await world.bus.publish(kind())
        stream = world.bus.stream(Market, history=history, envelope=True)
        for kind in after:
            await world.bus.publish(kind())
        everything = [*before, *after]
        recent = []
        for kind in (Tick, Order, Alarm):
            recent += [place for place, one in enumerate(before) if one is kind][-kept:]
        expected = sorted(recent)[max(0, len(recent) - history) :] if history else []
        expected += range(len(before), len(everything))
        got = await read(stream, len(expected))
        assert [one.sequence - 1 for one in got] == expected
        assert await is_quiet(stream)

    play(scenario, history=kept)


def test_history_follows_the_predicate_and_survives_one_that_raises() -> None:
    """An event that the predicate cannot judge is left out; nothing is left behind by it."""

    def fussy(tick: Tick) -> bool:
        if tick.number == 2:
            raise ValueError("unlucky")
        return tick.number != 3

    async def scenario(world: World) -> None:
        burst(world, 6)
        async with world.bus.stream(Tick, history=3, where=fussy) as stream:
            assert numbers(await read(stream, 3)) == [1, 4, 5]
        assert world.events.channels == {}

    play(scenario)


@pytest.mark.parametrize("capacity", [1, 2, 3, 4, 7, 8])
def test_a_stream_that_falls_behind_says_so_in_its_place(capacity: int) -> None:
    """`Lagged(n)` comes exactly where n events are missing, and then the oldest that is left."""

    async def scenario(world: World) -> None:
        stream = world.bus.stream(Tick, capacity=capacity)
        burst(world, 20)
        lost = 20 - capacity
        assert await read(stream, capacity + 1) == [
            Lagged(lost),
            *(Tick(number=number) for number in range(lost, 20)),
        ]
        burst(world, 1, start=20)
        assert await read(stream, 1) == [Tick(number=20)]

    play(scenario)


@given(st.integers(1, 9), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=12))
def test_what_a_stream_yields_and_what_it_lost_add_up(
    capacity: int, steps: list[tuple[int, int]]
) -> None:
    """However publishing and reading take turns: no gap untold, no event twice, order kept."""

    async def scenario(world: World) -> None:
        stream = world.bus.stream(Tick, capacity=capacity)
        published, place = 0, 0
        for publish, take in steps:
            burst(world, publish, start=published)
            published += publish
            for _ in range(take):
                if place == published:
                    break
                (item,) = await read(stream, 1)
                if isinstance(item, Lagged):
                    place += item.missed
                else:
                    assert item.number == place
                    place += 1
        assert stream.unread <= published - place

    play(scenario)


def test_a_stream_gets_critical_events_although_it_lags() -> None:
    """They stand in order after the mark."""

    async def scenario(world: World) -> None:
        stream = world.bus.stream(Market, capacity=2)
        for number in range(6):
            world.bus.publish_nowait((Alarm if number in (1, 2) else Tick)(number=number))
        assert await read(stream, 5) == [
            Lagged(2),
            Alarm(number=1),
            Alarm(number=2),
            Tick(number=4),
            Tick(number=5),
        ]

    play(scenario)


def test_a_lossless_stream_makes_publishers_wait() -> None:
    """It loses nothing, and they go on as it is read."""

    async def scenario(world: World) -> None:
        stream = world.bus.stream(Tick, delivery="lossless", capacity=2)

        async def publisher() -> None:
            for number in range(10):
                await world.bus.publish(Tick(number=number))

        task = asyncio.ensure_future(publisher())
        await turns()
        assert not task.done()
        assert numbers(await read(stream, 10)) == list(range(10))
        await task

    play(scenario)


@pytest.mark.parametrize("how", ["stream", "plugin", "bus"])
def test_a_reader_that_waits_is_released_at_the_end(how: str) -> None:
    """`async for` ends when the stream, its plugin or the bus is closed, for every reader."""

    async def scenario(world: World) -> None:
        owner = world.plugin("owner")
        stream = owner.stream(Tick)
        other = world.bus.stream(Tick)

        async def reader() -> list[Any]:
            return [item async for item in stream]

        readers = [asyncio.ensure_future(reader()) for _ in range(2)]
        await turns()
        burst(world, 1)
        await turns()
        assert await read(other, 1) == [Tick()]
        closing: dict[str, Any] = {"stream": stream, "plugin": owner, "bus": world.events}
        closing[how].close()
        assert sorted(map(len, await asyncio.gather(*readers))) == [0, 1]
        stream.close()

    play(scenario)


def test_giving_up_and_coming_back_loses_nothing() -> None:
    """A reader with a time limit may be cancelled while it waits."""

    async def scenario(world: World) -> None:
        stream = world.bus.stream(Tick)
        for number in range(5):
            assert await is_quiet(stream)
            burst(world, 1, start=number)
            assert await read(stream, 1) == [Tick(number=number)]
        (channel,) = world.events.channels.values()
        assert channel.sleepers == []

    play(scenario)


@pytest.mark.parametrize(
    "options", [{"delivery": "durable"}, {"delivery": "losless"}, {"capacity": 0}], ids=str
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """With the name of the option; a misspelt delivery is not taken for best effort."""

    async def scenario(world: World) -> None:
        with pytest.raises(UsageError, match=next(iter(options))):
            world.bus.stream(Tick, **options)
        assert world.events.channels == {}

    play(scenario)


def test_a_watch_counts_and_wakes_once_for_many() -> None:
    """Many events, one wake-up, the latest wins; nothing new means waiting."""

    async def scenario(world: World) -> None:
        watch = world.bus.watch(Market, where="number != 2")
        assert watch.generation == 0
        burst(world, 5)
        assert watch.generation == 4
        assert await watch.changed() == 4
        assert watch.latest == Tick(number=4)
        waiting = asyncio.ensure_future(watch.changed())
        await turns()
        assert not waiting.done()
        burst(world, 3, start=5)
        assert await waiting == 7
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.changed(), 1)

    play(scenario)


@pytest.mark.parametrize("how", ["watch", "plugin", "bus"])
def test_who_waits_for_a_watch_is_told_that_it_is_closed(how: str) -> None:
    """`BusClosed`, whoever closed it; a change that came before is still returned."""

    async def scenario(world: World) -> None:
        owner = world.plugin("owner")
        watch, fresh = owner.watch(Tick), owner.watch(Order)
        waiting = asyncio.ensure_future(watch.changed())
        await turns()
        await world.bus.publish(Order())
        closing: dict[str, Any] = {"watch": watch, "plugin": owner, "bus": world.events}
        closing[how].close()
        with pytest.raises(BusClosed, match="the watch is closed"):
            await waiting
        assert watch.closed
        assert await fresh.changed() == 1
        async with world.plugin("late").watch(Tick) if how != "bus" else fresh as last:
            pass
        assert last.closed

    play(scenario)


def test_a_predicate_of_a_watch_that_raises_counts_nothing() -> None:
    """It is logged, as for every subscription."""

    async def scenario(world: World) -> None:
        watch = world.bus.watch(Tick, where=lambda tick: 1 // tick.number)
        burst(world, 3)
        assert watch.generation == 1
        assert len(world.log.entries) == 1

    play(scenario)
