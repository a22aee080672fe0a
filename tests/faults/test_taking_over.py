"""Taking over: a consumer is closed while the journal stores nothing, and opened again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from hookbus import Bus, Journal, JournalError, Statement, Transaction
from hookbus.testing.hosts import HostFactory
from hookbus_journal.consumers import StoredConsumer
from hookbus_journal.plugin import JournalPlugin

from tests.faults.workload import Answered, Happened


@pytest.mark.real_time
async def test_a_closed_consumer_does_not_finish_what_another_one_has_taken_over(
    host_factory: HostFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for the journal to store its effect when it is closed; the effect comes once."""
    refusing, refused = True, asyncio.Event()
    finish = StoredConsumer.finish

    def reluctant(self: StoredConsumer, *arguments: Any) -> Awaitable[list[int]]:
        if not refusing:
            return finish(self, *arguments)
        refused.set()
        raise JournalError("not now")

    async def handle(event: Happened, transaction: Transaction) -> None:
        transaction.execute("INSERT INTO effects VALUES (?)", event.mark)
        transaction.publish(Answered(key=event.key, mark=event.mark))

    monkeypatch.setattr(StoredConsumer, "finish", reluctant)
    async with host_factory(JournalPlugin, config={"host": {"state": str(tmp_path)}}) as host:
        bus, journal = Bus(host.event_bus, "tester"), host.services.get(Journal, "tester")
        await journal.transact([Statement("CREATE TABLE effects (mark)")])
        options: dict[str, Any] = {"delivery": "durable", "name": "mine", "transaction": True}
        first = bus.subscribe(Happened, handle, **options)
        await bus.publish(Happened(key="a", mark="one"))
        await refused.wait()
        first.close()
        refusing = False
        bus.subscribe(Happened, handle, **options)
        await asyncio.sleep(0.3)
        await host.settled()
        assert await journal.query(Statement("SELECT mark FROM effects")) == [("one",)]


@pytest.mark.real_time
async def test_a_consumer_begins_where_it_was_first_asked_to(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Whoever opens it anew before it is stored does not move its place."""
    got: list[str] = []

    async def handle(event: Happened) -> None:
        got.append(event.mark)

    settings = {"journal": {"durable": ["fault.*"]}}
    state = {"host": {"state": str(tmp_path)}}
    async with host_factory(JournalPlugin, settings=settings, config=state) as host:
        bus = Bus(host.event_bus, "tester")
        await bus.publish(Happened(key="a", mark="one"))
        options: dict[str, Any] = {"delivery": "durable", "name": "mine"}
        bus.subscribe(Happened, handle, start="beginning", **options).close()
        bus.subscribe(Happened, handle, start="now", **options)
        await host.settled()
        assert got == ["one"]
