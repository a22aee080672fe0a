"""Links: events that share the id of an order, a trade or the like, whatever caused them.

A fill is caused by the bar that filled it, and goes back to its order all the same.
"""

from __future__ import annotations

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
    """The first event of the run that has the identifier, where it is of another type.

    It must be about the same key: an id such as 1 may be unique within an order only.
    """
    found = reader.events(
        """run = (SELECT id FROM runs WHERE name = ?) AND sequence < ? AND key IS ?
        AND instr(data, ?) AND json_extract(data, ?) = ? ORDER BY sequence LIMIT 1""",
        event.run,
        event.sequence,
        event.key,
        str(identifier.value),
        f'$."{identifier.field}"',
        identifier.value,
    )
    first = next(found, None)
    return None if first is None or first.type == event.type else first
