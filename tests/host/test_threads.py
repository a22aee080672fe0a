"""Plain functions as handlers, in real threads of their own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from hookbus.bus.delivery import Retry
from hookbus.clock import SystemClock
from hookbus.operational import EventDeadLettered, HandlerAbandoned

from tests.host.bussing import Order, Tick, World, numbers, play

LIMIT = 30.0
"""Real seconds after which a test gives up."""


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds up threads until the test is over."""
    gate = threading.Event()
    yield gate
    gate.set()


class Meeting:
    """A thread says that it has come somewhere, and the loop waits for it there."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.arrived = asyncio.Event()

    def arrive(self) -> None:
        """Called by the thread."""
        self.loop.call_soon_threadsafe(self.arrived.set)

    async def wait(self) -> None:
        """Called by the loop."""
        await asyncio.wait_for(self.arrived.wait(), LIMIT)


async def until(condition: Any) -> None:
    """Let things happen until a condition holds."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - what a thread does tells nobody
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("options", [{}, {"retry": Retry()}, {"batch": 3}, {"concurrency": 2}])
def test_plain_functions_run_in_a_thread_of_their_own(options: dict[str, Any]) -> None:
    """Not in the loop's, in order, and every event is accounted for."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []
        threads: set[int] = set()

        def handler(argument: Any) -> None:
            threads.add(threading.get_ident())
            seen.extend(argument if isinstance(argument, list) else [argument])

        subscription = world.bus.subscribe(Tick, handler, name="mine", **options)
        for number in range(300):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        assert numbers(seen) == list(range(300))
        assert threading.get_ident() not in threads
        assert len(threads) <= options.get("concurrency", 1)
        assert subscription.stats().delivered == 300

    play(scenario, clock=SystemClock(), limit=LIMIT)


@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(1), asyncio.CancelledError(), StopIteration()]
)
@pytest.mark.parametrize("options", [{}, {"retry": Retry(attempts=1)}, {"concurrency": 2}], ids=str)
def test_what_a_thread_raises_is_its_failure(error: BaseException, options: dict[str, Any]) -> None:
    """One dead letter, and the next event is handled; whatever it raises."""

    async def scenario(world: World) -> None:
        world.hear()
        seen: list[int] = []

        def handler(tick: Tick) -> None:
            if tick.number == 1:
                raise error
            seen.append(tick.number)

        subscription = world.bus.subscribe(Tick, handler, **options)
        for number in range(5):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        assert seen == [0, 2, 3, 4]
        assert subscription.stats().failures == 1
        (letter,) = world.heard(EventDeadLettered)
        assert letter.envelope["data"]["number"] == 1

    play(scenario, clock=SystemClock(), limit=LIMIT)


def test_a_blocked_thread_holds_up_neither_the_loop_nor_other_threads(
    gate: threading.Event,
) -> None:
    """Each subscription has a thread of its own."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        def blocked(_: Tick) -> None:
            gate.wait()

        def handler(tick: Tick) -> None:
            seen.append(tick.number)

        for place in range(10):
            world.bus.subscribe(Tick, blocked, name=f"blocked{place}")
        world.bus.subscribe(Tick, handler)
        for number in range(100):
            await world.bus.publish(Tick(number=number))
        await until(lambda: len(seen) == 100)

    play(scenario, clock=SystemClock(), limit=LIMIT)


@pytest.mark.parametrize("options", [{}, {"retry": Retry(attempts=3)}], ids=str)
def test_a_thread_that_hangs_holds_publishers_at_most_so_long(
    options: dict[str, Any], gate: threading.Event
) -> None:
    """It is left behind and replaced; its event is a dead letter, the others are handled once."""

    async def scenario(world: World) -> None:
        world.hear()
        seen: list[int] = []

        def handler(tick: Tick) -> None:
            if tick.number == 1:
                gate.wait()
                return
            seen.append(tick.number)

        world.bus.subscribe(Tick, handler, delivery="lossless", capacity=4, **options)
        for number in range(30):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        assert seen == [0, *range(2, 30)]
        (letter,) = world.heard(EventDeadLettered)
        assert letter.envelope["data"]["number"] == 1
        assert "held up publishers" in letter.reason

    play(scenario, clock=SystemClock(), limit=LIMIT, hold_limit=0.05)


def test_a_thread_that_is_only_slow_is_left_alone() -> None:
    """A slice of events that together take longer than the limit is no hanging handler."""

    async def scenario(world: World) -> None:
        world.hear()
        seen: list[int] = []
        pause = threading.Event()

        def handler(tick: Tick) -> None:
            pause.wait(0.01)
            seen.append(tick.number)

        world.bus.subscribe(Tick, handler, delivery="lossless", capacity=64)
        for number in range(150):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        assert seen == list(range(150))
        assert world.heard(EventDeadLettered) == []

    play(scenario, clock=SystemClock(), limit=LIMIT, hold_limit=0.4)


def test_a_thread_that_takes_too_long_is_left_behind(gate: threading.Event) -> None:
    """The time limit holds for plain functions as well; after several of them it is given up."""

    async def scenario(world: World) -> None:
        world.hear()

        def hanging(_: Tick) -> None:
            gate.wait()

        subscription = world.bus.subscribe(Tick, hanging, timeout=0.01, name="hanging")
        for number in range(10):
            await world.bus.publish(Tick(number=number))
        await until(lambda: subscription.closed)
        assert [one.subscription for one in world.heard(HandlerAbandoned)] == ["hanging"]
        stats = subscription.stats()
        assert stats.dead_lettered == 3
        assert stats.abandoned == 7

    play(scenario, clock=SystemClock(), limit=LIMIT)


