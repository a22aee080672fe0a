"""One order: that of the journal, for whoever hears of durable events, however they come about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hookbus import (
    Bus,
    Clock,
    ConsumerState,
    Envelope,
    Journal,
    Statement,
    StoredEvent,
    Transaction,
)
from hookbus.bus.durable.backlog import Backlog
from hookbus.bus.durable.restoring import restore
from hookbus.events import EventRegistry
from hookbus.testing.hosts import HostFactory, RecordingHost
from hookbus_journal.plugin import JournalPlugin
from hookbus_journal.tasks import Effect

from tests.faults import planted
from tests.faults.workload import Answered, Happened


@pytest.mark.real_time
async def test_what_a_transaction_publishes_keeps_its_place_in_the_order(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Answers are dispatched between the events that were committed before and after them."""
    async with host_factory(JournalPlugin, config={"host": {"state": str(tmp_path)}}) as host:
        heard, kept = await _heard_and_kept(host)
        assert heard == kept


@pytest.mark.real_time
async def test_answers_out_of_their_place_are_noticed(
    host_factory: HostFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same events with that bug are heard in another order than that of the journal."""
    monkeypatch.setattr(Effect, "settle", Effect.settle)
    planted.dispatch_answers_late()
    async with host_factory(JournalPlugin, config={"host": {"state": str(tmp_path)}}) as host:
        heard, kept = await _heard_and_kept(host)
        assert heard != kept
        assert sorted(heard) == sorted(kept)


async def _heard_and_kept(host: RecordingHost) -> tuple[list[int], list[int]]:
    """The sequences of events and their answers, as they were dispatched, and in the journal."""
    bus, heard = Bus(host.event_bus, "tester"), list[int]()

    async def answer(event: Happened, transaction: Transaction) -> None:
        transaction.publish(Answered(key=event.key, mark=event.mark))

    def hear(envelope: Envelope) -> None:
        heard.append(envelope.sequence)

    async def publish(key: str) -> None:
        for number in range(60):
            await bus.publish(Happened(key=key, mark=f"{key}-{number}"))

    bus.subscribe(Happened, answer, delivery="durable", name="answering", transaction=True)
    bus.subscribe((Happened, Answered), hear, mode="inline", envelope=True)
    await asyncio.gather(*(publish(f"{number}") for number in range(8)))
    await host.settled()
    journal = host.services.get(Journal, "tester")
    sql = "SELECT sequence FROM events WHERE durable ORDER BY position"
    return heard, [sequence for (sequence,) in await journal.query(Statement(sql))]


class Shelf:
    """A journal of one type, read by a backlog; `while_reading` happens during a read."""

    def __init__(self) -> None:
        self.kept: list[StoredEvent] = []
        self.while_reading: Callable[[], None] = lambda: None

    def keep(self, *positions: int) -> None:
        """Add events."""
        for position in positions:
            data = Happened(key="a", mark=str(position)).model_dump_json()
            self.kept.append(
                StoredEvent(
                    position, "run", position, "fault.happened", 1, "test", 0, "a",
                    f"run-{position}", None, 0, data,
                )
            )  # fmt: skip

    async def read(self, after: int, most: int) -> list[StoredEvent]:
        """What is kept when the read begins."""
        found = [one for one in self.kept if one.position > after][:most]
        self.while_reading()
        return found

    def envelope(self, position: int) -> Envelope:
        """One of the events, as its publisher has it."""
        return restore(self.kept[position - 1], REGISTRY)


REGISTRY = EventRegistry()
REGISTRY.register(Happened, "test")


def _backlog(shelf: Shelf, head: int = 0, capacity: int = 10) -> Backlog:
    backlog = Backlog(shelf.read, REGISTRY, capacity)
    backlog.open(ConsumerState(head, 0, frozenset(), {}, {}))
    return backlog


async def _taken(backlog: Backlog) -> list[int]:
    return [item.delivery.position for item in await backlog.take(100)]


async def test_what_was_read_before_its_publisher_heard_of_it_comes_once(
    simulated_clock: Clock,
) -> None:
    """A reader may see a commit before the event loop is told of it."""
    shelf = Shelf()
    shelf.keep(1, 2, 3)
    backlog = _backlog(shelf)
    backlog.offer(1, shelf.envelope(1))
    assert await _taken(backlog) == [1, 2, 3]
    backlog.offer(2, shelf.envelope(2))
    backlog.offer(3, shelf.envelope(3))
    shelf.keep(4)
    backlog.offer(4, shelf.envelope(4))
    assert await _taken(backlog) == [4]
    assert (backlog.read_to, backlog.waiting, backlog.offered) == (4, 0, 4)


async def test_what_overflows_before_the_opening_is_counted_once(simulated_clock: Clock) -> None:
    """More than fits may be committed while a consumer is being opened."""
    shelf = Shelf()
    shelf.keep(1, 2, 3, 4, 5)
    backlog = Backlog(shelf.read, REGISTRY, 2)
    for position in (1, 2, 3, 4, 5):
        backlog.offer(position, shelf.envelope(position))
    backlog.open(ConsumerState(4, 0, frozenset(), {}, {}))
    assert await _taken(backlog) == [1, 2, 3, 4, 5]
    assert (backlog.older, backlog.offered, backlog.waiting) == (0, 5, 0)


async def test_what_was_chosen_without_a_new_type_is_read_again(simulated_clock: Clock) -> None:
    """Events of a type that is learnt during a read are not passed by."""
    shelf = Shelf()
    shelf.keep(2)
    backlog = _backlog(shelf)
    shelf.while_reading = backlog.widen
    assert await _taken(backlog) == []
    assert backlog.read_to == 0
    shelf.while_reading = lambda: None
    shelf.kept.clear()
    shelf.keep(1, 2)
    assert await _taken(backlog) == [1, 2]
