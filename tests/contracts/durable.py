"""What the tests of durable delivery share: two events, and a host with the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hookbus import Bus, Event, Retry
from hookbus.testing.hosts import HostFactory, RecordingHost

JournalPlugin = pytest.importorskip("hookbus_journal.plugin").JournalPlugin


class Noted(Event, type="test.noted", key="about"):
    """Something to be kept."""

    about: str
    number: int = 0


class Answered(Event, type="test.answered", key="about"):
    """What a handler publishes."""

    about: str
    number: int = 0


FAST = Retry(attempts=5, delay=0.5)


@asynccontextmanager
async def running(
    factory: HostFactory, **settings: Any
) -> AsyncIterator[tuple[RecordingHost, Bus]]:
    """A host with a journal, and a voice on its bus."""
    host = factory(JournalPlugin, settings={"journal": settings})
    async with host:
        yield host, Bus(host.event_bus, "tester")
