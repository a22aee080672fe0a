"""A simple model of the bus: what each subscription must be told, given what was published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hookbus.bus.delivery import Retry
from hookbus.bus.eventbus import EventBus
from hookbus.bus.voice import Bus
from hookbus.clock import SimulatedClock
from hookbus.envelope import Envelope, Lagged
from hookbus.errors import PublishDeadlock
from hookbus.events import Event
from hookbus.loop import SimulatedLoop, finish

from tests.host.bussing import Alarm, Log, Market, Order, Tick, turns

POLICIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "retry": {"retry": Retry(attempts=2, delay=1.0), "timeout": 10.0**7},
    "batch": {"batch": 3, "batch_wait": 2.0},
    "throttle": {"throttle": 3.0},
    "concurrency": {"concurrency": 3},
    "inline": {"mode": "inline"},
}

FILTERS: dict[str, tuple[Any, Callable[[Event], bool]]] = {
    "tick": (Tick, lambda event: isinstance(event, Tick)),
    "market": (Market, lambda event: isinstance(event, Market)),
    "pattern": ("test.o*", lambda event: isinstance(event, Order)),
    "several": ((Tick, Alarm), lambda event: isinstance(event, Tick | Alarm)),
    "everything": ("*", lambda event: True),
}


def even(event: Any) -> bool:
    """A predicate."""
    return bool(event.number % 2 == 0)


def picky(event: Any) -> bool:
    """A predicate that raises now and then, and for events without a number."""
    return bool(7 % (event.number % 4))


PREDICATES: dict[str, Callable[[Any], bool] | None] = {"any": None, "even": even, "picky": picky}


def accepted(predicate: Callable[[Any], bool] | None, event: Event) -> bool:
    """What a predicate says of an event; one that raises says no."""
    try:
        return predicate is None or predicate(event)
    except (AttributeError, ZeroDivisionError):
        return False


@dataclass
class Reader:
    """A subscription or stream, and what it has been told so far."""

    wanted: Callable[[Event], bool]
    predicate: Callable[[Any], bool] | None
    policy: str
    lossless: bool
    capacity: int
    since: int
    until: int | None = None
    failing: bool = False
    echo: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    story: list[Envelope | Lagged] = field(default_factory=list)
    failed: list[Envelope] = field(default_factory=list)
    interrupted: list[Envelope] = field(default_factory=list)
    handle: Any = None
    at_most: int | None = None

    def at_a_time(self) -> int:
        """How many events its handlers may have in hand at a time."""
        return {"batch": 3, "concurrency": 3, "inline": 0}.get(self.policy, 1)

    def offered(self, truth: Iterable[Envelope]) -> list[Envelope]:
        """What was published for it while it was open."""
        last = 10**9 if self.until is None else self.until
        inside = (one for one in truth if self.since < one.sequence <= last)
        return [one for one in inside if self.wanted(one.event)]

    def expected(self, truth: Iterable[Envelope]) -> list[Envelope]:
        """What of it passes the predicate."""
        return [one for one in self.offered(truth) if accepted(self.predicate, one.event)]

    def lost(self) -> int:
        """How many events it was told that it lost."""
        return sum(item.missed for item in self.story if isinstance(item, Lagged))

    def done(self) -> list[Envelope]:
        """What it has handled."""
        return [item for item in self.story if isinstance(item, Envelope)]


class Play:
    """A bus with its loop, and the truth of what was published."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.loop = SimulatedLoop(self.clock)
        self.complaints: list[Any] = []
        self.truth: list[Envelope] = []
        self.readers: list[Reader] = []
        self.publishers: list[asyncio.Task[int]] = []
        self.loop.set_exception_handler(lambda _, told: self.complaints.append(told))
        self.number = 0
        self.run(self._begin())

    def run(self, coroutine: Any) -> Any:
        """Let the loop run until a coroutine has ended."""
        return self.loop.run_until_complete(coroutine)

    async def _begin(self) -> None:
        self.events = EventBus(self.clock, Log(), hold_limit=50.0, max_depth=6)
        self.bus = Bus(self.events, "plugin")
        self.bus.subscribe("*", self.truth.append, mode="inline", envelope=True, name="truth")

    def end(self) -> None:
        """Close the bus and the loop."""
        self.run(self._close())
        finish(self.loop, grace=0.2)

    async def _close(self) -> None:
        self.events.close()
        await turns()

    async def open(self, reader: Reader) -> None:
        """Open a subscription."""
        reader.since = self.events.sequence
        options = dict(POLICIES[reader.policy])
        if reader.policy != "inline":
            options["capacity"] = reader.capacity
            options["delivery"] = "lossless" if reader.lossless else "best-effort"
            options["on_lagged"] = reader.story.append
        handler: Any = self._handler(reader)
        if reader.policy == "inline":
            handler = self._inline(reader)
        wanted = next(one for one, test in FILTERS.values() if test is reader.wanted)
        reader.handle = self.bus.subscribe(
            wanted,
            handler,
            where=reader.predicate,
            envelope=True,
            name=f"reader{len(self.readers)}",
            **options,
        )
        self.readers.append(reader)

    async def close(self, reader: Reader) -> None:
        """Close a subscription."""
        reader.until = self.events.sequence
        reader.at_most = len(reader.done()) + reader.at_a_time()
        reader.handle.close()

    def _inline(self, reader: Reader) -> Callable[[Envelope], None]:
        def handler(envelope: Envelope) -> None:
            if reader.failing and envelope.sequence % 3 == 0:
                reader.failed.append(envelope)
                raise ValueError("inline")
            reader.story.append(envelope)

        return handler

    def _handler(self, reader: Reader) -> Callable[[Any], Any]:
        async def handler(argument: Any) -> None:
            envelopes = argument if isinstance(argument, list) else [argument]
            try:
                await self._handle(reader, envelopes)
            except asyncio.CancelledError:
                reader.interrupted.extend(envelopes)
                raise
            except (ValueError, PublishDeadlock):
                reader.failed.extend(envelopes)
                raise

        return handler

    async def _handle(self, reader: Reader, envelopes: list[Envelope]) -> None:
        await reader.gate.wait()
        if reader.failing and envelopes[0].sequence % 3 == 0:
            raise ValueError("failing")
        first = envelopes[0].event
        if reader.echo and isinstance(first, Tick):
            for _ in range(2):
                await self.bus.publish(Order(symbol=first.symbol, number=first.number))
        reader.story.extend(envelopes)

    def next_event(self, kind: type[Market]) -> Market:
        """A new numbered event."""
        self.number += 1
        return kind(symbol="ABC"[self.number % 3], number=self.number)
