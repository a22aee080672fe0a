"""Asking the journal that a run in a test has left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookbus.testing import HostFactory, RecordingHost
from hookbus_journal import JournalPlugin
from hookbus_journal.database import open_for_reading
from hookbus_journal.why.answer import Answer, explain
from hookbus_journal.why.cause import Cause
from hookbus_journal.why.question import ask
from hookbus_journal.why.reader import Reader

from tests.plugins.journal.shop import Act, Shop, Wished


def answered(path: Path, type_: str | None, **question: str | None) -> Answer:
    """What a journal answers to `why-not`."""
    connection = open_for_reading(path)
    try:
        reader = Reader(connection)
        return explain(reader, ask(reader, type_, **question))
    finally:
        connection.close()


def only(answer: Answer, kind: str) -> Cause:
    """The one cause of a kind."""
    (found,) = (cause for cause in answer.causes if cause.kind == kind)
    return found


async def later(host: RecordingHost, seconds: float) -> None:
    """Let everything be handled, and time pass."""
    await host.settled()
    await asyncio.sleep(seconds)


class ShopRun:
    """A day in the shop: one sale as an example, and then what a test does, an hour later."""

    def __init__(self, make_host: HostFactory, folder: Path) -> None:
        self._make_host = make_host
        self.path = folder / ".hookbus" / "journal" / "simulation.db"

    async def __call__(
        self,
        act: Act | None = None,
        *,
        wishes: int = 1,
        config: Mapping[str, Any] | None = None,
        **shop: Any,
    ) -> None:
        """Run it: `wishes` for the trick, or whatever `act` does."""
        settings = {"shop": shop, "journal": {}}
        host = self._make_host(JournalPlugin, Shop, settings=settings, config=config)
        async with host:
            await host.bus.publish(Wished(item="tea"))
            await later(host, 3600)
            if act is not None:
                await act(host)
            for _ in range(0 if act else wishes):
                await host.bus.publish(Wished(item="trick"))
            await asyncio.sleep(1)

    def why_not(self, type_: str | None = "shop.bought", **question: str | None) -> Answer:
        """Why nothing of a type came about after that hour."""
        question.setdefault("since", "2024-01-01T01:00")
        return answered(self.path, type_, **question)
