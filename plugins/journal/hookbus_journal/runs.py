"""Runs: which hosts have written this journal, and whether they ended as they should."""

from __future__ import annotations

import apsw

from hookbus_journal.store import Store


def begin(store: Store, *, started_ns: int, simulated: bool, host_version: str) -> None:
    """Note that a run begins."""
    store.connection.execute(
        "INSERT INTO runs (name, started_ns, simulated, host_version) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET started_ns = excluded.started_ns, ended_ns = NULL, "
        "clean = 0, host_version = excluded.host_version",
        (store.run, started_ns, simulated, host_version),
    )
    store.runs.reload()


def end(store: Store, *, ended_ns: int) -> None:
    """Note that it ended as it should."""
    store.remember_position()
    store.connection.execute(
        "UPDATE runs SET ended_ns = ?, clean = 1 WHERE name = ?", (ended_ns, store.run)
    )


def last(connection: apsw.Connection) -> tuple[str, bool] | None:
    """The name of the latest run, and whether it ended as it should; None before the first."""
    row = connection.execute(
        "SELECT name, clean FROM runs WHERE started_ns > 0 ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if row is None else (row[0], bool(row[1]))
