"""Publishing: what it returns, what it raises, and what handlers can never do to a publisher."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from hookbus.bus.eventbus import YIELD_EVERY
from hookbus.envelope import Envelope
from hookbus.errors import BusClosed, DuplicateEventType, UsageError
from hookbus.events import Event
from hookbus.operational import EventDeadLettered, HandlerFailed

from tests.host.bussing import (
    MODES,
    Alarm,
    Market,
    Note,
    Order,
    Tick,
    World,
    handler_for,
    numbers,
    play,
    turns,
)

FAILING = [
    ValueError("broken"),
    SystemExit(3),
    asyncio.CancelledError(),
    BaseExceptionGroup("several", [SystemExit(1), ValueError("x")]),
    StopIteration(),
    RecursionError(),
]


def test_publishing_says_how_many_subscriptions_matched() -> None:
    """Of every mode, streams and watches included; nobody listening is no error."""

    async def scenario(world: World) -> None:
        assert await world.bus.publish(Tick()) == 0
        assert world.bus.publish_nowait(Tick()) == 0
        for mode in MODES:
            world.bus.subscribe(Market, handler_for(mode, lambda _: None), mode=mode)
            world.bus.subscribe(Tick, handler_for(mode, lambda _: None), mode=mode)
        world.bus.subscribe(Tick, print, where="number > 5")
        world.bus.stream(Tick)
        world.bus.watch("*")
        assert await world.bus.publish(Tick()) == 8
        assert world.bus.publish_nowait(Order()) == 4
        assert await world.bus.publish(Note()) == 1

    play(scenario)


@pytest.mark.parametrize("how", ["publish", "publish_nowait"])
@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("text", r"builtins\.str is no hookbus\.Event"),
        (None, r"NoneType is no hookbus\.Event"),
        (Tick, r"is no hookbus\.Event"),
        (Market(), r"Market is an abstract base; give its class line a type="),
        (Event(), r"Event is an abstract base"),
    ],
)
def test_what_is_no_publishable_event_is_refused(how: str, event: Any, message: str) -> None:
    """With an error that names it; the books know nothing of it."""

    async def scenario(world: World) -> None:
        world.bus.subscribe("*", print, mode="inline")
        publish: Any = {"publish": world.bus.publish, "publish_nowait": world.bus.publish_nowait}[
            how
        ]
        with pytest.raises(UsageError, match=message):
            await publish(event)
        assert world.events.ledger.report().published == 0

    play(scenario)


def test_a_second_class_with_the_same_wire_name_cannot_be_published() -> None:
    """The error names both classes and both plugins; the first one goes on."""

    class Other(Event, type="test.tick"):
        pass

    async def scenario(world: World) -> None:
        await world.plugin("one").publish(Tick())
        with pytest.raises(DuplicateEventType) as caught:
            await world.plugin("two").publish(Other())
        for part in ("'test.tick'", "Tick", "Other", "'one'", "'two'"):
            assert part in str(caught.value)
        await world.plugin("two").publish(Tick())

    play(scenario)


def test_nothing_can_be_published_after_the_bus_was_closed() -> None:
    """Not by any of the ways, and not by one who was giving way at that moment."""

    async def scenario(world: World) -> None:
        world.events.until_yield = 1
        giving_way = asyncio.ensure_future(world.bus.publish(Tick()))
        await asyncio.sleep(0)
        world.events.close()
        with pytest.raises(BusClosed):
            await giving_way
        with pytest.raises(BusClosed, match="the host has stopped"):
            await world.bus.publish(Tick())
        with pytest.raises(BusClosed):
            world.bus.publish_nowait(Tick())
        with pytest.raises(BusClosed):
            await asyncio.wrap_future(world.bus.publish_threadsafe(Tick()))
        assert world.events.ledger.report().published == 0

    play(scenario)


def test_a_publisher_without_end_lets_the_others_run() -> None:
    """`while True: await bus.publish(event)` gives way now and then by itself."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def handler(tick: Tick) -> None:
            seen.append(tick)

        async def endless() -> None:
            while True:
                await world.bus.publish(Tick())

        world.bus.subscribe(Tick, handler)
        publisher = asyncio.ensure_future(endless())
        await turns(10)
        assert len(seen) >= YIELD_EVERY
        publisher.cancel()
        await asyncio.wait({publisher})
        await world.bus.settled()

    play(scenario)


