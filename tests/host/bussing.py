"""A bus on simulated time, and event types, for the tests of the bus."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hookbus.bus.eventbus import EventBus
from hookbus.bus.voice import Bus
from hookbus.clock import Clock, SimulatedClock
from hookbus.envelope import Envelope
from hookbus.events import Event
from hookbus.loop import run
from hookbus.operational import OperationalEvent

T = TypeVar("T")

FOREVER = 100_000.0
"""Simulated seconds after which a scenario counts as hanging."""


class Market(Event):
    """An abstract base."""

    symbol: str = "BTC"
    number: int = 0


class Tick(Market, type="test.tick", key="symbol"):
    """A numbered event."""


class Order(Market, type="test.order", key="symbol"):
    """Another event with a number and a key."""


class Alarm(Market, type="test.alarm", key="symbol", critical=True):
    """A critical event."""


class Note(Event, type="other.note"):
    """An event without a key, in another name space."""

    text: str = ""


MODES = ["task", "thread", "inline"]


def handler_for(mode: str, keep: Callable[[Any], None]) -> Callable[[Any], Any]:
    """A handler of the kind that a mode needs."""

    async def handler(event: Any) -> None:
        keep(event)

    return handler if mode == "task" else keep


class Log:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def texts(self) -> list[str]:
        """What was said, without the details."""
        return [entry["event"] for entry in self.entries]

    def _note(self, event: str, **details: Any) -> None:
        self.entries.append({"event": event, **details})

    debug = info = warning = error = _note


@dataclass
class World:
    """What a scenario plays on: the host's bus, one plugin's bus, the clock and the log."""

    events: EventBus
    bus: Bus
    clock: Clock
    log: Log
    operational: list[OperationalEvent] = field(default_factory=list)
    complaints: list[dict[str, Any]] = field(default_factory=list)

    def plugin(self, name: str) -> Bus:
        """The bus of another plugin."""
        return Bus(self.events, name)

    def hear(self) -> list[OperationalEvent]:
        """Keep every operational event from now on in `operational`."""
        self.bus.subscribe(OperationalEvent, self.operational.append, mode="inline", name="ears")
        return self.operational

    def heard(self, kind: type[OperationalEvent]) -> list[Any]:
        """The operational events of one kind."""
        return [event for event in self.operational if isinstance(event, kind)]

    def seconds(self) -> float:
        """Seconds of simulated time since the beginning."""
        return self.clock.now_ns() / 1e9

    def balanced(self) -> None:
        """Check that the books balance."""
        assert self.events.ledger.report().discrepancies == ()


class Shaky:
    """A handler that fails so many times for each event."""

    def __init__(self, world: World, failures: int, error: BaseException | None = None) -> None:
        self.world = world
        self.failures = failures
        self.error = error or ValueError("shaky")
        self.calls: list[tuple[float, int]] = []
        self.done: list[int] = []

    async def __call__(self, tick: Tick) -> None:
        """Fail, or note the event as done."""
        self.calls.append((round(self.world.seconds(), 6), tick.number))
        if sum(number == tick.number for _, number in self.calls) <= self.failures:
            raise self.error
        self.done.append(tick.number)


async def _play(
    scenario: Callable[[World], Awaitable[T]],
    clock: Clock,
    complaints: list[dict[str, Any]],
    limit: float,
    options: dict[str, Any],
) -> T:
    log = Log()
    events = EventBus(clock, log, **options)
    world = World(events, Bus(events, "plugin"), clock, log, complaints=complaints)
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    result = await asyncio.wait_for(scenario(world), limit)
    world.balanced()
    events.close()
    world.balanced()
    return result


def play(
    scenario: Callable[[World], Awaitable[T]],
    *,
    clock: Clock | None = None,
    limit: float = FOREVER,
    **options: Any,
) -> T:
    """Play a scenario on a loop of its own, and return what it returns.

    Fails when it hangs, when the books do not balance at its end or after the bus was closed, and
    when a task has failed without anybody noticing. `options` are those of `EventBus`.
    """
    complaints: list[dict[str, Any]] = []
    clock = clock or SimulatedClock()
    result = run(_play(scenario, clock, complaints, limit, options), clock, grace=0.1)
    gc.collect(1)
    assert complaints == []
    return result


async def turns(count: int = 20) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)


def numbers(events: Iterable[Any]) -> list[int]:
    """The numbers of events or envelopes, in their order."""
    plain: list[Any] = [one.event if isinstance(one, Envelope) else one for one in events]
    return [event.number for event in plain]


class Held:
    """A handler that keeps what it gets, after waiting for `gate`."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.seen: list[Any] = []

    async def __call__(self, event: Any) -> None:
        """Wait, then keep the event."""
        await self.gate.wait()
        self.seen.append(event)


async def publish_all(bus: Bus, count: int, start: int = 0) -> None:
    """Publish numbered ticks one after the other."""
    for number in range(start, start + count):
        await bus.publish(Tick(number=number))
