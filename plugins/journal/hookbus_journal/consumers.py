"""Consumers: the memory of durable subscriptions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

import apsw
from hookbus import (
    Attempts,
    ConsumerState,
    DeadLetter,
    Delivery,
    Envelope,
    Statement,
    StoredEvent,
)

from hookbus_journal import deadletters
from hookbus_journal.sql import rows, value
from hookbus_journal.store import Store
from hookbus_journal.tasks import Call, Effect, Note


class Desk(Protocol):
    """What consumers need of the journal."""

    dead_letters: int

    def now_ns(self) -> int:
        """The time of the host's clock."""

    def do(self, call: Call) -> asyncio.Future[Any]:
        """Have the writer carry out a call."""

    def commit(
        self,
        perform: Callable[[Store], Any],
        statements: Sequence[Statement],
        envelopes: Sequence[Envelope],
        landed: Callable[[list[int]], None] | None = None,
    ) -> asyncio.Future[list[int]]:
        """Have the writer do something together with statements and events."""

    def read(self, types: Sequence[str], after: int, most: int) -> Awaitable[list[StoredEvent]]:
        """Read what is kept of some types."""


class StoredConsumer:
    """A consumer of the journal; see `hookbus.Consumer`."""

    def __init__(self, desk: Desk, name: str, types: Sequence[str]) -> None:
        self.name = name
        self.types = tuple(types)
        self.beginning = False
        self.retry: Callable[[int, StoredEvent], None] | None = None
        self._desk = desk

    def connect(self, store: Store, *, beginning: bool) -> None:
        """Note what it wants; a new one begins after the last event, or with the first."""
        store.connection.execute(
            'INSERT INTO consumers (name, types, "offset", created_ns, seen_ns) '
            "VALUES (?1, ?2, ?3, ?4, ?4) "
            "ON CONFLICT (name) DO UPDATE SET types = ?2, seen_ns = ?4",
            (
                self.name,
                json.dumps(self.types),
                0 if beginning else store.position,
                self._desk.now_ns(),
            ),
        )

    def opened(self) -> Awaitable[ConsumerState]:
        """Its state; an attempt that had begun and never ended counts as a crash."""

        beginning = self.beginning

        def perform(store: Store) -> ConsumerState:
            self.connect(store, beginning=beginning)
            return open_state(store, name=self.name)

        return self._desk.do(Note(perform))

    def read(self, after: int, most: int) -> Awaitable[list[StoredEvent]]:
        """Up to `most` events for it beyond a position."""
        return self._desk.read(self.types, after, most)

    def begin(self, delivery: Delivery) -> Awaitable[None]:
        """Note that an attempt begins."""
        return self._desk.do(Note(partial(begin, name=self.name, delivery=delivery)))

    def failed(self, delivery: Delivery) -> Awaitable[None]:
        """Note that it has failed."""
        return self._desk.do(
            Note(partial(end_attempt, name=self.name, delivery=delivery, failures=1))
        )

    def released(self, delivery: Delivery) -> Awaitable[None]:
        """Note that it was cancelled."""
        return self._desk.do(
            Note(partial(end_attempt, name=self.name, delivery=delivery, failures=0))
        )

    def finish(
        self,
        delivery: Delivery,
        offset: int,
        statements: Sequence[Statement] = (),
        envelopes: Sequence[Envelope] = (),
        landed: Callable[[list[int]], None] | None = None,
    ) -> Awaitable[list[int]]:
        """Commit that an event is handled, with its effects."""
        done = partial(finish, name=self.name, delivery=delivery, offset=offset)
        return self._desk.commit(done, statements, envelopes, landed)

    def bury(self, delivery: Delivery, offset: int, letter: DeadLetter) -> Awaitable[None]:
        """Move an event to the dead letters."""
        limit = self._desk.dead_letters

        def perform(store: Store) -> None:
            deadletters.bury(store.connection, self.name, delivery, letter, limit)
            pass_by(store, self.name, delivery, offset)

        return self._desk.do(Effect(perform))

    def on_retry(self, retry: Callable[[int, StoredEvent], None]) -> None:
        """Have `retry` called when somebody wants a dead letter tried again."""
        self.retry = retry

    @property
    def connected(self) -> bool:
        """Whether a subscription of this run uses it."""
        return self.retry is not None

    def close(self) -> None:
        """Tell nobody any more."""
        self.retry = None


def known(connection: apsw.Connection) -> dict[str, tuple[str, ...]]:
    """Every consumer, also of earlier runs, and the types that it wants."""
    found = rows(connection, "SELECT name, types FROM consumers ORDER BY name")
    return {name: tuple(json.loads(types)) for name, types in found}


def forget(connection: apsw.Connection, name: str) -> bool:
    """Forget a consumer and its place, but not its dead letters; whether there was one."""
    connection.execute("DELETE FROM finished WHERE consumer = ?", (name,))
    connection.execute("DELETE FROM attempts WHERE consumer = ?", (name,))
    connection.execute("DELETE FROM consumers WHERE name = ?", (name,))
    return connection.changes() > 0


def open_state(store: Store, *, name: str) -> ConsumerState:
    """Where a consumer stands; what had begun and never ended has crashed."""
    connection = store.connection
    connection.execute(
        "UPDATE attempts SET crashes = crashes + 1, begun = 0 WHERE consumer = ? AND begun", (name,)
    )
    offset = value(connection, 'SELECT "offset" FROM consumers WHERE name = ?', (name,))
    finished = rows(connection, "SELECT position FROM finished WHERE consumer = ?", (name,))
    tried = rows(
        connection, "SELECT position, failures, crashes FROM attempts WHERE consumer = ?", (name,)
    )
    return ConsumerState(
        head=store.position,
        offset=offset,
        finished=frozenset(position for (position,) in finished),
        attempts={position: Attempts(*counts) for position, *counts in tried},
        retrying=deadletters.retrying(connection, name),
    )


def begin(store: Store, *, name: str, delivery: Delivery) -> None:
    """From now on, the end of the process counts against the event."""
    store.connection.execute(
        "INSERT INTO attempts (consumer, position, begun) VALUES (?, ?, 1) "
        "ON CONFLICT (consumer, position) DO UPDATE SET begun = 1",
        (name, delivery.position),
    )


def end_attempt(store: Store, *, name: str, delivery: Delivery, failures: int) -> None:
    """The process has survived the attempt."""
    store.connection.execute(
        "UPDATE attempts SET begun = 0, failures = failures + ? "
        "WHERE consumer = ? AND position = ?",
        (failures, name, delivery.position),
    )


def finish(store: Store, *, name: str, delivery: Delivery, offset: int) -> None:
    """An event is handled: it is asked for no more."""
    if delivery.letter is not None:
        deadletters.discard(store.connection, [delivery.letter])
    pass_by(store, name, delivery, offset)


def pass_by(store: Store, name: str, delivery: Delivery, offset: int) -> None:
    """Note how far everything is finished, and what is beyond that."""
    execute, position = store.connection.execute, delivery.position
    execute("DELETE FROM attempts WHERE consumer = ? AND position = ?", (name, position))
    execute('UPDATE consumers SET "offset" = ?2 WHERE name = ?1 AND "offset" < ?2', (name, offset))
    execute("DELETE FROM finished WHERE consumer = ? AND position <= ?", (name, offset))
    if position > offset:
        execute("INSERT OR IGNORE INTO finished VALUES (?, ?)", (name, position))
