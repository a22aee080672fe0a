"""Causality: what a handler publishes names the event that it handles, wherever it publishes."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from hookbus.bus.delivery import Retry
from hookbus.clock import SystemClock
from hookbus.envelope import Envelope, Lagged
from hookbus.operational import EventLoopCut, HandlerFailed

from tests.host.bussing import Note, Order, Tick, World, play, turns

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "envelope": {"envelope": True},
    "lossless": {"delivery": "lossless", "capacity": 1},
    "retry": {"retry": Retry()},
    "timeout": {"timeout": 60.0},
    "batch": {"batch": 1},
    "throttle": {"throttle": 0.001},
    "concurrency": {"concurrency": 3},
    "concurrency and timeout": {"concurrency": 3, "timeout": 60.0},
}

Publish = Callable[[World, int], Awaitable[Any]]


async def directly(world: World, number: int) -> None:
    """Publish in the handler itself, after a pause."""
    await asyncio.sleep(0.01)
    await world.bus.publish(Order(number=number))


async def without_waiting(world: World, number: int) -> None:
    """Publish with `publish_nowait`."""
    world.bus.publish_nowait(Order(number=number))


async def in_a_child(world: World, number: int) -> None:
    """Publish in a task that the handler waits for."""
    await asyncio.wait_for(directly(world, number), 10)


async def in_a_group(world: World, number: int) -> None:
    """Publish in a task group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(directly(world, number))


async def in_a_task_left_behind(world: World, number: int) -> None:
    """Publish in a task that goes on when the handler has moved on to later events."""

    async def later() -> None:
        await asyncio.sleep(1 + number)
        await world.bus.publish(Order(number=number))

    KEEP.append(asyncio.ensure_future(later()))


async def in_a_grandchild(world: World, number: int) -> None:
    """Publish in a task that a task started."""

    async def child() -> None:
        await asyncio.sleep(1)
        await in_a_task_left_behind(world, number)

    KEEP.append(asyncio.ensure_future(child()))


async def in_a_task_with_a_context(world: World, number: int) -> None:
    """Publish in a task that is given a copy of the handler's context."""

    async def later() -> None:
        await asyncio.sleep(1 + number)
        await world.bus.publish(Order(number=number))

    context = contextvars.copy_context()
    KEEP.append(asyncio.get_running_loop().create_task(later(), context=context))


async def from_a_thread(world: World, number: int) -> None:
    """Publish from a thread that the handler waits for."""
    await asyncio.to_thread(lambda: world.bus.publish_threadsafe(Order(number=number)))
    await turns()


KEEP: list[Any] = []

WAYS: list[Publish] = [
    directly,
    without_waiting,
    in_a_child,
    in_a_group,
    in_a_task_left_behind,
    in_a_grandchild,
    in_a_task_with_a_context,
    from_a_thread,
]


def event_of(argument: Any) -> Any:
    """The event that a handler was given, alone, in an envelope or in a batch."""
    one = argument[0] if isinstance(argument, list) else argument
    return one.event if isinstance(one, Envelope) else one


def check_family(root: Envelope, child: Envelope) -> None:
    """Check that `child` was caused by `root`, which nothing caused."""
    assert root.causation_id is None
    assert root.correlation_id == root.id
    assert root.depth == 0
    assert child.causation_id == root.id
    assert child.correlation_id == root.id
    assert child.depth == 1


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_is_published_while_handling_names_its_cause(
    way: Publish, options: dict[str, Any]
) -> None:
    """With every policy and wherever the publishing happens, for several events on their way."""

    async def scenario(world: World) -> None:
        roots: dict[int, Envelope] = {}
        children: dict[int, Envelope] = {}

        def note(envelope: Envelope) -> None:
            kept = roots if isinstance(envelope.event, Tick) else children
            kept[getattr(envelope.event, "number", -1)] = envelope

        async def handler(argument: Any) -> None:
            await way(world, event_of(argument).number)

        world.bus.subscribe((Tick, Order), note, mode="inline", envelope=True)
        world.bus.subscribe(Tick, handler, name="handler", **options)
        for number in range(4):
            await world.bus.publish(Tick(symbol=str(number), number=number))
        await world.bus.settled()
        await world.clock.sleep(20)
        assert sorted(children) == sorted(roots) == [0, 1, 2, 3]
        for number in range(4):
            check_family(roots[number], children[number])

    play(scenario)
    KEEP.clear()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_a_timer_of_a_handler_names_no_wrong_cause(options: dict[str, Any]) -> None:
    """What a callback publishes while later events are in hand is a root, or caused by its own."""

    async def scenario(world: World) -> None:
        ids: dict[int, str] = {}
        children: list[Envelope] = []

        async def handler(argument: Any) -> None:
            publish = partial(world.bus.publish_nowait, Order(number=event_of(argument).number))
            asyncio.get_running_loop().call_later(1, publish)
            await asyncio.sleep(0.6)

        world.bus.subscribe(Order, children.append, mode="inline", envelope=True)
        world.bus.subscribe(Tick, handler, **options)
        for number in range(4):
            await world.bus.publish(Tick(symbol=str(number), number=number))
            ids[number] = f"run-{world.events.sequence}"
        await world.bus.settled()
        await world.clock.sleep(20)
        assert len(children) == 4
        for child in children:
            assert child.causation_id in (None, ids[event_of(child).number])

    play(scenario)


