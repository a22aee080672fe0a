"""Cancelled readers: many read the journal while it is written, and are cancelled at any moment.

The write-ahead log cannot begin anew while somebody reads what is in it, so that one reader that
keeps a transaction open would have it grow without end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import apsw
from hookbus import Envelope, JournalError, Statement, StoredEvent, TransactionRefused
from hookbus_journal.checkpoints import DUE_PAGES
from hookbus_journal.database import open_for_reading
from hookbus_journal.session import Session

from tests.faults.demonstration import Outcome, Progress
from tests.plugins.journal.samples import Traded, append, envelope, opened

NAME = "cancelled-readers"
WANTED = "the log of the journal stays below 64 MB, however many readers are cancelled"
ROUNDS = 1_000
FEW = 60

LIMIT = 64_000_000
"""Bytes that the log may take with the journal's own `DUE_PAGES`, whatever batches add to it."""

SIZE = 1_000
"""Bytes of an event; twice the limit of the log is written."""

TOGETHER = 20
"""Readers at a time."""


@dataclass
class Result:
    """What came of it."""

    readers: int = 0
    cancelled: int = 0
    read: int = 0
    written: int = 0
    largest: int = 0
    limit: int = LIMIT


def demonstrate(folder: Path, rounds: int, progress: Progress) -> Outcome:
    """Cancel `rounds` readers; then have a few that hold on to what they read."""
    result = asyncio.run(run(rounds, folder / "journal"))
    progress(f"{result.cancelled} of {result.readers} readers cancelled")
    planted = asyncio.run(run(FEW, folder / "planted", due=100, holding=True))
    wrong = []
    if result.largest > result.limit:
        wrong.append(f"the log took {result.largest:,} bytes")
    if planted.largest <= planted.limit:
        wrong.append("readers that hold on do not show in the log: this shows nothing")
    counted = {
        "readers": result.readers,
        "cancelled": result.cancelled,
        "events read": result.read,
        "events written": result.written,
    }
    figures = {
        "largest log": f"{result.largest / 1e6:.1f} MB of {result.limit / 1e6:.0f}",
        "with readers that hold on": f"{planted.largest / planted.limit:.1f} times the limit",
    }
    return Outcome(result.readers, counted, figures, tuple(wrong))


async def run(
    rounds: int, folder: Path, *, seed: int = 0, due: int = DUE_PAGES, holding: bool = False
) -> Result:
    """Have `rounds` readers, each cancelled at some moment while events are written.

    `due` is after how many pages the log is carried over; its limit is less where that is less.
    `holding` plants a bug: readers that keep their transaction over an `await`.
    """
    result = Result(limit=LIMIT * due // DUE_PAGES)
    random = Random(seed)
    held: list[apsw.Connection] | None = [] if holding else None
    async with opened(folder) as session:
        session.committer.checkpoints.due = due
        session.committer.checkpoints.wait_ms = 20
        await append(session, *(one(n) for n in range(1, 1_001)))
        writing = asyncio.create_task(write(session, result))
        try:
            for start in range(0, rounds, TOGETHER):
                count = min(TOGETHER, rounds - start)
                readers = (read_and_cancel(session, random, result, held) for _ in range(count))
                await asyncio.gather(*readers)
                enough = 2 * result.limit / SIZE * min(1.0, (start + count) / rounds)
                while result.written < enough:  # noqa: ASYNC110 - no event tells of it
                    await asyncio.sleep(0.001)
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            for connection in held or ():
                connection.close()
    return result


def one(sequence: int) -> Envelope:
    """An event of `SIZE` bytes and some."""
    return envelope(Traded(symbol="X" * SIZE), sequence)


async def write(session: Session, result: Result) -> None:
    """Write without end, and look how large the log becomes."""
    log = Path(f"{session.path}-wal")
    sequence = 10_000
    while True:
        some = [one(n) for n in range(sequence, sequence + 100)]
        sequence += 100
        await append(session, *some)
        result.written += len(some)
        result.largest = max(result.largest, log.stat().st_size)  # noqa: ASYNC240 - at once


async def read_and_cancel(
    session: Session, random: Random, result: Result, held: list[apsw.Connection] | None
) -> None:
    """Begin to read, in one way or another, and stop at some moment; those held hold on."""
    result.readers += 1
    if held is not None:
        work = hold(session, held)
    elif random.random() < 0.8:
        work = follow(session.journal.history(["sample.*"]), result)
    else:
        work = look(session)
    reading = asyncio.create_task(work)
    await asyncio.sleep(random.uniform(0, 0.05))
    result.cancelled += reading.cancel()
    with suppress(asyncio.CancelledError, JournalError, TransactionRefused):
        await reading


async def follow(events: AsyncIterator[StoredEvent], result: Result) -> None:
    """Read on, with pauses."""
    async for _ in events:
        result.read += 1
        if result.read % 50 == 0:
            await asyncio.sleep(0.001)


async def look(session: Session) -> None:
    """A query that takes long."""
    sql = "SELECT count(*) FROM events AS a, events AS b WHERE a.data > b.data"
    await session.journal.query(Statement(sql))


async def hold(session: Session, held: list[apsw.Connection]) -> None:
    """A planted bug: a reader whose transaction is still open when it has been cancelled."""
    connection = open_for_reading(session.path)
    held.append(connection)
    connection.execute("BEGIN; SELECT max(position) FROM events").fetchall()
    await asyncio.sleep(60)
