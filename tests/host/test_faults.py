"""Handlers that misbehave, each beside healthy neighbours that must not notice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus.bus.delivery import Retry
from hookbus.clock import Clock, SimulatedClock, SystemClock
from hookbus.operational import HandlerFailed

from tests.host.bussing import Order, Tick, World, play, turns

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "envelope": {"envelope": True},
    "retry": {"retry": Retry()},
    "timeout": {"timeout": 10.0**6},
    "batch": {"batch": 1},
    "throttle": {"throttle": 0.001},
    "concurrency": {"concurrency": 2},
}
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())


class Neighbours:
    """Three healthy subscriptions, two of them on the same ring as everybody else."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: list[list[Any]] = [[], [], []]
        for place, wanted in enumerate((Tick, Tick, "test.*")):
            world.plugin(f"healthy{place}").subscribe(wanted, self.keeper(place))  # type: ignore[arg-type]

    def keeper(self, place: int) -> Any:
        """A handler that keeps the ticks."""

        async def keep(event: Any) -> None:
            if isinstance(event, Tick):
                self.seen[place].append(event.number)

        return keep

    def check(self, count: int) -> None:
        """Check that each of them got every tick, in order."""
        assert self.seen == [list(range(count))] * 3


async def publish_all(world: World, count: int, start: int = 0) -> None:
    """Publish numbered ticks with different keys."""
    for number in range(start, start + count):
        await world.bus.publish(Tick(symbol=str(number), number=number))


@every_option
def test_a_handler_that_hangs_holds_up_no_neighbour(options: dict[str, Any]) -> None:
    """They get everything at once, and the end of the host does not wait for it."""

    async def scenario(world: World) -> None:
        async def hanging(_: Any) -> None:
            await asyncio.Event().wait()

        neighbours = Neighbours(world)
        subscription = world.bus.subscribe(Tick, hanging, **options)
        await publish_all(world, 50)
        await turns()
        neighbours.check(50)
        assert world.seconds() == 0
        assert subscription.stats().pending == 50

    play(scenario)


@every_option
def test_a_handler_that_is_ten_times_too_slow_holds_up_no_neighbour(
    options: dict[str, Any],
) -> None:
    """It falls behind and loses the oldest events, and its ring is all the memory it costs."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def slow(_: Any) -> None:
            await asyncio.sleep(1)
            seen.append(1)

        neighbours = Neighbours(world)
        world.bus.subscribe("test.tick", slow, capacity=8, **options)
        for number in range(100):
            await publish_all(world, 1, start=number)
            await world.clock.sleep(0.1)
        neighbours.check(100)
        ring = next(one for key, one in world.events.channels.items() if key[0].patterns)
        assert len(ring.buffer) <= 1024
        await world.bus.settled()

    play(scenario)


def test_a_handler_that_publishes_without_end_lets_the_others_live() -> None:
    """`while True: await bus.publish(...)` starves nobody, and ends when it is closed."""

    async def scenario(world: World) -> None:
        others: list[Any] = []

        async def endless(_: Tick) -> None:
            while True:
                await world.bus.publish(Order())

        neighbours = Neighbours(world)
        subscription = world.bus.subscribe(Tick, endless)
        world.bus.subscribe(Order, others.append, mode="inline")
        await world.bus.publish(Tick(number=0))
        for number in range(1, 20):
            await world.bus.publish(Tick(number=number))
            await turns(3)
        subscription.close()
        await world.bus.settled()
        neighbours.check(20)
        assert len(others) > 256

    play(scenario)


@every_option
def test_a_chain_without_end_is_cut_and_holds_up_nobody(options: dict[str, Any]) -> None:
    """Handlers that answer every event with the same event come to an end by themselves."""

    async def scenario(world: World) -> None:
        count = [0]

        async def answer(_: Any) -> None:
            count[0] += 1
            await world.bus.publish(Order())

        neighbours = Neighbours(world)
        world.bus.subscribe((Tick, Order), answer, name="loop", **options)
        await publish_all(world, 3)
        await world.bus.settled()
        neighbours.check(3)
        assert world.events.ledger.report().cut == 3 or "throttle" in options
        assert count[0] <= 3 * 33

    play(scenario, max_depth=32)


@every_option
@pytest.mark.parametrize("how", ["subscription", "bus", "nothing"])
@pytest.mark.parametrize("clock", [SimulatedClock, SystemClock])
def test_a_handler_that_swallows_its_cancellation_does_not_hold_up_the_end(
    options: dict[str, Any], how: str, clock: type[Clock]
) -> None:
    """Whether it was closed before, with the bus, or not at all; and nothing complains."""

    async def scenario(world: World) -> None:
        refused: list[int] = []

        async def stubborn(_: Any) -> None:
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    refused.append(1)

        neighbours = Neighbours(world)
        subscription = world.bus.subscribe(Tick, stubborn, **options)
        await publish_all(world, 3)
        await turns()
        if how == "subscription":
            subscription.close()
        if how == "bus":
            world.events.close()
        await turns()
        assert len(refused) >= (how != "nothing")
        neighbours.check(3)
        if how == "subscription":
            await publish_all(world, 2, start=3)
            await world.bus.settled()
            neighbours.check(5)

    play(scenario, clock=clock())


@every_option
def test_closing_inside_the_handler_ends_the_subscription_there(options: dict[str, Any]) -> None:
    """It gets nothing more, its last event counts as handled, and the neighbours get everything."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def once(argument: Any) -> None:
            seen.append(argument)
            subscription.close()

        neighbours = Neighbours(world)
        subscription = world.bus.subscribe(Tick, once, name="once", **options)
        await publish_all(world, 10)
        await turns()
        await publish_all(world, 10, start=10)
        await world.bus.settled()
        neighbours.check(20)
        assert len(seen) == 1
        stats = subscription.stats()
        assert (stats.delivered, stats.abandoned) == (1, 9)
        (kept,) = (one for one in world.events.ledger.report().accounts if one.name == "once")
        assert (kept.delivered, kept.abandoned) == (1, 9)

    play(scenario)


