"""Filters and predicates: which events a subscription gets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hookbus.bus.filters import make_filter
from hookbus.errors import ExpressionError, UsageError
from hookbus.events import Event

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
)

EVERY = (Tick, Order, Alarm, Note)

FILTERS: list[tuple[Any, Sequence[type[Event]]]] = [
    (Tick, [Tick]),
    (Market, [Tick, Order, Alarm]),
    (Event, EVERY),
    ("*", EVERY),
    ("test.*", [Tick, Order, Alarm]),
    ("test.tick", [Tick]),
    ("*.note", [Note]),
    ("test.[to]*", [Tick, Order]),
    ("tick", []),
    ((Tick, Note), [Tick, Note]),
    ([Tick, "other.*"], [Tick, Note]),
    ([Market, "test.*", Tick], [Tick, Order, Alarm]),
]


@pytest.mark.parametrize(("wanted", "expected"), FILTERS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_filters_choose_by_class_base_class_and_wire_name(
    wanted: Any, expected: Sequence[type[Event]], mode: str, when: str
) -> None:
    """Whether the type was first published before or after the subscription was made; an event
    that several parts of a filter match arrives once, and `publish` says who matched."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []
        if when == "before":
            for kind in EVERY:
                await world.bus.publish(kind())
        world.bus.subscribe(wanted, handler_for(mode, seen.append), mode=mode)
        matched = [await world.bus.publish(kind()) for kind in EVERY]
        await world.bus.settled()
        assert [type(event) for event in seen] == list(expected)
        assert matched == [int(kind in expected) for kind in EVERY]

    play(scenario)


@pytest.mark.parametrize("wanted", [[], (), "", 5, int, [Tick, None], None, Tick()])
def test_what_is_no_filter_is_refused(wanted: Any) -> None:
    """With a message that says what a filter is."""
    with pytest.raises((UsageError, TypeError)):
        make_filter(wanted)


def test_the_message_for_a_bad_filter_names_it() -> None:
    """The part that is wrong, and an example of what is right."""
    with pytest.raises(UsageError, match=r"builtins\.int is no filter; use an event class or a wi"):
        make_filter([Tick, int])  # type: ignore[list-item]


def test_equal_filters_share_one_ring() -> None:
    """Whatever the order of their parts; another condition is another ring."""

    async def scenario(world: World) -> None:
        async def handler(_: Any) -> None:
            return

        same: list[Any] = [[Tick, "other.*"], ("other.*", Tick), [Tick, Tick, "other.*"]]
        for wanted in same:
            world.bus.subscribe(wanted, handler)
        assert len(world.events.channels) == 1
        world.bus.subscribe(Tick, handler, where="number > 1")
        world.bus.subscribe(Tick, handler, where="number > 1")
        world.bus.subscribe(Tick, handler, where="number > 2")
        assert len(world.events.channels) == 3
        world.bus.close()
        assert world.events.channels == {}

    play(scenario)


def odd(event: Any) -> bool:
    """A predicate."""
    return bool(event.number % 2)


@pytest.mark.parametrize("where", ["number % 2 == 1", odd, partial(odd)])
@pytest.mark.parametrize("mode", MODES)
def test_a_predicate_chooses_among_the_events(where: Any, mode: str) -> None:
    """An expression and a callable alike; what it refuses is counted as filtered."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []
        subscription = world.bus.subscribe(
            Tick, handler_for(mode, seen.append), where=where, mode=mode
        )
        matched = [await world.bus.publish(Tick(number=number)) for number in range(6)]
        await world.bus.settled()
        assert numbers(seen) == [1, 3, 5]
        assert matched == [0, 1, 0, 1, 0, 1]
        stats = subscription.stats()
        assert (stats.matched, stats.filtered, stats.delivered) == (6, 3, 3)

    play(scenario)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), asyncio.CancelledError()])
@pytest.mark.parametrize("mode", MODES)
def test_a_predicate_that_raises_filters_the_event_and_is_logged(
    error: BaseException, mode: str
) -> None:
    """The publisher does not notice, neighbours get the event, and the next one is asked again."""

    def where(tick: Tick) -> bool:
        if tick.number == 1:
            raise error
        return True

    async def scenario(world: World) -> None:
        seen: list[Any] = []
        beside: list[Any] = []
        subscription = world.bus.subscribe(
            Tick, handler_for(mode, seen.append), where=where, mode=mode
        )
        world.bus.subscribe(Tick, handler_for(mode, beside.append), mode=mode)
        for number in range(3):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        assert numbers(seen) == [0, 2]
        assert numbers(beside) == [0, 1, 2]
        assert subscription.stats().filtered == 1
        (entry,) = world.log.entries
        assert entry["event"] == "predicate failed; the event was filtered out"
        assert entry["event_type"] == "test.tick"
        assert type(error).__name__ in entry["error"]

    play(scenario)


def test_a_predicate_whose_answer_is_no_truth_value_filters() -> None:
    """An answer that raises when asked for its truth counts as a predicate that raises."""

    class Undecided:
        def __bool__(self) -> bool:
            raise ValueError("undecided")

    async def scenario(world: World) -> None:
        seen: list[Any] = []
        world.bus.subscribe(Tick, seen.append, where=lambda _: Undecided(), mode="inline")
        await world.bus.publish(Tick())
        assert seen == []
        assert len(world.log.entries) == 1

    play(scenario)


def test_expressions_are_checked_when_subscribing() -> None:
    """Against the fields of the one class of the filter; nothing is left behind by a refusal."""

    async def scenario(world: World) -> None:
        with pytest.raises(ExpressionError, match="number"):
            world.bus.subscribe(Tick, print, where="nunber > 1")
        with pytest.raises(UsageError, match="must be a callable or an expression"):
            world.bus.subscribe(Tick, print, where=5)  # type: ignore[arg-type]
        assert world.events.subscriptions == []
        assert world.events.channels == {}

    play(scenario)


def test_an_expression_over_several_types_filters_where_a_field_is_missing() -> None:
    """It cannot be checked beforehand, so an event without the field counts as filtered out."""

    async def scenario(world: World) -> None:
        seen: list[Any] = []
        world.bus.subscribe("*", seen.append, where="number > 0", mode="inline")
        for event in (Tick(number=1), Note(), Order(number=0), Order(number=2)):
            await world.bus.publish(event)
        assert seen == [Tick(number=1), Order(number=2)]

    play(scenario)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (" number > 1 ", "number > 1"),
        (odd, "odd()"),
        (partial(odd), "partial()"),
        (None, None),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_the_books_say_which_condition_an_account_has(where: Any, told: str, mode: str) -> None:
    """An expression as it was written, a function by its name."""

    async def scenario(world: World) -> None:
        world.bus.subscribe(Tick, handler_for(mode, print), where=where, mode=mode)
        (account,) = world.events.ledger.report().accounts
        assert account.condition == told

    play(scenario)


def test_unhashable_predicates_are_welcome() -> None:
    """A callable object need not be hashable."""

    class Wanted(list[int]):
        def __call__(self, tick: Tick) -> bool:
            return tick.number in self

    async def scenario(world: World) -> None:
        seen: list[Any] = []

        async def handler(tick: Tick) -> None:
            seen.append(tick)

        world.bus.subscribe(Tick, handler, where=Wanted([1, 3]))
        for number in range(4):
            await world.bus.publish(Tick(number=number))
        await world.bus.settled()
        assert numbers(seen) == [1, 3]

    play(scenario)
