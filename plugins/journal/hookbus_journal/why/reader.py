"""Reading the journal: events by id, by cause and by condition; nothing is ever written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import apsw
from hookbus import StoredEvent

from hookbus_journal.rows import SELECT, stored

__all__ = ["Reader", "event_id", "fields_of", "split_id"]


def event_id(event: StoredEvent) -> str:
    """The id of an event: its run and its sequence."""
    return f"{event.run}-{event.sequence}"


def split_id(text: str) -> tuple[str, int] | None:
    """The run and the sequence that an id names; None when it is no id of an event."""
    run, _, digits = text.rpartition("-")
    plain = digits.isascii() and digits.isdecimal() and len(digits) < 19
    return (run, int(digits)) if run and plain else None


def fields_of(event: StoredEvent) -> dict[str, Any]:
    """The fields of an event; one that is no JSON has none."""
    try:
        data = json.loads(event.data)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


class Reader:
    """The journal's database, read and never written."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT."""
        return iter(self._connection.execute(sql, parameters))

    def value(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row, None when there is none."""
        return next((row[0] for row in self.rows(sql, *parameters)), None)

    def events(self, condition: str, *parameters: Any) -> Iterator[StoredEvent]:
        """The events that a condition holds for; it may end with an order and a limit."""
        return map(stored, self.rows(f"{SELECT} WHERE {condition}", *parameters))

    def event(self, run: str, sequence: int) -> StoredEvent | None:
        """One event by the parts of its id."""
        condition = "run = (SELECT id FROM runs WHERE name = ?) AND sequence = ?"
        return next(self.events(condition, run, sequence), None)

    def by_id(self, id_: str | None) -> StoredEvent | None:
        """One event by its id."""
        parts = None if id_ is None else split_id(id_)
        return None if parts is None else self.event(*parts)

    def newest_run(self) -> str | None:
        """The newest run of which there are events."""
        name: str | None = self.value(
            "SELECT runs.name FROM events JOIN runs ON runs.id = run ORDER BY position DESC LIMIT 1"
        )
        return name

    def children(self, event: StoredEvent) -> list[StoredEvent]:
        """What the handlers of an event published, oldest first."""
        return list(
            self.events(
                """causation_run = (SELECT id FROM runs WHERE name = ?) AND causation = ?
                AND (correlation_run, correlation) = (
                    SELECT correlation_run, correlation FROM events WHERE position = ?)
                ORDER BY position""",
                event.run,
                event.sequence,
                event.position,
            )
        )
