"""Events, envelopes and sessions that the tests of the journal work with."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hookbus import Clock, Envelope, Event, SystemClock
from hookbus.envelope import Origin
from hookbus.logs import make_logger
from hookbus_journal.session import Session, Surroundings
from hookbus_journal.settings import JournalSettings
from pydantic import Field

NOON = 1_388_664_000_000_000_000
"""2014-01-02 12:00 UTC, in nanoseconds since 1970."""

RUN = "test-run"


class Traded(Event, type="sample.traded", key="symbol"):
    """An ordinary event."""

    symbol: str = Field("BTC", description="instrument")
    price: float = Field(1.5, description="price")


class Ordered(Event, type="sample.ordered", version=3):
    """Another one."""

    note: str = Field("", description="any text")


class Anything(Event, type="other.anything"):
    """An event that holds whatever the test needs."""

    value: Any = Field(None, description="any value")


def envelope(event: Event, sequence: int, *, cause: int | None = None) -> Envelope:
    """An event as the bus would hand it over, published at noon by the plugin `paper`."""
    root = sequence if cause is None else cause
    return Envelope(event, sequence, NOON + sequence, Origin(RUN, "paper"), root, cause, 0)


def envelopes(count: int, first: int = 1) -> list[Envelope]:
    """Ordinary events, one after the other."""
    return [envelope(Traded(price=float(n)), n) for n in range(first, first + count)]


class Told:
    """What a session published, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Take what is published."""
        self.events.append(event)

    def of(self, cls: type[Event]) -> list[Event]:
        """The events of one class."""
        return [event for event in self.events if isinstance(event, cls)]


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    clock: Clock | None = None,
    told: Told | None = None,
    run: str = RUN,
    settings: dict[str, Any] | None = None,
    **around: Any,
) -> AsyncIterator[Session]:
    """A session on the journal in a folder, closed in the end."""
    session = Session(
        folder,
        JournalSettings(**{"reserve_bytes": 65_536, **(settings or {})}),
        Surroundings(
            run=run,
            host_version="0",
            clock=clock or SystemClock(),
            log=make_logger(stream=io.StringIO()),
            publish=told or Told(),
            **around,
        ),
    )
    await session.open()
    try:
        yield session
    finally:
        await session.close()


async def append(session: Session, *wanted: Envelope) -> list[int]:
    """Commit events; returns their positions, raises the first error."""
    loop = asyncio.get_running_loop()
    futures = []
    for one in wanted:
        future: asyncio.Future[int] = loop.create_future()
        futures.append(future)
        session.journal.append(one, _settler(future))
    return list(await asyncio.gather(*futures))


def _settler(future: Any) -> Any:
    def done(position: int, error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(position)
        else:
            future.set_exception(error)

    return done
