"""Timeout, retry with back-off, and dead letters."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hookbus.bus.delivery import Retry
from hookbus.errors import error_text
from hookbus.events import Event
from hookbus.operational import (
    EventDeadLettered,
    HandlerAbandoned,
    HandlerFailed,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.host.bussing import Shaky, Tick, World, play, turns


class Thing(Event, type="test.thing"):
    """An event that no JSON can express."""

    thing: Any = None


def test_a_failing_handler_is_tried_again_after_growing_pauses() -> None:
    """At the clock's exact times; every failure is published, with whether another try follows."""

    async def scenario(world: World) -> None:
        world.hear()
        shaky = Shaky(world, failures=3)
        subscription = world.bus.subscribe(
            Tick, shaky, retry=Retry(attempts=5, delay=1.0, factor=3.0, max_delay=5.0)
        )
        await world.bus.publish(Tick(number=7))
        await world.bus.settled()
        assert shaky.calls == [(0, 7), (1, 7), (4, 7), (9, 7)]
        assert shaky.done == [7]
        failed = world.heard(HandlerFailed)
        assert [(one.attempt, one.will_retry) for one in failed] == [
            (1, True),
            (2, True),
            (3, True),
        ]
        assert world.heard(EventDeadLettered) == []
        stats = subscription.stats()
        assert (stats.delivered, stats.failures, stats.retries) == (1, 3, 3)

    play(scenario)


def test_an_event_is_given_up_after_the_last_attempt() -> None:
    """It becomes a dead letter with the reason, the attempts and the envelope; order is kept."""

    async def scenario(world: World) -> None:
        world.hear()
        shaky = Shaky(world, failures=9)
        subscription = world.bus.subscribe(
            Tick, shaky, retry=Retry(attempts=3, delay=1.0), name="s"
        )
        await world.plugin("feed").publish(Tick(number=0))
        await world.bus.publish(Tick(number=1))
        await world.bus.settled()
        assert [number for _, number in shaky.calls] == [0, 0, 0, 1, 1, 1]
        first, _ = world.heard(EventDeadLettered)
        assert (first.reason, first.attempts) == ("ValueError: shaky", 3)
        assert (first.subscription, first.plugin) == ("s", "plugin")
        assert first.envelope["source"] == "/hookbus/feed"
        assert [one.will_retry for one in world.heard(HandlerFailed)] == [True, True, False] * 2
        assert subscription.stats().dead_lettered == 2

    play(scenario)


@given(st.integers(1, 6), st.floats(0, 2), st.floats(1, 4), st.floats(0, 9), st.floats(0, 1))
def test_pauses_are_as_documented(
    attempt: int, delay: float, factor: float, most: float, jitter: float
) -> None:
    """`delay * factor ** (n - 1)`, at most `max_delay`, lengthened by up to `jitter` of itself."""
    pause = Retry(9, delay, factor, most, jitter).wait(attempt, random.Random(1))
    base = min(delay * factor ** (attempt - 1), most)
    assert base <= pause <= base * (1 + jitter)


def test_pauses_do_not_overflow() -> None:
    """However many attempts there have been."""
    assert Retry(attempts=10**6, factor=1000.0).wait(10**6, random.Random(1)) == 30.0


def test_jitter_is_the_same_in_every_run() -> None:
    """Randomness comes from the subscription's name, so that a back-test repeats itself."""

    async def scenario(world: World) -> list[tuple[float, int]]:
        shaky = Shaky(world, failures=3)
        world.bus.subscribe(Tick, shaky, retry=Retry(attempts=4, delay=1, jitter=0.5), name="one")
        await world.bus.publish(Tick())
        await world.bus.settled()
        return shaky.calls

    first = play(scenario)
    assert play(scenario) == first
    assert first[1][0] != 1.0


@pytest.mark.parametrize("options", [{}, {"concurrency": 2}, {"batch": 1}], ids=str)
def test_a_handler_that_takes_too_long_is_stopped(options: dict[str, Any]) -> None:
    """It is cancelled after its time, may clean up, and counts as failed."""

    async def scenario(world: World) -> None:
        world.hear()
        cleaned: list[float] = []

        async def handler(_: Any) -> None:
            try:
                await asyncio.sleep(100)
            finally:
                await asyncio.sleep(0.25)
                cleaned.append(world.seconds())

        world.bus.subscribe(Tick, handler, timeout=2.5, **options)
        await world.bus.publish(Tick())
        await world.bus.settled()
        assert cleaned == [2.75]
        (letter,) = world.heard(EventDeadLettered)
        assert letter.reason == "HandlerTimeout: took longer than 2.5 s"

    play(scenario)


