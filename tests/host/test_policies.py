"""Batching, throttling and concurrency."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hookbus.envelope import Envelope, Lagged
from hypothesis import given
from hypothesis import strategies as st

from tests.host.bussing import Alarm, Market, Note, Order, Tick, World, numbers, play, turns


def burst(world: World, count: int, start: int = 0) -> None:
    """Publish numbered ticks without giving way."""
    for number in range(start, start + count):
        world.bus.publish_nowait(Tick(number=number))


class Kept:
    """A handler that keeps what it got and when."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: list[tuple[float, Any]] = []

    async def __call__(self, argument: Any) -> None:
        """Keep the numbers of a batch, or the number of an event."""
        one = isinstance(argument, list)
        kept = numbers(argument) if one else numbers([argument])[0]
        self.calls.append((round(self.world.seconds(), 3), kept))


@pytest.mark.parametrize("mode", ["task", "thread"])
@pytest.mark.parametrize("envelope", [False, True])
def test_a_batch_is_a_list_of_what_is_there(mode: str, envelope: bool) -> None:
    """In order, no longer than asked for, without waiting for more, as events or envelopes."""

    async def scenario(world: World) -> None:
        batches: list[list[Any]] = []

        async def handler(batch: list[Any]) -> None:
            batches.append(batch)

        chosen: Any = handler if mode == "task" else batches.append
        subscription = world.bus.subscribe(Tick, chosen, batch=4, envelope=envelope)
        burst(world, 10)
        await world.bus.settled()
        assert [numbers(batch) for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
        assert all(isinstance(one, Envelope) is envelope for batch in batches for one in batch)
        assert world.seconds() == 0
        assert subscription.stats().delivered == 10

    play(scenario)


def test_a_batch_is_gathered_for_at_most_so_long() -> None:
    """From its first event on; a full one goes at once; the time of an empty one does not run."""

    async def scenario(world: World) -> None:
        kept = Kept(world)
        world.bus.subscribe(Tick, kept, batch=3, batch_wait=2.0)
        await world.clock.sleep(10)
        for number, pause in enumerate((1.5, 0.4, 5, 0.1, 0.1, 7, 0)):
            await world.bus.publish(Tick(number=number))
            await world.clock.sleep(pause)
        await world.bus.settled()
        assert kept.calls == [(11.9, [0, 1, 2]), (17.1, [3, 4, 5]), (26.1, [6])]

    play(scenario)


@pytest.mark.parametrize("options", [{"batch": 9, "batch_wait": 2.0}, {"throttle": 2.0}], ids=str)
@pytest.mark.parametrize("nanoseconds", [1, 500, 999])
def test_a_wake_up_just_before_the_time_is_no_endless_loop(
    options: dict[str, Any], nanoseconds: int
) -> None:
    """Somebody else's timer a moment earlier does not keep time from passing."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def handler(argument: Any) -> None:
            seen.append(argument)

        world.bus.subscribe(Tick, handler, **options)
        burst(world, 2)
        await turns()
        burst(world, 1, start=2)
        await world.clock.sleep_until(2_000_000_000 - nanoseconds)
        burst(world, 1, start=3)
        await turns(200)
        await world.bus.settled()
        assert world.clock.now_ns() in (2_000_000_000, 4_000_000_000)

    play(scenario)


def test_a_batch_does_not_reach_over_a_gap() -> None:
    """What was gathered before a lag is delivered before it is told, what follows afterwards."""

    async def scenario(world: World) -> None:
        story: list[Any] = []

        async def handler(batch: list[Tick]) -> None:
            story.append(numbers(batch))

        world.bus.subscribe(
            Tick, handler, batch=100, batch_wait=5.0, capacity=4, on_lagged=story.append
        )
        burst(world, 3)
        await world.clock.sleep(1)
        burst(world, 10, start=3)
        await world.bus.settled()
        assert story == [[0, 1, 2], Lagged(6), [9, 10, 11, 12]]

    play(scenario)


def test_a_failing_batch_is_given_up_whole() -> None:
    """All its events are dead letters; the next batch is delivered."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(batch: list[Tick]) -> None:
            if batch[0].number == 0:
                raise ValueError("no")
            seen.extend(numbers(batch))

        subscription = world.bus.subscribe(Tick, handler, batch=3)
        burst(world, 5)
        await world.bus.settled()
        assert seen == [3, 4]
        stats = subscription.stats()
        assert (stats.failures, stats.dead_lettered, stats.delivered) == (1, 3, 2)

    play(scenario)


def test_a_throttled_handler_gets_the_latest_of_each_key() -> None:
    """The first at once, then one per interval; what is replaced meanwhile counts as coalesced."""

    async def scenario(world: World) -> None:
        kept = Kept(world)
        subscription = world.bus.subscribe(Tick, kept, throttle=10.0)
        for number in range(25):
            await world.bus.publish(Tick(symbol="AB"[number % 2], number=number))
            await world.clock.sleep(1)
        await world.bus.settled()
        at_once = [(0, 0), (1, 1), (10, 10), (11, 11), (20, 20), (21, 21)]
        assert kept.calls == [*at_once, (30, 24), (31, 23)]
        stats = subscription.stats()
        assert (stats.delivered, stats.coalesced) == (8, 17)

    play(scenario)


def test_throttling_keeps_types_apart() -> None:
    """A trade in BTC does not replace an order in BTC."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def handler(event: Any) -> None:
            seen.append(event)

        world.bus.subscribe("*", handler, throttle=10.0)
        for number in range(3):
            world.bus.publish_nowait(Tick(number=number))
            world.bus.publish_nowait(Order(number=number))
            world.bus.publish_nowait(Note(text=str(number)))
        await world.bus.settled()
        assert seen == [Tick(number=2), Order(number=2), Note(text="2")]

    play(scenario)


def test_critical_events_are_never_throttled() -> None:
    """Each one arrives at once, also between throttled ones of its key."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def handler(event: Any) -> None:
            seen.append((world.seconds(), type(event), event.number))

        world.bus.subscribe(Market, handler, throttle=10.0)
        for number in range(3):
            world.bus.publish_nowait(Tick(number=number))
            world.bus.publish_nowait(Alarm(number=number))
            await turns()
        await world.bus.settled()
        assert seen == [
            (0, Alarm, 0),
            (0, Tick, 0),
            (0, Alarm, 1),
            (0, Alarm, 2),
            (10, Tick, 2),
        ]

    play(scenario)


@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.floats(0, 3), st.sampled_from([Tick, Order, Alarm])),
        max_size=40,
    )
)
def test_throttling_never_delivers_too_often_nor_loses_the_last(
    steps: list[tuple[str, float, type[Tick]]],
) -> None:
    """Per type and key: at least the interval apart, in order, the last one always; critical ones
    all of them."""

    async def scenario(world: World) -> list[tuple[float, Any]]:
        seen: list[tuple[float, Any]] = []

        async def handler(event: Any) -> None:
            seen.append((world.seconds(), event))

        world.bus.subscribe(Market, handler, throttle=2.0)
        for number, (symbol, pause, kind) in enumerate(steps):
            world.bus.publish_nowait(kind(symbol=symbol, number=number))
            await world.clock.sleep(pause)
        await world.bus.settled()
        return seen

    seen = play(scenario)
    published = [kind(symbol=key, number=place) for place, (key, _, kind) in enumerate(steps)]
    for kind in (Tick, Order, Alarm):
        for key in "ABC":
            mine = [(at, one) for at, one in seen if type(one) is kind and one.symbol == key]
            sent = [one for one in published if type(one) is kind and one.symbol == key]
            got = numbers([one for _, one in mine])
            assert got == sorted(set(got))
            assert got[-1:] == numbers(sent)[-1:]
            if kind is Alarm:
                assert got == numbers(sent)
            else:
                times = [at for at, _ in mine]
                assert all(later - at >= 2.0 - 1e-6 for at, later in pairwise(times))


