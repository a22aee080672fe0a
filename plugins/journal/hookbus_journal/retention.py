"""Retention: what is too old or too much is removed, but never what a consumer still needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import apsw

from hookbus_journal.selection import Selection, count, first_unfinished, select
from hookbus_journal.sql import rows, value
from hookbus_journal.store import Store

AT_ONCE: Final = 250
"""Events that one transaction removes at the most, so that others need not wait long."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a consumer has not finished: how many events, and the first of them."""

    consumer: str
    events: int
    first: int | None


def waiting(connection: apsw.Connection) -> list[Waiting]:
    """What every consumer has not finished, by name."""
    beyond = "SELECT count(*) FROM finished WHERE consumer = ? AND position > ?"
    found = []
    for name, wanted, offset in _consumers(connection):
        left = count(connection, wanted, offset) - value(connection, beyond, (name, offset))
        found.append(Waiting(name, left, first_unfinished(connection, wanted, name, offset)))
    return found


def needed_from(connection: apsw.Connection) -> int | None:
    """The first position that some consumer wants and has not finished; None without one."""
    firsts = (
        first_unfinished(connection, wanted, name, offset)
        for name, wanted, offset in _consumers(connection)
    )
    return min((first for first in firsts if first is not None), default=None)


def _consumers(connection: apsw.Connection) -> list[tuple[str, Selection, int]]:
    sql = 'SELECT name, types, "offset" FROM consumers ORDER BY name'
    return [
        (name, select(connection, json.loads(types)), offset)
        for name, types, offset in rows(connection, sql)
    ]


def used_bytes(connection: apsw.Connection) -> int:
    """What the database holds, without the room that is free inside of it."""
    pages: int = value(connection, "PRAGMA page_count") - value(connection, "PRAGMA freelist_count")
    size: int = value(connection, "PRAGMA page_size")
    return pages * size


def prune(store: Store, *, before_ns: int, keep_bytes: int, most: int = AT_ONCE) -> int:
    """Remove the oldest events that are too old or too much, up to `most`; returns how many."""
    connection = store.connection
    too_much = used_bytes(connection) > keep_bytes
    sql = "SELECT position, time_ns FROM events WHERE position < ifnull(?, position + 1) "
    oldest = rows(connection, f"{sql} ORDER BY position LIMIT ?", (needed_from(connection), most))
    last = 0
    for position, time_ns in oldest:
        if not (too_much or time_ns < before_ns):
            break
        last = position
    connection.execute("DELETE FROM accounts WHERE time_ns < ?", (before_ns,))
    connection.execute("DELETE FROM gaps WHERE time_ns < ?", (before_ns,))
    if not last:
        return 0
    store.remember_position()
    connection.execute("DELETE FROM events WHERE position <= ?", (last,))
    return connection.changes()
