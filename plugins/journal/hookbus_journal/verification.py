"""Verification: whether what a journal holds is whole and fits together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import apsw

from hookbus_journal.accounts import COUNTS
from hookbus_journal.sql import rows, value

PAGE: Final = 5_000
"""Events that are looked at in one read."""

MOST_NAMED: Final = 5
"""Faults of one kind that are named; more are counted."""


@dataclass
class Finding:
    """What one check found: `told` when all is well, `faults` where it is not, `notes` besides."""

    name: str
    told: str
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(
    connection: apsw.Connection, *, selective: bool, done: Callable[[int], None]
) -> Iterator[Finding]:
    """Make every check, one after the other.

    `selective` says that the settings leave events out, so that a cause may be missing for that
    reason. `done` is told how many events have been looked at.
    """
    yield _file(connection)
    yield _events(connection, done)
    yield _ids(connection)
    yield _causes(connection, selective=selective)
    yield _consumers(connection)
    yield _letters(connection)
    yield _books(connection)


def _file(connection: apsw.Connection) -> Finding:
    found = [text for (text,) in rows(connection, "PRAGMA integrity_check(20)")]
    faults = [] if found == ["ok"] else found
    return Finding("file", "the database is whole", faults)


def _events(connection: apsw.Connection, done: Callable[[int], None]) -> Finding:
    """Whether every row is readable, and the order of positions is that of the runs."""
    unreadable, backward, looked, position, run = [], [], 0, 0, 0
    sql = "SELECT position, run, data FROM events WHERE position > ? ORDER BY position LIMIT ?"
    while page := rows(connection, sql, (position, PAGE)):
        for position, of_run, data in page:
            if not _is_object(data):
                unreadable.append(f"the data of position {position:,} is no JSON object")
            if of_run < run:
                backward.append(f"position {position:,} is of an earlier run than the one before")
            run = of_run
        looked += len(page)
        done(looked)
    faults = [*_named(unreadable), *_named(backward)]
    return Finding("events", f"{looked:,} can be read, and positions grow", faults)


def _is_object(data: str) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError, TypeError):
        return False


def _ids(connection: apsw.Connection) -> Finding:
    found = rows(
        connection,
        "SELECT name, sequence, count(*) FROM events JOIN runs ON runs.id = run "
        "GROUP BY run, sequence HAVING count(*) > 1",
    )
    faults = [f"the id {run}-{sequence} is there {times} times" for run, sequence, times in found]
    lost = value(
        connection,
        "SELECT count(*) FROM events WHERE run NOT IN (SELECT id FROM runs) OR type NOT IN "
        "(SELECT id FROM types) OR source NOT IN (SELECT id FROM sources)",
    )
    if lost:
        faults.append(f"{lost:,} events name a run, a type or a source that is not there")
    return Finding("ids", "no id is there twice", _named(faults))


_MISSING: Final = """
SELECT runs.name, effect.causation, min(effect.position),
       effect.causation < ifnull(firsts.sequence, effect.causation + 1),
       ifnull((SELECT sum(count) FROM gaps WHERE gaps.run = effect.causation_run), 0)
FROM events AS effect JOIN runs ON runs.id = effect.causation_run
LEFT JOIN (SELECT run, min(sequence) AS sequence FROM events GROUP BY run) AS firsts
       ON firsts.run = effect.causation_run
WHERE effect.causation IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM events AS cause
    WHERE cause.run = effect.causation_run AND cause.sequence = effect.causation)
GROUP BY effect.causation_run, effect.causation
"""


def _causes(connection: apsw.Connection, *, selective: bool) -> Finding:
    """Whether the causes of events are there, but for those that were pruned or left out."""
    finding = Finding("causes", "every cause is there, or has been pruned")
    pruned = unrecorded = 0
    for run, sequence, position, is_pruned, gaps in rows(connection, _MISSING):
        if is_pruned:
            pruned += 1
        elif gaps or selective:
            unrecorded += 1
        else:
            finding.faults.append(f"the cause {run}-{sequence} of position {position:,} is missing")
    finding.faults = _named(finding.faults)
    if pruned:
        finding.notes.append(f"{pruned:,} causes have been pruned")
    if unrecorded:
        finding.notes.append(f"{unrecorded:,} causes were not recorded")
    return finding


def _consumers(connection: apsw.Connection) -> Finding:
    found = rows(
        connection,
        'SELECT name, "offset", max(ifnull((SELECT max(position) FROM events), 0), '
        "ifnull((SELECT value FROM meta WHERE name = 'position'), 0)) "
        "FROM consumers ORDER BY name",
    )
    faults = [
        f"the consumer {name!r} is at {offset:,}, beyond the end, {end:,}"
        for name, offset, end in found
        if offset > end
    ]
    for table in ("finished", "attempts"):
        lost = rows(
            connection,
            f"SELECT DISTINCT consumer FROM {table} WHERE consumer NOT IN "
            "(SELECT name FROM consumers) ORDER BY consumer",
        )
        faults += [f"{table} has entries of {name!r}, which is no consumer" for (name,) in lost]
    return Finding("consumers", f"{len(found):,}, none beyond the end", faults)


def _letters(connection: apsw.Connection) -> Finding:
    faults = []
    found = rows(connection, "SELECT id FROM dead_letters ORDER BY id")
    for (number,) in found:
        text = value(connection, "SELECT envelope FROM dead_letters WHERE id = ?", (number,))
        if not _is_object(text):
            faults.append(f"the event of the dead letter {number} is no JSON object")
    return Finding("dead letters", f"{len(found):,} can be read", _named(faults))


_ENDS: Final = [name for name in COUNTS if name not in ("matched", "failures", "retries")]


def _books(connection: apsw.Connection) -> Finding:
    """Whether in the latest account of each subscription what it matched went somewhere."""
    ends = " + ".join(_ENDS)
    found = rows(
        connection,
        f"SELECT runs.name, plugin, accounts.name, matched, {ends}, max(time_ns) "
        "FROM accounts JOIN runs ON runs.id = run "
        "GROUP BY run, plugin, accounts.name, filter, condition, delivery",
    )
    faults = [
        f"{plugin}:{name} in the run {run}: {matched:,} matched, {ended:,} accounted for"
        for run, plugin, name, matched, ended, _ in found
        if matched != ended
    ]
    return Finding("books", f"{len(found):,} in all, every one balances", _named(faults))


def _named(faults: list[str]) -> list[str]:
    """The first few, and how many there are besides."""
    if len(faults) <= MOST_NAMED:
        return faults
    return [*faults[:MOST_NAMED], f"and {len(faults) - MOST_NAMED:,} more like that"]