class Busy:
    """A handler that takes a second and knows how many of it run."""

    def __init__(self) -> None:
        self.running: dict[str, int] = {}
        self.most = 0
        self.order: dict[str, list[int]] = {}

    async def __call__(self, tick: Tick) -> None:
        """Run for a while; never two of one key at a time."""
        key = tick.symbol
        assert self.running.get(key, 0) == 0
        self.running[key] = 1
        self.most = max(self.most, sum(self.running.values()))
        await asyncio.sleep(1 + tick.number % 3)
        self.order.setdefault(key, []).append(tick.number)
        self.running[key] = 0


@given(st.integers(2, 5), st.lists(st.sampled_from("ABCDEFG"), max_size=40), st.integers(1, 8))
def test_concurrent_handlers_keep_the_order_of_each_key(
    concurrency: int, keys: list[str], capacity: int
) -> None:
    """Never more than asked for at a time, never two of a key, and nothing is lost; the bus
    notices when the last one has finished."""

    async def scenario(world: World) -> None:
        busy = Busy()
        subscription = world.bus.subscribe(
            Tick, busy, concurrency=concurrency, delivery="lossless", capacity=capacity
        )
        for number, key in enumerate(keys):
            await world.bus.publish(Tick(symbol=key, number=number))
        await world.bus.settled()
        assert busy.most <= concurrency
        assert busy.most >= min(concurrency, len(set(keys)), len(keys), 1)
        for key in set(keys):
            assert busy.order[key] == [place for place, one in enumerate(keys) if one == key]
        assert subscription.stats().delivered == len(keys)

    play(scenario)