def test_a_handler_in_time_is_not_stopped() -> None:
    """The limit is per call, not for all of them."""

    async def scenario(world: World) -> None:
        seen: list[int] = []

        async def handler(tick: Tick) -> None:
            await asyncio.sleep(2)
            seen.append(tick.number)

        world.bus.subscribe(Tick, handler, timeout=2.5)
        for number in range(5):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        assert seen == list(range(5))
        assert world.seconds() == 10

    play(scenario)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(2), asyncio.CancelledError()])
def test_what_a_limited_handler_raises_is_its_failure(error: BaseException) -> None:
    """Also with a time limit, nothing that it raises reaches the host."""

    async def scenario(world: World) -> None:
        world.hear()

        async def handler(_: Tick) -> None:
            raise error

        world.bus.subscribe(Tick, handler, timeout=5.0)
        await world.bus.publish(Tick())
        await world.bus.publish(Tick())
        await world.bus.settled()
        assert len(world.heard(EventDeadLettered)) == 2

    play(scenario)


@pytest.mark.parametrize("options", [{}, {"concurrency": 2}, {"retry": Retry()}], ids=str)
def test_a_handler_that_swallows_its_time_limit_is_abandoned(options: dict[str, Any]) -> None:
    """A second after its limit it is left behind, and its subscription is closed and told of."""

    async def scenario(world: World) -> None:
        world.hear()

        async def stubborn(_: Tick) -> None:
            while True:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    continue

        subscription = world.bus.subscribe(Tick, stubborn, timeout=2.0, name="s", **options)
        await world.bus.publish(Tick())
        await world.bus.publish(Tick())
        await world.bus.settled()
        assert world.seconds() == 3
        assert subscription.closed
        assert [one.subscription for one in world.heard(HandlerAbandoned)] == ["s"]
        assert subscription.stats().abandoned == 2

    play(scenario)


class UnspeakableError(Exception):
    """An exception whose text cannot be made."""

    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("two\n  lines"), "ValueError: two lines"),
        (ValueError(), "ValueError"),
        (UnspeakableError(), "UnspeakableError: (its text raised ValueError)"),
        (SystemExit(3), "SystemExit: 3"),
        (OSError("caf\udcff"), "OSError: caf\udcff"),
    ],
)
@pytest.mark.parametrize("mode", ["task", "inline"])
def test_any_exception_can_be_told_of(error: BaseException, text: str, mode: str) -> None:
    """In one line; whatever it is, the subscription goes on."""

    async def scenario(world: World) -> None:
        world.hear()
        done: list[int] = []

        def inline(tick: Tick) -> None:
            if tick.number == 0:
                raise error
            done.append(tick.number)

        async def handler(tick: Tick) -> None:
            inline(tick)

        world.bus.subscribe(Tick, handler if mode == "task" else inline, mode=mode)
        await world.bus.publish(Tick(number=0))
        await world.bus.publish(Tick(number=1))
        await world.bus.settled()
        assert done == [1]
        assert [one.reason for one in world.heard(EventDeadLettered)] == [text]

    assert error_text(error) == text
    play(scenario)


@pytest.mark.parametrize("options", [{}, {"retry": Retry(attempts=2)}, {"concurrency": 2}], ids=str)
def test_an_event_without_a_json_form_can_be_a_dead_letter(options: dict[str, Any]) -> None:
    """What cannot be expressed is shown as text, and the subscription goes on."""

    async def scenario(world: World) -> None:
        world.hear()
        done: list[Any] = []

        async def handler(event: Thing) -> None:
            if event.thing is not None:
                raise ValueError("no")
            done.append(event)

        world.bus.subscribe(Thing, handler, **options)
        await world.bus.publish(Thing(thing=object()))
        await world.bus.publish(Thing())
        await world.bus.settled()
        assert done == [Thing()]
        (letter,) = world.heard(EventDeadLettered)
        assert "object object" in letter.envelope["data"]["repr"]

    play(scenario)


def test_closing_during_a_pause_ends_the_attempts() -> None:
    """The event is abandoned, and the handler is not called again."""

    async def scenario(world: World) -> None:
        shaky = Shaky(world, failures=99)
        subscription = world.bus.subscribe(Tick, shaky, retry=Retry(attempts=9, delay=10))
        await world.bus.publish(Tick())
        await turns()
        subscription.close()
        await world.clock.sleep(100)
        assert len(shaky.calls) == 1
        assert subscription.stats().abandoned == 1

    play(scenario)
