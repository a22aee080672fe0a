"""Figures: what a journal holds."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from hookbus_journal import deadletters
from hookbus_journal.retention import Waiting, used_bytes, waiting
from hookbus_journal.sql import row


@dataclass(frozen=True, slots=True)
class Figures:
    """How much there is: events, their first and last position, bytes, dead letters."""

    events: int
    first: int
    last: int
    bytes: int
    dead_letters: int
    waiting: tuple[Waiting, ...]


def figures(connection: apsw.Connection) -> Figures:
    """What a journal holds now."""
    sql = (
        "SELECT (SELECT count(*) FROM events), ifnull((SELECT min(position) FROM events), 0), "
        "ifnull((SELECT max(position) FROM events), 0)"
    )
    events, first, last = row(connection, sql)
    return Figures(
        events,
        first,
        last,
        used_bytes(connection),
        deadletters.count(connection),
        tuple(waiting(connection)),
    )


def summary_rows(found: Figures, durable: int, missed: int, omitted: int) -> list[tuple[str, str]]:
    """The figures as a reader wants to see them, with those of this run."""
    lines = [
        ("Events kept", f"{found.events:,}"),
        ("Positions", f"{found.first:,} to {found.last:,}"),
        ("Committed before dispatch in this run", f"{durable:,}"),
        ("Size", f"{found.bytes / 1_000_000:,.1f} MB"),
        ("Dead letters", f"{found.dead_letters:,}"),
    ]
    lines += [(f"Waiting for {one.consumer}", f"{one.events:,}") for one in found.waiting]
    if missed:
        lines.append(("Not recorded", f"{missed:,}"))
    if omitted:
        lines.append(("Recorded without their data", f"{omitted:,}"))
    return lines