@every_option
def test_a_handler_that_is_closed_while_it_cleans_up_gets_nothing_more(
    options: dict[str, Any],
) -> None:
    """One that swallows its cancellation and returns is not called again."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def tidy(argument: Any) -> None:
            seen.append(argument)
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                await asyncio.sleep(0.1)

        subscription = world.bus.subscribe(Tick, tidy, **options)
        await publish_all(world, 10)
        await turns()
        running = len(seen)
        subscription.close()
        await world.clock.sleep(5)
        assert len(seen) == running

    play(scenario)


@every_option
def test_a_handler_that_cancels_its_own_task_is_noticed(options: dict[str, Any]) -> None:
    """Whatever becomes of the subscription, publishers are not held, and the bus settles."""

    async def scenario(world: World) -> None:
        async def suicidal(_: Any) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

        neighbours = Neighbours(world)
        subscription = world.bus.subscribe(
            Tick, suicidal, delivery="lossless", capacity=2, **options
        )
        await publish_all(world, 20)
        await world.bus.settled()
        neighbours.check(20)
        stats = subscription.stats()
        assert stats.dead_lettered + stats.abandoned == stats.matched > 0
        assert len(world.log.entries) > 0
        assert world.seconds() < 5

    play(scenario)


class Odd(BaseException):
    """What no library should define."""


@every_option
def test_an_exception_that_is_no_exception_is_noticed(options: dict[str, Any]) -> None:
    """A class of its own below `BaseException` ends the subscription, loudly, and nothing else."""

    async def scenario(world: World) -> None:
        async def odd(_: Any) -> None:
            raise Odd("odd")

        neighbours = Neighbours(world)
        subscription = world.bus.subscribe(Tick, odd, delivery="lossless", capacity=2, **options)
        await publish_all(world, 20)
        await world.bus.settled()
        neighbours.check(20)
        stats = subscription.stats()
        assert stats.dead_lettered + stats.abandoned == stats.matched > 0
        assert any("Odd" in str(entry) for entry in world.log.entries)
        await turns()
        world.complaints.clear()

    play(scenario)


@every_option
def test_a_handler_that_returns_something_is_no_problem(options: dict[str, Any]) -> None:
    """What it returns is nobody's business."""

    async def scenario(world: World) -> None:
        async def chatty(_: Any) -> str:
            return "done"

        world.hear()
        subscription = world.bus.subscribe(Tick, chatty, **options)
        await publish_all(world, 5)
        await world.bus.settled()
        assert subscription.stats().delivered == 5
        assert world.heard(HandlerFailed) == []

    play(scenario)


@pytest.mark.parametrize("options", [{}, {"retry": Retry(attempts=1)}], ids=str)
def test_a_plain_function_that_returns_a_coroutine_has_failed(options: dict[str, Any]) -> None:
    """A lambda around an async function would lose every event silently."""

    async def scenario(world: World) -> None:
        async def handler(_: Tick) -> None:
            raise AssertionError("nobody awaits this")

        world.hear()
        world.bus.subscribe(Tick, lambda tick: handler(tick), **options)
        await publish_all(world, 2)
        await world.bus.settled()
        failed = world.heard(HandlerFailed)
        assert len(failed) == 2
        assert "returned a coroutine" in failed[0].error
        assert "async def" in failed[0].error

    play(scenario)


def test_order_survives_all_of_it() -> None:
    """A subscriber to everything among failing, slow and hanging ones sees the publish order."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def keep(tick: Tick) -> None:
            seen.append(tick.number)

        async def failing(tick: Tick) -> None:
            await asyncio.sleep(0)
            raise SystemExit(tick.number)

        async def slow(_: Tick) -> None:
            await asyncio.sleep(1)

        world.bus.subscribe(Tick, failing)
        world.bus.subscribe(Tick, slow, delivery="lossless", capacity=4)
        world.bus.subscribe(Tick, keep)
        await publish_all(world, 100)
        await world.bus.settled()
        assert seen == list(range(100))

    play(scenario)
