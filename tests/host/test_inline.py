"""Inline handlers: called inside publish, in the order in which they have subscribed."""

from __future__ import annotations

from collections.abc import Callable

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
