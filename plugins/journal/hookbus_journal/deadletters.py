"""Dead letters: the events that consumers gave up, on a connection to the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import apsw
from hookbus import DeadLetter, DeadLettersFull, Delivery, StoredEvent

from hookbus_journal.rows import from_cloudevent
from hookbus_journal.sql import row, rows, value

_COLUMNS = (
    "id, consumer, position, type, key, envelope, error, traceback, failures, crashes, time_ns, "
    "retrying"
)


class Letter(NamedTuple):
    """A dead letter as it is kept."""

    id: int
    consumer: str
    position: int
    type: str
    key: str | None
    envelope: str
    error: str
    traceback: str
    failures: int
    crashes: int
    time_ns: int
    retrying: bool

    @property
    def event(self) -> StoredEvent:
        """The event that was given up."""
        return from_cloudevent(self.envelope, self.position)


def listed(
    connection: apsw.Connection, consumer: str | None = None, limit: int = 100, after: int = 0
) -> list[Letter]:
    """Dead letters, oldest first, beyond the number `after`: of one consumer, or of all."""
    sql = f"SELECT {_COLUMNS} FROM dead_letters WHERE id > ?1 AND consumer = ifnull(?2, consumer) "
    found = rows(connection, f"{sql} ORDER BY id LIMIT ?3", (after, consumer, limit))
    return [Letter(*one) for one in found]


def shown(connection: apsw.Connection, letter: int) -> Letter | None:
    """One dead letter; None where there is no such number."""
    sql = f"SELECT {_COLUMNS} FROM dead_letters WHERE id = ?"
    found = row(connection, sql, (letter,))
    return None if found is None else Letter(*found)


def count(connection: apsw.Connection) -> int:
    """How many there are."""
    number: int = value(connection, "SELECT count(*) FROM dead_letters")
    return number


def retry(connection: apsw.Connection, letters: Sequence[int]) -> list[Letter]:
    """Mark dead letters as to be tried again; returns those that were not marked before."""
    marked = []
    for number in letters:
        letter = shown(connection, number)
        if letter is not None and not letter.retrying:
            connection.execute("UPDATE dead_letters SET retrying = 1 WHERE id = ?", (number,))
            marked.append(letter)
    return marked


def discard(connection: apsw.Connection, letters: Sequence[int]) -> int:
    """Remove dead letters for good; returns how many there were."""
    removed = 0
    for number in letters:
        connection.execute("DELETE FROM dead_letters WHERE id = ?", (number,))
        removed += connection.changes()
    return removed


def retrying(connection: apsw.Connection, consumer: str) -> dict[int, StoredEvent]:
    """The events of a consumer that are to be tried again, by the number of the dead letter."""
    sql = f"SELECT {_COLUMNS} FROM dead_letters WHERE consumer = ? AND retrying ORDER BY id"
    letters = [Letter(*one) for one in rows(connection, sql, (consumer,))]
    return {letter.id: letter.event for letter in letters}


def bury(
    connection: apsw.Connection, consumer: str, delivery: Delivery, letter: DeadLetter, limit: int
) -> None:
    """Keep a dead letter; one that was tried again takes its old place.

    Raises `DeadLettersFull` when there are `limit` of them.
    """
    tried = letter.attempts
    figures = (letter.error, letter.traceback, tried.failures, tried.crashes, letter.time_ns)
    if delivery.letter is not None:
        connection.execute(
            "UPDATE dead_letters SET error = ?, traceback = ?, failures = ?, crashes = ?, "
            "time_ns = ?, retrying = 0 WHERE id = ?",
            (*figures, delivery.letter),
        )
        return
    if count(connection) >= limit:
        raise DeadLettersFull(
            f"there are {limit:,} dead letters, as many as [plugins.journal] dead_letters allows; "
            "retry or discard some, and the consumer goes on"
        )
    event = from_cloudevent(letter.envelope, delivery.position)
    connection.execute(
        f"INSERT INTO dead_letters ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (consumer, delivery.position, event.type, event.key, letter.envelope, *figures),
    )