def test_the_order_of_publishing_is_the_order_of_arrival() -> None:
    """For every subscription, over all the types that it wants and all who publish."""

    async def scenario(world: World) -> None:
        envelopes: dict[str, list[Envelope]] = {mode: [] for mode in MODES}
        for mode in MODES:
            handler = handler_for(mode, envelopes[mode].append)
            world.bus.subscribe("*", handler, mode=mode, envelope=True)

        async def publisher(name: str) -> None:
            bus = world.plugin(name)
            for number in range(30):
                await bus.publish((Tick, Order, Alarm)[number % 3](number=number))
                await asyncio.sleep(0)

        await asyncio.gather(publisher("one"), publisher("two"))
        await world.bus.settled()
        for mode in MODES:
            assert [one.sequence for one in envelopes[mode]] == list(range(1, 61))

    play(scenario)


@pytest.mark.parametrize("error", FAILING, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("where", [None, "number >= 0"])
def test_a_failing_handler_disturbs_nobody(
    error: BaseException, mode: str, where: str | None
) -> None:
    """Neither the publisher nor its neighbours; it is called for the next event, and the failure
    is counted, logged with its envelope, and published."""

    async def scenario(world: World) -> None:
        beside: list[Any] = []
        seen: list[Any] = []

        def fail(tick: Tick) -> None:
            seen.append(tick)
            if tick.number == 1:
                raise error

        world.bus.subscribe(Tick, handler_for(mode, beside.append), mode=mode, name="before")
        failing = world.bus.subscribe(
            Tick, handler_for(mode, fail), mode=mode, name="failing", where=where
        )
        world.bus.subscribe(Tick, handler_for(mode, beside.append), mode=mode, name="after")
        world.hear()
        for number in range(3):
            assert await world.bus.publish(Tick(number=number)) == 3
        await world.bus.settled()
        assert numbers(seen) == [0, 1, 2]
        assert len(beside) == 6
        stats = failing.stats()
        assert (stats.delivered, stats.failures, stats.dead_lettered) == (2, 1, 1)
        (failed,) = world.heard(HandlerFailed)
        assert failed.subscription == "failing"
        assert failed.plugin == "plugin"
        assert failed.event_type == "test.tick"
        assert (failed.attempt, failed.will_retry) == (1, False)
        (letter,) = world.heard(EventDeadLettered)
        assert letter.envelope["data"]["number"] == 1
        assert letter.envelope["id"] == failed.event_id
        (entry,) = (entry for entry in world.log.entries if entry["event"] == "handler failed")
        assert entry["event_id"] == failed.event_id
        assert entry["subscription"] == "failing"
        assert isinstance(entry["exc_info"], BaseException)

    play(scenario)


def test_an_inline_handler_runs_inside_publish() -> None:
    """Before publishing returns, in the order of the subscriptions."""

    async def scenario(world: World) -> None:
        story: list[str] = []
        world.bus.subscribe(Tick, lambda _: story.append("first"), mode="inline")
        world.bus.subscribe(Tick, lambda _: story.append("second"), mode="inline")
        world.bus.publish_nowait(Tick())
        story.append("published")
        assert story == ["first", "second", "published"]

    play(scenario)


def test_publish_nowait_belongs_on_the_loops_thread() -> None:
    """Another thread gets an error that says what to use instead, and publishes nothing."""

    async def scenario(world: World) -> None:
        def elsewhere() -> None:
            world.bus.publish_nowait(Tick())

        with pytest.raises(UsageError, match="use publish_threadsafe there"):
            await asyncio.get_running_loop().run_in_executor(None, elsewhere)
        assert world.events.ledger.report().published == 0

    play(scenario)


def test_threads_publish_in_the_order_of_their_calls() -> None:
    """And get what `publish` returns, although a lossless subscriber makes them wait."""

    async def scenario(world: World) -> None:
        seen: list[Tick] = []

        async def slow(tick: Tick) -> None:
            await asyncio.sleep(0)
            seen.append(tick)

        world.bus.subscribe(Tick, slow, delivery="lossless", capacity=2)

        def elsewhere() -> list[int]:
            futures = [world.bus.publish_threadsafe(Tick(number=number)) for number in range(50)]
            return [future.result(30) for future in futures]

        results = await asyncio.get_running_loop().run_in_executor(None, elsewhere)
        await world.bus.settled()
        assert results == [1] * 50
        assert numbers(seen) == list(range(50))

    play(scenario)


def test_a_thread_gets_the_errors_of_publish() -> None:
    """Raised by the future's result, in the thread."""

    async def scenario(world: World) -> None:
        def elsewhere() -> None:
            world.bus.publish_threadsafe(Market()).result(30)

        with pytest.raises(UsageError, match="abstract base"):
            await asyncio.get_running_loop().run_in_executor(None, elsewhere)

    play(scenario)


def test_a_thread_may_take_back_what_was_not_published_yet() -> None:
    """A future that is cancelled in time is not published, and disturbs nobody."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []
        world.bus.subscribe(Tick, seen.append, mode="inline")
        futures = [world.bus.publish_threadsafe(Tick(number=number)) for number in range(3)]
        assert futures[1].cancel()
        await turns()
        assert not futures[0].cancel()
        assert [future.done() for future in futures] == [True] * 3
        assert numbers(seen) == [0, 2]

    play(scenario)


@pytest.mark.parametrize("how", ["bus", "tasks", "loop"])
def test_no_thread_waits_for_ever_at_the_end(how: str) -> None:
    """However the run ends, a thread's future is answered with `BusClosed`."""
    futures: list[Any] = []

    async def scenario(world: World) -> None:
        async def hanging(_: Tick) -> None:
            await asyncio.Event().wait()

        bus = world.bus
        bus.subscribe(Tick, hanging, delivery="lossless", capacity=1)
        futures.extend(bus.publish_threadsafe(Tick()) for _ in range(5))
        await turns()
        futures.append(bus.publish_threadsafe(Tick()))
        worlds.append(world)
        if how == "bus":
            world.events.close()
            await turns()
        if how == "tasks":
            for task in world.bus.tasks:
                task.cancel()
            await turns()

    worlds: list[World] = []
    play(scenario)
    futures.append(worlds[0].bus.publish_threadsafe(Tick()))
    assert all(future.done() for future in futures)
    errors = [type(future.exception()) for future in futures if future.exception() is not None]
    assert errors == [BusClosed] * len(errors)
    assert len(errors) >= 4


def test_many_threads_publish_at_once() -> None:
    """Nothing is lost, each thread's order is kept, and the books balance."""

    async def scenario(world: World) -> None:
        seen: list[Note] = []
        world.bus.subscribe(Note, seen.append, mode="inline")
        loop = asyncio.get_running_loop()
        start = threading.Barrier(4)

        def elsewhere(name: str) -> None:
            start.wait(30)
            futures = [
                world.bus.publish_threadsafe(Note(text=f"{name}{number}")) for number in range(100)
            ]
            assert all(future.result(30) == 1 for future in futures)

        await asyncio.gather(*(loop.run_in_executor(None, elsewhere, name) for name in "abcd"))
        for name in "abcd":
            mine = [note.text for note in seen if note.text.startswith(name)]
            assert mine == [f"{name}{number}" for number in range(100)]
        assert len(seen) == 400

    play(scenario)
