"""Subscribing: ways to be called, what does not go together, and ending it."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
from hookbus.bus.delivery import Breaker, Retry
from hookbus.bus.routing import Route
from hookbus.envelope import Envelope
from hookbus.errors import BusClosed, UsageError
from hookbus.events import Event

from tests.host.bussing import (
    MODES,
    Alarm,
    Note,
    Order,
    Tick,
    World,
    handler_for,
    numbers,
    play,
    turns,
)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("where", [None, "number == 1"])
def test_a_handler_may_ask_for_the_envelope(mode: str, where: Any) -> None:
    """It gets the event with what the bus knows of it."""

    async def scenario(world: World) -> None:
        seen: list[Envelope] = []
        world.bus.subscribe(
            Tick, handler_for(mode, seen.append), mode=mode, envelope=True, where=where
        )
        await world.plugin("other").publish(Tick(number=1))
        await world.bus.settled()
        assert [(one.event, one.source, one.sequence) for one in seen] == [
            (Tick(number=1), "other", 1)
        ]

    play(scenario)


class Kinds:
    """Callables of many kinds."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def method(self, event: Any) -> None:
        """An async method."""
        self.seen.append(event)

    async def __call__(self, event: Any) -> None:
        """An async `__call__`."""
        self.seen.append(event)


def test_async_handlers_of_every_kind_are_recognised() -> None:
    """Methods, objects with an async `__call__`, and partials are awaited on the loop."""

    async def with_extra(keep: list[Any], event: Any) -> None:
        keep.append(event)

    async def scenario(world: World) -> None:
        kinds = Kinds()
        for handler in (kinds.method, kinds, partial(with_extra, kinds.seen)):
            subscription = world.bus.subscribe(Tick, handler)
            assert not hasattr(subscription, "mode") or subscription.mode == "task"
        await world.bus.publish(Tick())
        await world.bus.settled()
        assert kinds.seen == [Tick()] * 3

    play(scenario)


BAD_OPTIONS: list[dict[str, Any]] = [
    {"delivery": "lossles"},
    {"mode": "process"},
    {"mode": "inline"},
    {"mode": "thread"},
    {"capacity": 0},
    {"capacity": -1},
    {"concurrency": 0},
    {"batch": 0},
    {"batch_wait": 1.0},
    {"batch": 2, "batch_wait": -1.0},
    {"throttle": 0},
    {"throttle": -1},
    {"timeout": 0},
    {"concurrency": 2, "batch": 2},
    {"concurrency": 2, "throttle": 1},
    {"batch": 2, "throttle": 1},
]


@pytest.mark.parametrize("options", BAD_OPTIONS, ids=str)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """With an error that names the option, and nothing is left behind."""

    async def scenario(world: World) -> None:
        async def handler(_: Any) -> None:
            return

        with pytest.raises(UsageError) as caught:
            world.bus.subscribe(Tick, handler, **options)
        assert any(name in str(caught.value) for name in options)
        assert world.events.subscriptions == []
        assert world.events.channels == {}

    play(scenario)


@pytest.mark.parametrize(
    "options",
    [{"retry": Retry()}, {"breaker": Breaker()}, {"timeout": 1}, {"batch": 2}, {"concurrency": 2}],
    ids=str,
)
def test_an_inline_handler_takes_no_delivery_options(options: dict[str, Any]) -> None:
    """It runs inside publish, where there is nothing to wait with."""

    async def scenario(world: World) -> None:
        with pytest.raises(UsageError, match="inline handler runs inside publish"):
            world.bus.subscribe(Tick, print, mode="inline", **options)

    play(scenario)


def test_what_cannot_be_called_is_no_handler() -> None:
    """The mistake shows when subscribing, not at every event."""

    async def scenario(world: World) -> None:
        with pytest.raises(UsageError, match="None is no handler"):
            world.bus.subscribe(Tick, None)  # type: ignore[arg-type]

    play(scenario)


@pytest.mark.parametrize(
    "numbers",
    [{"attempts": 0}, {"delay": -1}, {"factor": 0.5}, {"max_delay": -1}, {"jitter": -0.1}],
    ids=str,
)
def test_a_retry_that_makes_no_sense_is_refused(numbers: dict[str, Any]) -> None:
    """When it is made, with its figures in the message."""
    with pytest.raises(UsageError, match=next(iter(numbers))):
        Retry(**numbers)


@pytest.mark.parametrize("numbers", [{"failures": 0}, {"reset_after": 0}], ids=str)
def test_a_breaker_that_makes_no_sense_is_refused(numbers: dict[str, Any]) -> None:
    """When it is made, with its figures in the message."""
    with pytest.raises(UsageError, match=next(iter(numbers))):
        Breaker(**numbers)


def test_durable_delivery_needs_a_journal() -> None:
    """Without one the error says what to install; without a name it says what that is for."""

    async def scenario(world: World) -> None:
        async def handler(_: Any) -> None:
            return

        with pytest.raises(UsageError, match=r"needs a journal.*install hookbus-journal"):
            world.bus.subscribe(Tick, handler, delivery="durable", name="mine")
        with pytest.raises(UsageError, match=r"needs name=.*the journal keeps"):
            world.bus.subscribe(Tick, handler, delivery="durable")

    play(scenario)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"batch": 2}, "batch= does not go with"),
        ({"throttle": 1.0}, "throttle= does not go with"),
        ({"breaker": Breaker()}, "breaker= does not go with"),
        ({"on_lagged": print}, "on_lagged= does not go with"),
        ({"start": "yesterday"}, "must be 'now' or 'beginning'"),
        ({"crashes": 0}, "crashes=0 must be 1"),
    ],
    ids=str,
)
def test_what_durable_delivery_cannot_keep_is_refused(options: dict[str, Any], reason: str) -> None:
    """Options that would hand over less than every event, or make no sense."""

    async def scenario(world: World) -> None:
        async def handler(_: Any) -> None:
            return

        with pytest.raises(UsageError, match=reason):
            world.bus.subscribe(Tick, handler, delivery="durable", name="mine", **options)

    play(scenario)