@pytest.mark.parametrize("options", [{}, {"retry": Retry()}, {"batch": 1}], ids=str)
@pytest.mark.parametrize("wait", [True, False])
def test_handlers_in_threads_name_their_cause(options: dict[str, Any], wait: bool) -> None:
    """With real threads, whether the handler waits for its publishing or not."""

    async def scenario(world: World) -> None:
        roots: dict[int, Envelope] = {}
        children: dict[int, Envelope] = {}
        futures: list[Any] = []

        def note(envelope: Envelope) -> None:
            kept = roots if isinstance(envelope.event, Tick) else children
            kept[getattr(envelope.event, "number", -1)] = envelope

        def handler(argument: Any) -> None:
            tick = argument[0] if isinstance(argument, list) else argument
            future = world.bus.publish_threadsafe(Order(number=tick.number))
            futures.append(future)
            if wait:
                future.result(30)

        world.bus.subscribe((Tick, Order), note, mode="inline", envelope=True)
        world.bus.subscribe(Tick, handler, **options)
        for number in range(50):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        for future in futures:
            await asyncio.wrap_future(future)
        assert sorted(children) == list(range(50))
        for number in range(50):
            check_family(roots[number], children[number])

    play(scenario, clock=SystemClock())


def test_an_inline_handler_names_its_cause_and_the_publisher_keeps_its_own() -> None:
    """After publishing, and after a handler that raised, the publisher's cause is as before."""

    async def scenario(world: World) -> None:
        seen: list[Envelope] = []

        def echo(envelope: Envelope) -> None:
            world.bus.publish_nowait(Note(text="echo"))
            raise ValueError("echo")

        async def handler(_: Tick) -> None:
            await world.bus.publish(Order(number=1))
            await world.bus.publish(Order(number=2))

        world.bus.subscribe("*.*", seen.append, mode="inline", envelope=True)
        world.bus.subscribe(Order, echo, mode="inline", envelope=True)
        world.bus.subscribe(Order, echo, mode="inline", envelope=True, where="number > 0")
        world.bus.subscribe(Tick, handler)
        await world.bus.publish(Tick())
        await world.bus.settled()
        by_id = {envelope.id: envelope for envelope in seen}
        for envelope in seen:
            assert envelope.correlation_id == "run-1"
            cause = by_id.get(envelope.causation_id or "")
            if isinstance(envelope.event, Order):
                assert envelope.causation_id == "run-1"
            if isinstance(envelope.event, Note | HandlerFailed):
                assert cause is not None
                assert isinstance(cause.event, Order)

    play(scenario)


def test_what_nobody_handles_has_no_cause() -> None:
    """A plugin's own task, a subscription made inside a handler, and a lag told afterwards."""

    async def scenario(world: World) -> None:
        seen: list[Envelope] = []

        async def late(_: Note) -> None:
            await world.bus.publish(Order(number=7))

        async def handler(tick: Tick) -> None:
            if tick.number == 0:
                world.bus.subscribe(Note, late, name="late")

        async def told(_: Lagged) -> None:
            await world.bus.publish(Order(number=8))

        world.bus.subscribe((Order, Note), seen.append, mode="inline", envelope=True)
        world.bus.subscribe(Tick, handler, capacity=1, on_lagged=told)
        await world.bus.publish(Tick())
        await world.bus.settled()
        await world.bus.publish(Note())
        await world.bus.settled()
        world.bus.publish_nowait(Tick(number=1))
        world.bus.publish_nowait(Tick(number=2))
        await world.bus.settled()
        note, order, lag = seen
        check_family(note, order)
        assert lag.causation_id is None

    play(scenario)


