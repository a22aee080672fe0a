"""The store: what a transaction of the writer works with."""

from __future__ import annotations

import json
from typing import Any

import apsw
from hookbus import Envelope, Event, JournalError, PayloadTooLarge

from hookbus_journal.guard import Guard
from hookbus_journal.inserts import MOST, padded
from hookbus_journal.names import Names
from hookbus_journal.rows import COLUMNS, Form, data_of, form_of, size_of, split_id
from hookbus_journal.sql import value
from hookbus_journal.why.explanations import write_explanation


class Store:
    """The tables, as the one connection that writes sees them, and the position of the last event.

    Events that are added are gathered until `flush`. `run` is the name of this run, which has begun
    already, and `payload_limit` how many bytes the data of an event may take.
    """

    def __init__(self, connection: apsw.Connection, run: str, payload_limit: int) -> None:
        self.connection = connection
        self.guard = Guard(connection)
        self.types = Names(connection, "types")
        self.sources = Names(connection, "sources")
        self.runs = Names(connection, "runs")
        self.run = self.runs.number(run)
        self.payload_limit = payload_limit
        self.position = self._last_position()
        self._forms: dict[type[Event], Form] = {}
        self._gathered: list[Any] = []

    def _last_position(self) -> int:
        sql = "SELECT max(ifnull((SELECT max(position) FROM events), 0), "
        sql += "ifnull((SELECT value FROM meta WHERE name = 'position'), 0))"
        position: int = value(self.connection, sql)
        return position

    # Adding events

    def append(self, envelope: Envelope) -> int:
        """Gather a durable event; returns its position.

        Raises `PayloadTooLarge`, and `JournalError` for what no JSON can express.
        """
        form = self._form(type(envelope.event))
        data = data_of(envelope, form)
        if len(data) * 4 > self.payload_limit and size_of(data) > self.payload_limit:
            raise PayloadTooLarge(
                f"{envelope.type} takes {size_of(data):,} bytes as JSON, and the journal takes "
                f"{self.payload_limit:,}; raise [plugins.journal] payload_limit, or put what is "
                "large into a file and its name into the event"
            )
        return self._add(envelope, form, data, durable=1)

    def record(self, envelope: Envelope) -> bool:
        """Gather an event as well as that can be done; whether all of its data is kept."""
        form = self._form(type(envelope.event))
        try:
            data = data_of(envelope, form)
        except JournalError as error:
            self._add(envelope, form, json.dumps({"unwritable": str(error)}), durable=0)
            return False
        whole = len(data) * 4 <= self.payload_limit or size_of(data) <= self.payload_limit
        if not whole:
            data = json.dumps({"omitted": size_of(data)})
        self._add(envelope, form, data, durable=0)
        return whole

    def _form(self, cls: type[Event]) -> Form:
        form = self._forms.get(cls)
        return self._learn(cls) if form is None else form

    def _learn(self, cls: type[Event]) -> Form:
        """Give a class a number, and keep what it declares."""
        declared = cls.__event__
        form = form_of(cls, self.types.number("" if declared is None else declared.name))
        write_explanation(self.connection, cls)
        self._forms[cls] = form
        return form

    def _add(self, envelope: Envelope, form: Form, data: str, *, durable: int) -> int:
        key = None if form.key is None else getattr(envelope.event, form.key)
        first, cause = envelope.links
        first_run, first = (self.run, first) if type(first) is int else self._split(first)
        cause_run = None
        if cause is not None:
            cause_run, cause = (self.run, cause) if type(cause) is int else self._split(cause)
        self.position = position = self.position + 1
        self._gathered += (
            position,
            self.run,
            envelope.sequence,
            form.type,
            form.version,
            self.sources.number(envelope.source),
            envelope.time_ns,
            None if key is None else str(key),
            first_run,
            first,
            cause_run,
            cause,
            envelope.depth,
            durable,
            data,
        )
        return position

    def _split(self, event_id: Any) -> tuple[int, int]:
        """The number of the run of an event of another run, and its sequence."""
        run, sequence = split_id(event_id)
        number = self.runs.known(run)
        return self._unknown_run(run) if number is None else number, sequence

    def _unknown_run(self, run: str) -> int:
        """A number for a run of which only an id is known: it was never kept here."""
        sql = "INSERT INTO runs (name, started_ns, simulated, host_version) VALUES (?, 0, 0, '')"
        self.connection.execute(sql, (run,))
        self.runs.reload()
        return self.runs.number(run)

    # Writing them

    def flush(self) -> None:
        """Write what was gathered, in the transaction that is open."""
        values, self._gathered = self._gathered, []
        for start in range(0, len(values), MOST * COLUMNS):
            self.connection.execute(*padded(values[start : start + MOST * COLUMNS]))

    def write(self) -> None:
        """Write what was gathered, in a transaction of its own."""
        if len(self._gathered) <= MOST * COLUMNS:
            self.flush()
            return
        self.connection.execute("BEGIN IMMEDIATE")
        self.flush()
        self.connection.execute("COMMIT")

    def forget(self) -> None:
        """Forget what belongs to a transaction that was undone; positions are not used again."""
        self._gathered.clear()
        self._forms.clear()
        for names in (self.types, self.sources, self.runs):
            names.reload()

    def remember_position(self) -> None:
        """Note the last position, for when the event that has it is removed."""
        self.connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('position', ?)", (self.position,)
        )
