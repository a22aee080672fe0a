"""Retention: what is too old or too much is removed, but never what a consumer still needs."""

from __future__ import annotations

import json
from typing import Final

import apsw

from hookbus_journal.names import matching
from hookbus_journal.store import Store

AT_ONCE: Final = 1_000
"""Events that one transaction removes at the most, so that others need not wait long."""


def needed_from(connection: apsw.Connection, consumer: str | None = None) -> int | None:
    """The first position that some consumer wants and has not finished; None where there is none.

    With `consumer`, the first that this one needs.
    """
    sql = 'SELECT name, types, "offset" FROM consumers WHERE name = ifnull(?, name)'
    rows = connection.execute(sql, (consumer,)).fetchall()
    names = connection.execute("SELECT id, name FROM types").fetchall()
    needed = (
        _first_unfinished(connection, name, matching(names, json.loads(types)), offset)
        for name, types, offset in rows
    )
    return min((position for position in needed if position is not None), default=None)


def _first_unfinished(
    connection: apsw.Connection, consumer: str, types: list[int], offset: int
) -> int | None:
    wanted = ",".join(map(str, types))
    row = connection.execute(
        f"SELECT position FROM events WHERE position > ? AND type IN ({wanted}) AND position "
        "NOT IN (SELECT position FROM finished WHERE consumer = ?) ORDER BY position LIMIT 1",
        (offset, consumer),
    ).fetchone()
    return None if row is None else int(row[0])


def used_bytes(connection: apsw.Connection) -> int:
    """What the database holds, without room that is free inside of it."""
    pages = connection.pragma("page_count") - connection.pragma("freelist_count")
    return int(pages * connection.pragma("page_size"))


def prune(store: Store, *, before_ns: int, keep_bytes: int, most: int = AT_ONCE) -> int:
    """Remove the oldest events that are too old or too much, up to `most`; returns how many."""
    connection = store.connection
    limit = needed_from(connection)
    too_much = used_bytes(connection) > keep_bytes
    oldest = connection.execute(
        "SELECT position, time_ns FROM events WHERE position < ifnull(?, position + 1) "
        "ORDER BY position LIMIT ?",
        (limit, most),
    ).fetchall()
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
