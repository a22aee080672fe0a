"""The store: what a transaction of the writer works with."""

from __future__ import annotations

from typing import Any, Final

import apsw
from hookbus import Envelope, Event

from hookbus_journal.guard import Guard
from hookbus_journal.names import Names
from hookbus_journal.rows import COLUMNS, limited_data_of, split_id, version_of
from hookbus_journal.sql import value
from hookbus_journal.why.explanations import write_explanation

ROWS_AT_ONCE: Final = 64
"""Rows of one INSERT; each statement is one call of SQLite, in which other threads may run."""

_ROW: Final = f"({','.join('?' * COLUMNS)})"


def _insert(rows: int) -> str:
    return "INSERT INTO events VALUES " + ",".join([_ROW] * rows)


_INSERT_ONE: Final = _insert(1)
_INSERT_MANY: Final = _insert(ROWS_AT_ONCE)


class Store:
    """The tables, as the one connection that writes sees them, and the position of the last event.

    Events that are added are gathered until `flush`. `run` is the name of this run.
    """

    def __init__(self, connection: apsw.Connection, run: str, payload_limit: int) -> None:
        self.connection = connection
        self.guard = Guard(connection)
        self.types = Names(connection, "types")
        self.sources = Names(connection, "sources")
        self.runs = Names(connection, "runs")
        self.run = run
        self.payload_limit = payload_limit
        self.position = self._last_position()
        self._rows: list[tuple[Any, ...]] = []
        self._type_numbers: dict[type[Event], int] = {}

    def _last_position(self) -> int:
        sql = "SELECT max(ifnull((SELECT max(position) FROM events), 0), "
        sql += "ifnull((SELECT value FROM meta WHERE name = 'position'), 0))"
        position: int = value(self.connection, sql)
        return position

    def add(self, envelope: Envelope, data: str, *, durable: bool) -> int:
        """Gather an event; returns its position."""
        event = envelope.event
        correlation_run, correlation = self._split(envelope.correlation_id)
        causation_id = envelope.causation_id
        causes = (None, None) if causation_id is None else self._split(causation_id)
        self.position = position = self.position + 1
        self._rows.append(
            (
                position,
                self._split(envelope.id)[0],
                envelope.sequence,
                self._type_number(envelope),
                version_of(event),
                self.sources.number(envelope.source),
                envelope.time_ns,
                envelope.key,
                correlation_run,
                correlation,
                *causes,
                envelope.depth,
                durable,
                data,
            )
        )
        return position

    def append(self, envelope: Envelope) -> int:
        """Gather a durable event; raises `PayloadTooLarge`, or `JournalError` for no JSON."""
        return self.add(envelope, limited_data_of(envelope, self.payload_limit), durable=True)

    def _type_number(self, envelope: Envelope) -> int:
        """The number of the event's type; what its class declares is kept with it."""
        cls = type(envelope.event)
        number = self._type_numbers.get(cls)
        if number is None:
            number = self._type_numbers[cls] = self.types.number(envelope.type)
            write_explanation(self.connection, cls)
        return number

    def _split(self, event_id: str) -> tuple[int, int]:
        run, sequence = split_id(event_id)
        number = self.runs.known(run)
        return self._unknown_run(run) if number is None else number, sequence

    def _unknown_run(self, run: str) -> int:
        """A number for a run of which only an id is known: its events were removed long ago."""
        sql = "INSERT INTO runs (name, started_ns, simulated, host_version) VALUES (?, 0, 0, '')"
        self.connection.execute(sql, (run,))
        self.runs.reload()
        return self.runs.number(run)

    def flush(self) -> None:
        """Write what was gathered."""
        rows, self._rows = self._rows, []
        whole = len(rows) - len(rows) % ROWS_AT_ONCE
        for start in range(0, whole, ROWS_AT_ONCE):
            many = [value for row in rows[start : start + ROWS_AT_ONCE] for value in row]
            self.connection.execute(_INSERT_MANY, many)
        if whole < len(rows):
            self.connection.executemany(_INSERT_ONE, rows[whole:])

    def forget(self) -> None:
        """Forget what belongs to a transaction that was undone; positions are not used again."""
        self._rows.clear()
        self._type_numbers.clear()
        for names in (self.types, self.sources, self.runs):
            names.reload()

    def run_number(self) -> int:
        """The number of this run."""
        return self.runs.number(self.run)

    def remember_position(self) -> None:
        """Note the last position, for when the event that has it is removed."""
        self.connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('position', ?)", (self.position,)
        )
