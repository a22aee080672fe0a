"""A plugin under load: publishers that note what was acknowledged, and durable consumers.

Also a plugin in a single file, for `hookbus run --plugin`.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from hookbus import (
    Event,
    Journal,
    Plugin,
    PluginContext,
    Retry,
    Settings,
    Statement,
    Transaction,
    hookimpl,
)
from pydantic import Field

KEYS = 4
"""Keys that each publisher publishes for in turn."""

Harm = Literal["raises", "hangs", "kills", "exits"]


class Happened(Event, type="fault.happened", key="key"):
    """Something that must not be lost."""

    key: str
    mark: str = Field(description="names it among all events of all lives")


class Answered(Event, type="fault.answered", key="key"):
    """What the consumer with a transaction publishes, once for each event."""

    key: str
    mark: str = Field(description="the mark of the event that it answers")


class WorkloadSettings(Settings):
    """What is published, and what goes wrong on the way."""

    folder: Path = Field(description="folder of the files that are written beside the journal")
    life: int = Field(0, description="number of this life of the host, part of every mark")
    publishers: int = Field(0, ge=0, description="tasks that publish one event after the other")
    events: int | None = Field(None, description="events of each publisher; unset: no end")
    pause: float = Field(0.0, ge=0, description="seconds between two events of a publisher")
    harm: dict[str, Harm] = Field({}, description="what the handling of a mark does, by mark")
    concurrency: int = Field(4, ge=1, description="handlers of each consumer at a time")
    linger: float = Field(0.0, ge=0, description="seconds that each handler takes")
    retry_letters: bool = Field(False, description="have all dead letters tried again")
    crashes: int = Field(3, ge=1, description="crashes after which an event is given up")
    timeout: float = Field(30.0, gt=0, description="seconds for one attempt")
    retry_delay: float = Field(0.01, ge=0, description="seconds before the second attempt")


class Workload(Plugin):
    """Publishes durable events, handles each in a transaction, and again without one."""

    name = "workload"
    requires = ("journal",)
    Settings = WorkloadSettings

    settings: WorkloadSettings

    @hookimpl
    def hookbus_events(self) -> Iterable[type[Event]]:
        """What is published."""
        return (Happened, Answered)

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Make the table of effects, and open the consumers."""
        folder = self.settings.folder
        self._acknowledged = Lines(folder / "acknowledged")
        self._handled = Lines(folder / "handled")
        journal = context.service(Journal)
        await journal.transact(
            [Statement("CREATE TABLE IF NOT EXISTS effects (id INTEGER PRIMARY KEY, mark, key)")]
        )
        options: dict[str, Any] = {
            "delivery": "durable",
            "concurrency": self.settings.concurrency,
            "crashes": self.settings.crashes,
            "timeout": self.settings.timeout,
            "retry": Retry(attempts=5, delay=self.settings.retry_delay),
        }
        context.bus.subscribe(Happened, self._affect, name="effects", transaction=True, **options)
        context.bus.subscribe((Happened, Answered), self._keep, name="keeper", **options)

    @hookimpl
    async def hookbus_ready(self, context: PluginContext) -> None:
        """Begin to publish, and to look at the books of the bus."""
        context.start_task(self._audit(context), "audit")
        if self.settings.retry_letters:
            journal: Any = context.service(Journal)
            letters = await journal.query(Statement("SELECT id FROM dead_letters"))
            await journal.retry([number for (number,) in letters])
        self._publishers = [
            context.start_task(self._publish(context, number), f"publisher-{number}")
            for number in range(self.settings.publishers)
        ]

    async def published(self) -> None:
        """Wait until the publishers have done what they were asked for."""
        await asyncio.gather(*self._publishers)

    async def _publish(self, context: PluginContext, publisher: int) -> None:
        life, number = self.settings.life, 0
        while self.settings.events is None or number < self.settings.events:
            mark = f"{life}-{publisher}-{number}"
            await context.bus.publish(Happened(key=f"{publisher}-{number % KEYS}", mark=mark))
            self._acknowledged.write(mark)
            number += 1
            await asyncio.sleep(self.settings.pause)

    async def _audit(self, context: PluginContext) -> None:
        found = Lines(self.settings.folder / "discrepancies")
        while True:
            for line in context.ledger().discrepancies:
                found.write(line)
            await asyncio.sleep(0.25)

    async def _affect(self, event: Happened, transaction: Transaction) -> None:
        transaction.execute("INSERT INTO effects (mark, key) VALUES (?, ?)", event.mark, event.key)
        transaction.publish(Answered(key=event.key, mark=event.mark))
        await self._suffer(event)

    async def _keep(self, event: Happened | Answered) -> None:
        await asyncio.sleep(self.settings.linger)
        kind = "happened" if isinstance(event, Happened) else "answered"
        self._handled.write(f"{kind} {event.key} {event.mark}")

    async def _suffer(self, event: Happened) -> None:
        match self.settings.harm.get(event.mark):
            case "raises":
                raise RuntimeError("cannot be handled")
            case "hangs":
                await asyncio.Event().wait()
            case "kills":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exits":
                os._exit(70)
            case None:
                await asyncio.sleep(self.settings.linger)


class Lines:
    """A file that lines are added to at once, so that no kill takes back what was written."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, line: str) -> None:
        """Add a line."""
        os.write(self._file, f"{line}\n".encode())