def test_causes_are_named_again_after_a_lag() -> None:
    """Telling of a lag does not make the subscription forget."""

    async def scenario(world: World) -> None:
        seen: list[Envelope] = []

        async def handler(tick: Tick) -> None:
            await world.bus.publish(Order(number=tick.number))

        world.bus.subscribe(Order, seen.append, mode="inline", envelope=True)
        world.bus.subscribe(Tick, handler, capacity=2, on_lagged=lambda _: None)
        for _ in range(3):
            for number in range(5):
                world.bus.publish_nowait(Tick(number=number))
            await world.bus.settled()
        assert len(seen) == 6
        assert all(envelope.depth == 1 for envelope in seen)

    play(scenario)


def test_of_a_batch_the_last_event_is_the_cause() -> None:
    """A batch is handled as one; its latest event stands for it."""

    async def scenario(world: World) -> None:
        seen: list[Envelope] = []

        async def handler(batch: list[Tick]) -> None:
            await world.bus.publish(Order(number=len(batch)))

        world.bus.subscribe(Order, seen.append, mode="inline", envelope=True)
        world.bus.subscribe(Tick, handler, batch=3)
        for number in range(3):
            world.bus.publish_nowait(Tick(number=number))
        await world.bus.settled()
        assert [envelope.causation_id for envelope in seen] == ["run-3"]

    play(scenario)


def test_failures_are_caused_by_the_event_that_failed() -> None:
    """The report of a failure carries the correlation of its event."""

    async def scenario(world: World) -> None:
        seen: list[Envelope] = []

        async def handler(tick: Tick) -> None:
            raise ValueError(tick.number)

        world.bus.subscribe("hookbus.*", seen.append, mode="inline", envelope=True)
        world.bus.subscribe(Tick, handler)
        await world.bus.publish(Tick())
        await world.bus.settled()
        assert [envelope.type for envelope in seen] == [
            "hookbus.handler.failed",
            "hookbus.event.dead-lettered",
        ]
        assert [envelope.causation_id for envelope in seen] == ["run-1", "run-1"]
        assert [envelope.source for envelope in seen] == ["hookbus", "hookbus"]

    play(scenario)


@pytest.mark.parametrize("mode", ["task", "thread", "inline"])
def test_a_chain_that_is_too_deep_is_cut_with_an_error_event(mode: str) -> None:
    """The next event of it is not published; who, what, how deep and since when is told."""

    async def scenario(world: World) -> None:
        world.hear()
        seen: list[int] = []

        def again(tick: Tick) -> None:
            seen.append(tick.number)
            world.plugin("looper").publish_nowait(Tick(number=tick.number + 1))

        async def handler(tick: Tick) -> None:
            again(tick)

        world.bus.subscribe(Tick, handler if mode == "task" else again, mode=mode)
        await world.bus.publish(Tick(number=0))
        await world.bus.settled()
        assert seen == list(range(11))
        assert world.heard(EventLoopCut) == [
            EventLoopCut(plugin="looper", event_type="test.tick", depth=10, correlation="run-1")
        ]
        assert world.events.ledger.report().cut == 1
        assert "event loop cut" in world.log.texts()

    play(scenario, max_depth=10)


def test_a_subscriber_to_everything_that_always_publishes_comes_to_an_end() -> None:
    """The report of a cut does not start the same loop anew; an answer to it is still heard."""

    async def scenario(world: World) -> None:
        answers: list[Any] = []

        async def echo(_: Any) -> None:
            await world.bus.publish(Tick())

        async def alert(cut: EventLoopCut) -> None:
            await world.bus.publish(Note(text=f"cut at {cut.depth}"))

        world.bus.subscribe("*", echo)
        world.bus.subscribe(EventLoopCut, alert)
        world.bus.subscribe(Note, answers.append, mode="inline")
        await world.bus.publish(Order())
        await world.bus.settled()
        assert answers[0] == Note(text="cut at 5")
        assert len(answers) == 1

    play(scenario, max_depth=5)
