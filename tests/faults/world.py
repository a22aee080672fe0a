"""World: one bus with one journal, as the model of durable delivery knows it."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, Literal

from hookbus import Bus, Envelope, Retry, Statement, SystemClock, Transaction
from hookbus.bus.durable.subscription import DurableSubscription
from hookbus.bus.eventbus import EventBus
from hookbus.logs import make_logger
from hookbus_journal import retention
from hookbus_journal.session import Session, Surroundings
from hookbus_journal.settings import JournalSettings
from hookbus_journal.store import Store
from hookbus_journal.tasks import Note

from tests.faults.records import Record, stored_events
from tests.faults.workload import Answered, Happened

FAILURES = 2
CRASHES = 3
RETRY = Retry(attempts=FAILURES, delay=0.001)

Consumer = Literal["one", "two", "plain"]


class World:
    """One bus on one journal, from a start to a crash or an orderly end."""

    def __init__(self, folder: Path, number: int, record: Record) -> None:
        self.record = record
        self.folder = folder
        self.open: dict[Consumer, DurableSubscription] = {}
        self.gone = False
        self._number = number

    async def start(self) -> None:
        """Open the journal and make a bus with it."""
        run, clock, log = f"run{self._number}", SystemClock(), make_logger("critical")
        around = Surroundings(run, "0", clock, log, lambda event: None)
        self.session = Session(
            self.folder, JournalSettings(reserve_bytes=0, durable=("fault.*",)), around
        )
        await self.session.open()
        self.bus = EventBus(clock, log, run=run)
        self.bus.registry.register(Happened, "test")
        self.bus.registry.register(Answered, "test")
        self.bus.commits.attach(self.session.journal)
        self.voice = Bus(self.bus, "test")
        self.voice.subscribe((Happened, Answered), self._hear, mode="inline", envelope=True)
        table = "CREATE TABLE IF NOT EXISTS effects (id INTEGER PRIMARY KEY, consumer, mark, key)"
        await self.session.journal.transact([Statement(table)])
        self._heard: list[int] = []

    # What is done with it

    async def publish(self, key: str, mark: str) -> None:
        """Publish an event, and note that it was acknowledged."""
        await self.voice.publish(Happened(key=key, mark=mark))
        if not self.gone:
            self.record.acknowledged.add(mark)

    def subscribe(self, name: Consumer, options: dict[str, Any]) -> None:
        """Open a consumer; `plain` has no transaction and hears of answers, too."""
        filters = (Happened, Answered) if name == "plain" else (Happened,)
        handler = partial(self._keep, name) if name == "plain" else partial(self._affect, name)
        subscription = self.voice.subscribe(
            filters, handler, name=name, delivery="durable", retry=RETRY, crashes=CRASHES,
            transaction=name != "plain", **options,
        )  # fmt: skip
        assert isinstance(subscription, DurableSubscription)
        self.open[name] = subscription

    async def _affect(self, name: Consumer, event: Happened, transaction: Transaction) -> None:
        transaction.publish(Answered(key=event.key, mark=f"{name}/{event.mark}"))
        sql = "INSERT INTO effects (consumer, mark, key) VALUES (?, ?, ?)"
        transaction.execute(sql, name, event.mark, event.key)
        await asyncio.sleep(0)
        self._fail(name, event.mark)

    async def _keep(self, name: Consumer, event: Happened | Answered) -> None:
        await asyncio.sleep(0)
        self._fail(name, event.mark)
        if not self.gone:
            self.record.handled[event.mark] += 1

    def _fail(self, name: Consumer, mark: str) -> None:
        failures = self.record.failures
        if (
            not self.gone
            and self.record.failing
            and failures[name, mark] < self.record.harm.get(mark, 0)
        ):
            failures[name, mark] += 1
            raise RuntimeError("cannot be handled yet")

    def _hear(self, envelope: Envelope) -> None:
        self._heard.append(envelope.sequence)

    async def prune(self) -> int:
        """Remove all events that nobody needs, and remember them."""

        def perform(store: Store) -> int:
            self.record.events.update(stored_events(store.connection))
            return retention.prune(store, before_ns=2**62, keep_bytes=2**40)

        await self.session.journal.flushed()
        removed: int = await self.session.journal.do(Note(perform))
        return removed

    async def settled(self) -> None:
        """Wait until every open consumer has finished."""
        async with asyncio.timeout(20):
            await self.bus.settled()

    def mistakes(self) -> list[str]:
        """What the books of the bus say, and the order in which events were dispatched."""
        return list(self.bus.ledger.report().discrepancies)

    async def check_order(self) -> list[str]:
        """Whether all durable events of this run were dispatched in the order of the journal."""
        sql = (
            "SELECT sequence FROM events JOIN runs ON runs.id = run "
            "WHERE durable AND runs.name = ? ORDER BY position"
        )
        found = await self.session.journal.query(Statement(sql, (self.bus.run,)))
        kept = {sequence: place for place, (sequence,) in enumerate(found)}
        places = [kept[one] for one in self._heard if one in kept]
        return [] if places == sorted(places) else [f"dispatched in the order {places}"]

    # Its end

    def abandon(self) -> None:
        """Nothing that happens from now on counts: the process has been killed."""
        self.gone = True

    async def end(self) -> None:
        """Close all, as a host does that is stopped."""
        self.bus.commits.begin_no_more()
        await self.settled()
        self.bus.close()
        await self.session.close()
