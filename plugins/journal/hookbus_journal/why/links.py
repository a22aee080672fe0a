"""Links: events that share the id of an order, a trade or the like, whatever caused them.

A fill is caused by the bar that filled it, and goes back to its order all the same.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from hookbus import StoredEvent

from hookbus_journal.why.reader import Reader, fields_of

__all__ = ["Identifier", "find_origin", "identifiers"]


class Identifier(NamedTuple):
    """A field that identifies something, such as `order_id`, and its value."""

    field: str
    value: str | int


def identifiers(event: StoredEvent) -> list[Identifier]:
    """The fields of an event that end in `_id`, and what they say."""
    return [
        Identifier(name, value)
        for name, value in fields_of(event).items()
        if (name == "id" or name.endswith("_id")) and isinstance(value, str | int) and value != ""
    ]


def find_origin(reader: Reader, event: StoredEvent, identifier: Identifier) -> StoredEvent | None:
    """The first event of the run that has the identifier, of another type than the event itself.

    It must be about the same key: an id such as 1 may be unique within an order only.
    """
    types = _types_with(reader, identifier.field, event.type)
    found = reader.events(
        f"""type IN ({",".join("?" * len(types))})
        AND run = (SELECT id FROM runs WHERE name = ?) AND sequence < ? AND key IS ?
        AND instr(data, ?) AND json_extract(data, ?) = ? ORDER BY sequence LIMIT 1""",
        *types,
        event.run,
        event.sequence,
        event.key,
        str(identifier.value),
        f'$."{identifier.field}"',
        identifier.value,
    )
    return next(found, None)


def _types_with(reader: Reader, field: str, other_than: str) -> list[int]:
    """The other types whose newest event has a field of that name."""
    rows = reader.rows(
        """SELECT id FROM types WHERE name != ? AND instr(
            (SELECT data FROM events WHERE type = types.id ORDER BY position DESC LIMIT 1), ?)""",
        other_than,
        json.dumps(field),
    )
    return [number for (number,) in rows]
