"""The selection: which events are of some types, found through the index on types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import apsw
from hookbus import StoredEvent

from hookbus_journal.names import matching
from hookbus_journal.rows import SELECT, stored
from hookbus_journal.sql import rows, value

_OF_ONE_TYPE: Final = (
    "SELECT * FROM (SELECT position FROM events WHERE type = {} AND position {} ?1 "
    "ORDER BY position {} LIMIT ?2)"
)

LAST: Final = (1 << 63) - 1
"""The last position that there can be."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The types whose wire names fit some patterns, as numbers; `every` where that is all."""

    numbers: tuple[int, ...]
    every: bool


def select(connection: apsw.Connection, patterns: Sequence[str]) -> Selection:
    """The types that fit any of some patterns, as far as there are events of them."""
    names = rows(connection, "SELECT id, name FROM types")
    numbers = matching(names, patterns)
    return Selection(tuple(numbers), len(numbers) == len(names))


def events(
    connection: apsw.Connection, wanted: Selection, after: int, most: int
) -> list[StoredEvent]:
    """The first `most` events beyond a position, oldest first."""
    return _found(connection, wanted, (">", "ASC"), after, most)


def events_before(
    connection: apsw.Connection, wanted: Selection, before: int | None, most: int
) -> list[StoredEvent]:
    """The last `most` events before a position, newest first."""
    return _found(connection, wanted, ("<", "DESC"), LAST if before is None else before, most)


def _found(
    connection: apsw.Connection, wanted: Selection, way: tuple[str, str], place: int, most: int
) -> list[StoredEvent]:
    where = f"position {way[0]} ?1"
    if not wanted.every:
        of_each = (_OF_ONE_TYPE.format(number, *way) for number in wanted.numbers)
        where = f"position IN ({' UNION ALL '.join(of_each) or 'NULL'})"
    sql = f"{SELECT} WHERE {where} ORDER BY position {way[1]} LIMIT ?2"
    parameters = (place, most) if "?1" in where else (None, most)
    return [stored(row) for row in rows(connection, sql, parameters)]


def count(connection: apsw.Connection, wanted: Selection, after: int) -> int:
    """How many events there are beyond a position."""
    sql = "SELECT count(*) FROM events WHERE type = ? AND position > ?"
    return sum(value(connection, sql, (number, after)) for number in wanted.numbers)


def first_unfinished(
    connection: apsw.Connection, wanted: Selection, consumer: str, offset: int
) -> int | None:
    """The first position beyond `offset` that a consumer has not finished; None without one."""
    sql = (
        "SELECT position FROM events WHERE type = ? AND position > ? AND position NOT IN "
        "(SELECT position FROM finished WHERE consumer = ?) ORDER BY position LIMIT 1"
    )
    found = (value(connection, sql, (number, offset, consumer)) for number in wanted.numbers)
    return min((position for position in found if position is not None), default=None)
