"""The history: kept events, read in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

import apsw
from hookbus import StoredEvent

from hookbus_journal.readers import Readers
from hookbus_journal.selection import events, events_before, select
from hookbus_journal.sql import row

PAGE: Final = 500
"""Events that are read at once."""


def page(
    connection: apsw.Connection,
    types: Sequence[str],
    after: int,
    most: int = PAGE,
    since_ns: int | None = None,
) -> list[StoredEvent]:
    """The first `most` events of some types beyond a position, oldest first.

    With `since_ns` none before the first event of that time or a later one.
    """
    if since_ns is not None:
        first, last = bounds(connection, since_ns)
        after = max(after, first - 1 if first else last)
    return events(connection, select(connection, types), after, most)


def latest(
    connection: apsw.Connection, types: Sequence[str], before: int | None, most: int
) -> list[StoredEvent]:
    """The last `most` events of some types before a position, newest first."""
    return events_before(connection, select(connection, types), before, most)


def bounds(connection: apsw.Connection, since_ns: int | None) -> tuple[int, int]:
    """The first position that matters, and the last; zeros where there is none."""
    sql = "SELECT ifnull(min(position), 0), ifnull((SELECT max(position) FROM events), 0) FROM "
    if since_ns is None:
        found: tuple[int, int] = row(connection, f"{sql} events")
    else:
        sql += "events INDEXED BY events_time WHERE time_ns >= ?"
        found = row(connection, sql, (since_ns,))
    return found


async def walk(
    readers: Readers, types: Sequence[str], since_ns: int | None, after: int
) -> AsyncIterator[StoredEvent]:
    """Events of some types from a time on and beyond a position, oldest first, up to now.

    Where the clock was set back, an event may come after one with a later time.
    """
    first, last = await readers.run_short(partial(bounds, since_ns=since_ns))
    if not first:
        return
    after = max(after, first - 1)
    while after < last:
        found = await readers.run_short(partial(page, types=types, after=after))
        for event in found:
            after = event.position
            if after <= last and (since_ns is None or event.time_ns >= since_ns):
                yield event
        if len(found) < PAGE:
            return