def test_concurrency_makes_it_faster() -> None:
    """Twelve seconds of work by four at a time take three."""

    async def scenario(world: World) -> None:
        async def handler(_: Tick) -> None:
            await asyncio.sleep(1)

        world.bus.subscribe(Tick, handler, concurrency=4)
        for number in range(12):
            await world.bus.publish(Tick(symbol=str(number)))
        await world.bus.settled()
        assert world.seconds() == 3

    play(scenario)


def test_events_without_a_key_do_not_wait_for_one_another() -> None:
    """Only a key makes an order."""

    async def scenario(world: World) -> None:
        async def handler(_: Note) -> None:
            await asyncio.sleep(1)

        world.bus.subscribe(Note, handler, concurrency=4)
        for number in range(4):
            await world.bus.publish(Note(text=str(number)))
        await world.bus.settled()
        assert world.seconds() == 1

    play(scenario)


def test_a_failing_concurrent_handler_fails_alone() -> None:
    """The others finish, the next of its key is called, and every event is accounted for."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(tick: Tick) -> None:
            await asyncio.sleep(1)
            if tick.number == 1:
                raise SystemExit(1)
            if tick.number == 2:
                raise asyncio.CancelledError
            seen.append(tick.number)

        subscription = world.bus.subscribe(Tick, handler, concurrency=3)
        for number in range(8):
            await world.bus.publish(Tick(symbol=str(number % 3), number=number))
        await world.bus.settled()
        assert sorted(seen) == [0, 3, 4, 5, 6, 7]
        stats = subscription.stats()
        assert (stats.delivered, stats.dead_lettered) == (6, 2)

    play(scenario)


def test_closing_a_concurrent_subscription_cancels_its_handlers() -> None:
    """None of them outlives it, and what they had not finished is abandoned."""

    async def scenario(world: World) -> None:
        ended: list[str] = []

        async def handler(tick: Tick) -> None:
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                ended.append(tick.symbol)
                raise

        subscription = world.bus.subscribe(Tick, handler, concurrency=3)
        for number in range(20):
            await world.bus.publish(Tick(symbol=str(number)))
        await turns()
        subscription.close()
        await turns()
        assert sorted(ended) == ["0", "1", "2"]
        assert subscription.stats().abandoned == 20

    play(scenario)