def test_closing_stops_a_thread_after_the_event_in_hand(gate: threading.Event) -> None:
    """What of its slice was not begun is not handled any more, and what was is accounted for."""

    async def scenario(world: World) -> None:
        seen: list[int] = []
        meeting, next_one = Meeting(), threading.Event()

        def handler(tick: Tick) -> None:
            if tick.number == 3:
                meeting.arrive()
                gate.wait()
            seen.append(tick.number)
            if tick.number == 4:
                next_one.set()

        subscription = world.bus.subscribe(Tick, handler, name="threaded")
        for number in range(20):
            await world.bus.publish(Tick(number=number))
        await meeting.wait()
        subscription.close()
        gate.set()
        assert not next_one.wait(0.05)
        await until(lambda: subscription.ended)
        assert seen == [0, 1, 2, 3]
        (kept,) = (one for one in world.events.ledger.report().accounts if one.name == "threaded")
        assert kept.delivered in (3, 4)
        assert kept.abandoned == 20 - kept.delivered

    play(scenario, clock=SystemClock(), limit=LIMIT)


def test_a_thread_may_close_its_own_subscription() -> None:
    """The loop does it, and nothing more arrives afterwards."""

    async def scenario(world: World) -> None:
        seen: list[int] = []
        meeting, go_on = Meeting(), threading.Event()

        def once(tick: Tick) -> None:
            seen.append(tick.number)
            subscription.close()
            meeting.arrive()
            assert go_on.wait(LIMIT)

        subscription = world.bus.subscribe(Tick, once, name="once")
        for number in range(5):
            await world.bus.publish(Tick(number=number))
        await meeting.wait()
        await until(lambda: subscription.closed)
        go_on.set()
        await until(lambda: subscription.ended)
        assert await world.bus.publish(Tick(number=9)) == 0
        assert seen == [0]
        (kept,) = (one for one in world.events.ledger.report().accounts if one.name == "once")
        assert (kept.delivered, kept.abandoned) == (1, 4)

    play(scenario, clock=SystemClock(), limit=LIMIT)


@pytest.mark.parametrize("options", [{}, {"retry": Retry()}], ids=str)
def test_a_thread_that_waits_for_its_own_publishing_does_not_wait_for_itself(
    options: dict[str, Any],
) -> None:
    """Publishing to its own full lossless subscription grows the ring, as for async handlers."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        def handler(tick: Tick) -> None:
            seen.append(tick.number)
            if tick.number == 0:
                for number in range(1, 9):
                    assert world.bus.publish_threadsafe(Tick(number=number)).result(LIMIT) == 1

        world.bus.subscribe(Tick, handler, delivery="lossless", capacity=1, **options)
        await world.bus.publish(Tick(number=0))
        await world.bus.settled()
        assert seen == list(range(9))

    play(scenario, clock=SystemClock(), limit=LIMIT)


def test_a_handlers_thread_does_not_queue_behind_those_who_wait_for_it() -> None:
    """Another thread of the plugin that waits for this very subscription does not hold it up."""

    async def scenario(world: World) -> None:
        meeting = Meeting()
        go_on = threading.Event()
        seen: list[int] = []

        def handler(tick: Tick) -> None:
            seen.append(tick.number)
            if tick.number == 0:
                meeting.arrive()
                assert go_on.wait(LIMIT)
                assert world.bus.publish_threadsafe(Order()).result(LIMIT) == 0

        world.bus.subscribe(Tick, handler, delivery="lossless", capacity=1)
        await world.bus.publish(Tick(number=0))
        await meeting.wait()
        await world.bus.publish(Tick(number=1))
        waiting: list[Future[int]] = []
        loop = asyncio.get_running_loop()
        publish = world.bus.publish_threadsafe
        await loop.run_in_executor(
            None, lambda: waiting.extend(publish(Tick(number=number)) for number in (2, 3))
        )
        await asyncio.sleep(0)
        go_on.set()
        for future in waiting:
            assert await asyncio.wrap_future(future) == 1
        await world.bus.settled()
        assert seen == [0, 1, 2, 3]

    play(scenario, clock=SystemClock(), limit=LIMIT)


HANGING = """
import asyncio, threading
from hookbus.bus.eventbus import EventBus
from hookbus.bus.voice import Bus
from hookbus.clock import SystemClock
from hookbus.events import Event
from hookbus.loop import run

class Tick(Event, type="test.tick"):
    pass

async def main():
    started = asyncio.Event()
    loop = asyncio.get_running_loop()
    def hanging(_):
        loop.call_soon_threadsafe(started.set)
        threading.Event().wait()
    events = EventBus(SystemClock(), None)
    bus = Bus(events, "plugin")
    bus.subscribe(Tick, hanging)
    await bus.publish(Tick())
    await started.wait()
    events.close()

run(main(), SystemClock())
print("ended")
"""


def test_a_thread_that_hangs_does_not_keep_the_program_from_ending() -> None:
    """The interpreter does not wait for a handler that was left behind."""
    ended = subprocess.run(
        [sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "ended\n"
    assert ended.stderr == ""


def test_under_the_simulated_clock_plain_functions_run_on_the_loop() -> None:
    """So that a back-test is deterministic; they come one at a time, in order."""

    async def scenario(world: World) -> None:
        seen: list[tuple[int, int]] = []

        def handler(tick: Tick) -> None:
            seen.append((threading.get_ident(), tick.number))

        world.bus.subscribe(Tick, handler)
        world.bus.subscribe(Tick, handler, concurrency=2, name="other")
        for number in range(5):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        assert {thread for thread, _ in seen} == {threading.get_ident()}
        assert sorted(number for _, number in seen) == sorted([*range(5), *range(5)])

    play(scenario)
