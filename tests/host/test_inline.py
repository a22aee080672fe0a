"""Inline handlers: called inside publish, in the order in which they have subscribed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hookbus.envelope import Envelope

from tests.host.bussing import Note, Tick, World, play


def test_handlers_are_called_in_the_order_of_subscribing_with_a_condition_or_without() -> None:
    """Who has subscribed before the one that answers hears of the question first, as rings do.

    The recorder is the first of all, so that a record is in the order of its sequence.
    """

    async def scenario(world: World) -> None:
        def answer(_: Tick) -> None:
            world.bus.publish_nowait(Note(text="answer"))

        seen: dict[str, list[str]] = {"first": [], "some": [], "ring": [], "last": []}

        async def ring(envelope: Envelope) -> None:
            seen["ring"].append(envelope.type)

        def noting(name: str) -> Callable[[Envelope], None]:
            return lambda envelope: seen[name].append(envelope.type)

        subscribe = world.bus.subscribe
        subscribe("*", noting("first"), mode="inline", envelope=True)
        subscribe(Tick, answer, mode="inline", where="number == 1")
        subscribe("*", noting("some"), mode="inline", envelope=True, where=lambda event: True)
        subscribe("*", ring, envelope=True, where=lambda event: True)
        subscribe("*", noting("last"), mode="inline", envelope=True)
        assert await world.bus.publish(Tick(number=0)) == 4
        assert await world.bus.publish(Tick(number=1)) == 5
        await world.events.settled()
        assert seen["first"] == seen["ring"] == ["test.tick", "test.tick", "other.note"]
        assert seen["some"] == seen["last"] == ["test.tick", "other.note", "test.tick"]
        world.balanced()

    play(scenario)


@pytest.mark.parametrize("answers", [1, 3])
def test_what_inline_handlers_publish_is_not_lost_to_a_slow_reader(answers: int) -> None:
    """They cannot wait, but whoever publishes what they answer to does, before a ring is too full.

    The reader is lossless, slow and small; nobody who waits is stopped for another reason.
    """

    async def scenario(world: World) -> None:
        seen: list[str] = []

        def answer(tick: Tick) -> None:
            for number in range(answers):
                assert world.bus.publish_forced(Note(text=f"{tick.number}.{number}")) == 2

        async def slow(note: Note) -> None:
            await asyncio.sleep(0.001)
            seen.append(note.text)

        booked: list[Note] = []
        world.bus.subscribe(Tick, answer, mode="inline")
        world.bus.subscribe(Note, booked.append, mode="inline")
        world.bus.subscribe(Note, slow, delivery="lossless", capacity=4)
        for number in range(200):
            await world.bus.publish(Tick(number=number))
        await world.events.settled()
        wanted = [f"{tick}.{number}" for tick in range(200) for number in range(answers)]
        assert seen == [note.text for note in booked] == wanted
        assert not world.events.gates.overgrown or await world.bus.publish(Tick(number=-1))
        world.balanced()

    play(scenario)


def test_a_handler_that_a_full_ring_waits_for_does_not_wait_for_itself() -> None:
    """The slow reader publishes, too, while its own ring is overgrown: nothing stands still."""

    async def scenario(world: World) -> None:
        handled: list[int] = []

        def answer(tick: Tick) -> None:
            world.bus.publish_forced(Note(text=str(tick.number)))

        async def slow(note: Note) -> None:
            await asyncio.sleep(0.001)
            await world.bus.publish(Tick(number=-1, symbol="ECHO"))
            handled.append(int(note.text))

        world.bus.subscribe(Tick, answer, mode="inline", where="symbol == 'BTC'")
        world.bus.subscribe(Note, slow, delivery="lossless", capacity=4)
        for number in range(120):
            await world.bus.publish(Tick(number=number))
        await world.events.settled()
        assert handled == list(range(120))
        world.balanced()

    play(scenario)
