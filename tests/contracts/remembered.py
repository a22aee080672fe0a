"""A host with a real journal, and events of every kind, for tests of what it remembers."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hookbus import Bus, Clock, Event
from hookbus.host import Host
from hookbus.loop import run
from hookbus.settings.config import make_config

JournalPlugin = pytest.importorskip("hookbus_journal.plugin").JournalPlugin


class Numbered(Event):
    """What the streams read."""

    number: int = 0


class Loose(Numbered, type="test.loose"):
    """Recorded, best effort."""


class Kept(Numbered, type="test.kept"):
    """Committed before it is dispatched."""


class Unrecorded(Numbered, type="test.unrecorded"):
    """In no journal."""


class Urgent(Numbered, type="test.urgent", critical=True):
    """In no journal, and never dropped."""


class Passing(Event, type="gone.passing"):
    """Of a plugin that will not be there later."""


SETTINGS = {"durable": ["test.kept"], "exclude": ["test.unrecorded", "test.urgent"]}
"""Of the journal: one type of each kind."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class World:
    """A host with a journal, a voice on its bus, and all that was dispatched, in order."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.bus = Bus(host.event_bus, "tester")
        self.dispatched: list[int] = []
        self.bus.subscribe(Numbered, self._note, mode="inline", name="tap")

    def _note(self, event: Numbered) -> None:
        self.dispatched.append(event.number)

    def publish(self, kind: type[Numbered]) -> None:
        """Publish a numbered event without waiting: a durable one is dispatched later."""
        self.bus.publish_forced(kind(number=self.host.event_bus.sequence))


@asynccontextmanager
async def living(folder: Path, clock: Clock, **journal: Any) -> AsyncIterator[World]:
    """A host in a folder, from start to stop."""
    config = make_config({"plugins": {"journal": SETTINGS | journal}}, base=folder)
    async with Host(config, plugins=(JournalPlugin,), group=None, clock=clock) as host:
        yield World(host)


def play(
    scenario: Callable[[World], Awaitable[None]], clock: Clock, folder: Path | None = None
) -> None:
    """Play a scenario on a loop and a folder of its own."""

    async def main(place: Path) -> None:
        async with living(place, clock) as world:
            await scenario(world)

    with tempfile.TemporaryDirectory() as made:
        run(main(folder or Path(made)), clock)
