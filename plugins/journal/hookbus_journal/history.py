"""The history: kept events, read in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import apsw
from hookbus import StoredEvent

from hookbus_journal.names import matching
from hookbus_journal.readers import Readers
from hookbus_journal.rows import SELECT, stored

PAGE: Final = 500
"""Events that are read at once."""

SPAN: Final = 50_000
"""Positions that one statement looks at, so that it is short also where little is wanted."""


@dataclass(frozen=True, slots=True)
class Span:
    """Events of some types within positions, and from a time on where that is given."""

    types: tuple[str, ...]
    after: int
    to: int
    since_ns: int | None = None


def page(connection: apsw.Connection, span: Span, most: int) -> tuple[list[StoredEvent], int]:
    """The first `most` events of a span at the most, and the position up to which it looked."""
    to = min(span.to, span.after + SPAN)
    numbers = matching(connection.execute("SELECT id, name FROM types").fetchall(), span.types)
    wanted = ",".join(map(str, numbers))
    sql = f"{SELECT} WHERE position > ? AND position <= ? AND type IN ({wanted})"
    parameters: list[Any] = [span.after, to]
    if span.since_ns is not None:
        sql += " AND time_ns >= ?"
        parameters.append(span.since_ns)
    rows = connection.execute(f"{sql} ORDER BY position LIMIT ?", (*parameters, most)).fetchall()
    return [stored(row) for row in rows], rows[-1][0] if len(rows) == most else to


def bounds(connection: apsw.Connection, since_ns: int | None) -> tuple[int, int]:
    """The first position that matters, and the last."""
    first = "min(position)"
    if since_ns is not None:
        first = "(SELECT min(position) FROM events INDEXED BY events_time WHERE time_ns >= ?1)"
    sql = f"SELECT ifnull({first}, 0), ifnull(max(position), 0) FROM events"
    parameters = () if since_ns is None else (since_ns,)
    found: tuple[int, int] = connection.execute(sql, parameters).fetchall()[0]
    return found


async def read(readers: Readers, types: Sequence[str], after: int, most: int) -> list[StoredEvent]:
    """Up to `most` events of some types beyond a position, oldest first."""
    first, last = await readers.run_short(partial(bounds, since_ns=None))
    span = Span(tuple(types), max(after, first - 1), last)
    found: list[StoredEvent] = []
    while span.after < last and len(found) < most:
        events, reached = await readers.run_short(partial(page, span=span, most=most - len(found)))
        found += events
        span = Span(span.types, reached, last)
    return found


async def walk(
    readers: Readers, types: Sequence[str], since_ns: int | None, after: int
) -> AsyncIterator[StoredEvent]:
    """Events of some types from a time on and beyond a position, oldest first, up to now."""
    first, last = await readers.run_short(partial(bounds, since_ns=since_ns))
    if not first:
        return
    span = Span(tuple(types), max(after, first - 1), last, since_ns)
    while span.after < last:
        events, reached = await readers.run_short(partial(page, span=span, most=PAGE))
        for event in events:
            yield event
        span = Span(span.types, reached, last, since_ns)
