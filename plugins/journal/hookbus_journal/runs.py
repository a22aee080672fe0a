"""Runs: which hosts have written this journal, and whether they ended as they should."""

from __future__ import annotations

import apsw

from hookbus_journal.sql import row
from hookbus_journal.store import Store


def begin(
    connection: apsw.Connection, run: str, started_ns: int, simulated: bool, host_version: str
) -> None:
    """Note that a run begins."""
    connection.execute(
        "INSERT INTO runs (name, started_ns, simulated, host_version) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET started_ns = excluded.started_ns, ended_ns = NULL, "
        "clean = 0, host_version = excluded.host_version",
        (run, started_ns, simulated, host_version),
    )


def end(store: Store, *, ended_ns: int) -> None:
    """Note that it ended as it should."""
    store.remember_position()
    store.connection.execute(
        "UPDATE runs SET ended_ns = ?, clean = 1 WHERE id = ?", (ended_ns, store.run)
    )


def last(connection: apsw.Connection) -> tuple[str, bool] | None:
    """The name of the latest run, and whether it ended as it should; None before the first."""
    found = row(
        connection, "SELECT name, clean FROM runs WHERE started_ns > 0 ORDER BY id DESC LIMIT 1"
    )
    return None if found is None else (found[0], bool(found[1]))
