"""Recording what is published."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from hookbus.bus.eventbus import EventBus
from hookbus.bus.filters import FilterLike
from hookbus.bus.voice import Bus
from hookbus.clock import Clock
from hookbus.envelope import Envelope
from hookbus.events import Event

E = TypeVar("E", bound=Event)


class Recording:
    """The envelopes that were published since the recording began, oldest first."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    @property
    def events(self) -> list[Event]:
        """The events without their envelopes."""
        return [envelope.event for envelope in self.envelopes]

    @property
    def types(self) -> list[str]:
        """The wire names."""
        return [envelope.type for envelope in self.envelopes]

    def of(self, event_class: type[E]) -> list[E]:
        """The events of one class or its subclasses."""
        return [event for event in self.events if isinstance(event, event_class)]


def record(bus: Bus, filter: FilterLike = "*") -> Recording:  # noqa: A002 - the design's word
    """Record from now on what is published on `bus` and matches `filter`."""
    recording = Recording()
    bus.subscribe(
        filter, recording.envelopes.append, mode="inline", envelope=True, name="recording"
    )
    return recording


class RecordingBus(Bus):
    """A bus without a host that keeps everything published on it in `recorded`."""

    __slots__ = ("recorded",)

    def __init__(
        self, clock: Clock, log: Any, loop: asyncio.AbstractEventLoop, source: str = "test"
    ) -> None:
        super().__init__(EventBus(clock, log, loop=loop), source)
        self.recorded = record(self)
