"""Journals made by hand, in the schema of the real one, for what no short run would lead to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw
from hookbus import Event
from hookbus_journal.schema import TABLES
from hookbus_journal.why.explanations import write_explanation
from hookbus_journal.why.reader import Reader

SECOND = 1_000_000_000

BOOKED = ("filtered", "coalesced", "lagged", "dead_lettered", "pending", "abandoned")


class Memory:
    """A journal that a test writes event by event."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = apsw.Connection(str(path))
        self.connection.execute(TABLES)
        self.events: dict[str, tuple[int, int, tuple[int, int]]] = {}
        self._sequences: dict[str, int] = {}

    def run(self, name: str = "run", start: float = 0.001, end: float | None = None) -> int:
        """The number of a run, which is made where it is new; times in seconds."""
        number: int | None = self._number("runs", name)
        if number is not None:
            return number
        ended = None if end is None else int(end * SECOND)
        self.connection.execute(
            "INSERT INTO runs(name, started_ns, ended_ns, clean, simulated, host_version) "
            "VALUES (?,?,?,?,1,'0')",
            (name, int(start * SECOND), ended, ended is not None),
        )
        return self.connection.last_insert_rowid()

    def _number(self, table: str, name: str) -> int | None:
        rows = self.connection.execute(f"SELECT id FROM {table} WHERE name = ?", (name,))
        return next((row[0] for row in rows), None)

    def _named(self, table: str, name: str) -> int:
        self.connection.execute(f"INSERT OR IGNORE INTO {table}(name) VALUES (?)", (name,))
        number = self._number(table, name)
        assert number is not None
        return number

    def add(
        self,
        type_: str,
        data: Mapping[str, Any] | None = None,
        *,
        cause: str | None = None,
        key: str | None = None,
        source: str = "test",
        time: float = 0,
        run: str = "run",
    ) -> str:
        """Add an event, caused by another one, at a time in seconds; returns its id."""
        number, sequence = self.run(run), self._sequences.get(run, 0) + 1
        self._sequences[run] = sequence
        cause_run, cause_sequence, root = self.events[cause] if cause else (None, None, None)
        root = root or (number, sequence)
        self.events[f"{run}-{sequence}"] = (number, sequence, root)
        self.connection.execute(
            "INSERT INTO events(run, sequence, type, version, source, time_ns, key, "
            "correlation_run, correlation, causation_run, causation, depth, durable, data) "
            "VALUES (?,?,?,1,?,?,?,?,?,?,?,0,0,?)",
            (number, sequence, self._named("types", type_), self._named("sources", source),
             int(time * SECOND), key, *root, cause_run, cause_sequence, json.dumps(data or {})),
        )  # fmt: skip
        return f"{run}-{sequence}"

    def declare(self, *classes: type[Event]) -> None:
        """Keep what event classes declare."""
        for cls in classes:
            write_explanation(self.connection, cls)

    def account(
        self, time: float, *, name: str = "wishes", filter_text: str, **counts: int
    ) -> None:
        """Write an entry of the books of the plugin `shop`, at a time in seconds."""
        names = ("matched", "delivered", *BOOKED, "failures", "retries")
        figures = ",".join(str(counts.get(one, 0)) for one in names)
        self.connection.execute(
            "INSERT INTO accounts(time_ns, run, plugin, name, filter, delivery, "
            f"{','.join(names)}) VALUES (?, 1, 'shop', ?, ?, 'best-effort', {figures})",
            (int(time * SECOND), name, filter_text),
        )

    def reader(self) -> Reader:
        """A reader over a connection that cannot write."""
        return Reader(apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY))