@pytest.mark.parametrize("options", [{"transaction": True}, {"start": "beginning"}], ids=str)
def test_what_only_durable_delivery_has_is_refused_elsewhere(options: dict[str, Any]) -> None:
    """The error names what it goes with."""

    async def scenario(world: World) -> None:
        async def handler(_: Any) -> None:
            return

        with pytest.raises(UsageError, match="delivery='durable' only"):
            world.bus.subscribe(Tick, handler, **options)

    play(scenario)


def test_a_subscription_is_named_after_its_handler() -> None:
    """Unless it is given a name; `repr` shows name, plugin and filter."""

    async def scenario(world: World) -> None:
        subscription = world.bus.subscribe(Tick, Kinds().method)
        named = world.bus.subscribe(Tick, Kinds().method, name="mine")
        assert subscription.name == "Kinds.method"
        assert repr(named) == "<Subscription 'mine' of 'plugin' to test.tick>"
        inline = world.bus.subscribe("a.*", print, mode="inline")
        assert repr(inline) == "<InlineSubscription 'print' of 'plugin' to a.*>"

    play(scenario)


def test_a_plugins_bus_closes_what_was_opened_through_it() -> None:
    """Subscriptions of every mode, streams and watches; those of other plugins stay."""

    async def scenario(world: World) -> None:
        mine, other = world.plugin("mine"), world.plugin("other")
        seen: list[Any] = []
        for bus in (mine, other):
            for mode in MODES:
                bus.subscribe(Tick, handler_for(mode, seen.append), mode=mode, name=mode)
            bus.stream(Tick)
            bus.watch(Tick)
        assert await world.bus.publish(Tick()) == 10
        await world.bus.settled()
        mine.close()
        mine.close()
        await turns()
        assert await world.bus.publish(Tick()) == 5
        await world.bus.settled()
        assert len(seen) == 9

    play(scenario)


def test_nothing_can_be_opened_after_the_bus_was_closed() -> None:
    """Subscribing, streaming and watching raise `BusClosed`."""

    async def scenario(world: World) -> None:
        world.events.close()
        for opening in (
            lambda: world.bus.subscribe(Tick, print),
            lambda: world.bus.subscribe(Tick, print, mode="inline"),
            lambda: world.bus.stream(Tick),
            lambda: world.bus.watch(Tick),
        ):
            with pytest.raises(BusClosed, match="nothing more can be subscribed"):
                opening()

    play(scenario)


def test_subscribing_belongs_on_the_loops_thread() -> None:
    """Another thread gets an error that says where to call it, and leaves nothing half open."""

    async def scenario(world: World) -> None:
        errors: list[UsageError] = []

        def elsewhere() -> None:
            for opening in (
                lambda: world.bus.subscribe(Tick, print),
                lambda: world.bus.stream(Tick),
            ):
                try:
                    opening()
                except UsageError as error:
                    errors.append(error)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert len(errors) == 2
        assert "outside the event loop's thread" in str(errors[0])
        assert world.events.subscriptions == []

    play(scenario)


def test_a_handler_may_subscribe_and_close_while_events_come() -> None:
    """What is opened sees what is published afterwards; what is closed sees nothing more."""

    async def scenario(world: World) -> None:
        late: list[Any] = []
        inline: list[Any] = []

        async def handler(tick: Tick) -> None:
            if tick.number == 2:
                world.bus.subscribe(Tick, handler_for("task", late.append), name="late")
                first.close()

        first = world.bus.subscribe(Tick, inline.append, mode="inline")
        world.bus.subscribe(Tick, handler)
        for number in range(5):
            await world.bus.publish(Tick(number=number))
            await turns()
        await world.bus.settled()
        assert numbers(late) == [3, 4]
        assert numbers(inline) == [0, 1, 2]

    play(scenario)


def test_a_subscription_costs_only_the_routes_that_it_concerns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hundreds of subscriptions are opened and closed in no time, however many types there are."""
    rebuilt: list[type[Event]] = []
    rebuild = Route.rebuild

    def counting(route: Route, *arguments: Any, **options: Any) -> None:
        rebuilt.append(route.event_class)
        rebuild(route, *arguments, **options)

    async def scenario(world: World) -> None:
        for kind in (Tick, Order, Alarm, Note):
            await world.bus.publish(kind())
        monkeypatch.setattr(Route, "rebuild", counting)
        for mode in MODES:
            subscription = world.bus.subscribe(Tick, handler_for(mode, print), mode=mode)
            assert rebuilt == [Tick]
            subscription.close()
            assert rebuilt == [Tick, Tick]
            rebuilt.clear()
        world.bus.stream("test.*").close()
        assert rebuilt == [Tick, Order, Alarm] * 2

    play(scenario)
