"""Power cuts: the journal writes to a disk that forgets what was not synced.

In each round a journal is opened, written to by several publishers, and the power goes at some
moment. What the disk has then is opened as a journal again, and compared with what was acknowledged
before. The next round goes on with it.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hookbus import Statement
from hookbus_journal.database import open_for_writing
from hookbus_journal.session import Session
from hookbus_journal.sql import rows, value

from tests.faults.demonstration import Outcome, Progress
from tests.faults.losing_disk import LosingDisk
from tests.plugins.journal.samples import Traded, append, envelope, opened

NAME = "power-cuts"
WANTED = "what was acknowledged is there after the power has gone, at whatever moment that was"
ROUNDS = 60
FEW = 5

PUBLISHERS = 8


@dataclass
class Result:
    """What came of it: `lost` names what was acknowledged and is gone."""

    rounds: int = 0
    acknowledged: int = 0
    syncs: int = 0
    lost: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


@dataclass
class Acknowledged:
    """What publishers were told of: sequences of events by position, and rows of their own."""

    events: dict[int, int] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)


def demonstrate(folder: Path, rounds: int, progress: Progress) -> Outcome:
    """Cut the power, with the level of sync that the journal has and with a lower one."""
    result = asyncio.run(run(rounds, folder))
    progress(f"{result.rounds} power cuts, {result.acknowledged:,} acknowledged")
    lower = folder / "lower"
    lower.mkdir()
    planted = asyncio.run(run(FEW, lower, level="NORMAL"))
    wrong = [*result.lost, *result.damaged, *planted.damaged]
    if not planted.lost:
        wrong.append("nothing is lost where commits are not synced: these cuts show nothing")
    return Outcome(
        result.rounds,
        {
            "acknowledged": result.acknowledged,
            "syncs": result.syncs,
            "lost": len(result.lost),
            "lost without sync": len(planted.lost),
        },
        wrong=tuple(wrong),
    )


async def run(rounds: int, folder: Path, *, seed: int = 0, level: str | None = None) -> Result:
    """Cut the power `rounds` times; `level` plants a bug: another level of sync."""
    random = Random(seed)
    result, known = Result(), Acknowledged()
    place = folder / "disk-0"
    open_for_writing(place / "journal.db").close()
    for number in range(1, rounds + 1):
        after = folder / f"disk-{number}"
        after.mkdir()
        await one_round(place, after, known, number, random, level, result)
        shutil.rmtree(place)
        look_at(after / "journal.db", known, number, result)
        place = after
    result.acknowledged = len(known.events) + len(known.rows)
    return result


async def one_round(
    place: Path,
    after: Path,
    known: Acknowledged,
    number: int,
    random: Random,
    level: str | None,
    result: Result,
) -> None:
    """Write until the power goes."""
    disk = LosingDisk(f"losing-{id(known)}-{number}", random)
    try:
        async with opened(place, run=f"run-{number}", vfs=disk.name) as session:
            if level is not None:
                session.committer.levels = (level, level)
            session.committer.checkpoints.due = random.choice((5, 20, 80, 1_000))
            left = random.randint(5, 60)
            work = [publish(session, known, one, left, number) for one in range(PUBLISHERS)]
            told = asyncio.gather(*work)
            await asyncio.sleep(random.uniform(0.0, 0.06))
            snapshot = Acknowledged(dict(known.events), set(known.rows))
            disk.cut(after)
            await told
        known.events, known.rows = snapshot.events, snapshot.rows
    finally:
        result.syncs += disk.syncs
        result.rounds += 1
        disk.unregister()


async def publish(session: Session, known: Acknowledged, one: int, left: int, number: int) -> None:
    """Append events one after the other, each third one together with a row of one's own."""
    create = Statement("CREATE TABLE IF NOT EXISTS own (n INTEGER PRIMARY KEY)")
    first = (number * PUBLISHERS + one) * 1_000
    for sequence in range(first, first + left):
        event = envelope(Traded(symbol="X" * (sequence % 700), price=float(sequence)), sequence)
        if sequence % 3:
            (position,) = await append(session, event)
        else:
            insert = Statement("INSERT INTO own VALUES (?)", (sequence,))
            (position,) = await session.journal.transact([create, insert], [event])
            known.rows.add(sequence)
        known.events[position] = sequence


def look_at(path: Path, known: Acknowledged, number: int, result: Result) -> None:
    """Open what is left, and see what is missing of what was acknowledged."""
    try:
        connection = open_for_writing(path)
    except Exception as error:
        result.damaged.append(f"round {number}: {error}")
        raise
    try:
        problem = value(connection, "PRAGMA integrity_check")
        if problem != "ok":
            result.damaged.append(f"round {number}: {problem}")
        kept = dict(rows(connection, "SELECT position, sequence FROM events"))
        lost = {p: s for p, s in known.events.items() if kept.get(p) != s}
        has_own = value(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'own'")
        own = {n for (n,) in rows(connection, "SELECT n FROM own")} if has_own else set()
        result.lost += [f"round {number}: event {s} at {p}" for p, s in lost.items()]
        result.lost += [f"round {number}: row {n}" for n in sorted(known.rows - own)]
        for position in lost:
            del known.events[position]
        known.rows &= own
    finally:
        connection.close()
