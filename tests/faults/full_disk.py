"""Full disks: the disk of the journal has no more room, and has some again.

In each round durable events are published until one is refused. Then consumers store what they
have finished, the journal is read, room is made, and events are taken again.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hookbus import Delivery, JournalFull, Statement
from hookbus_journal.database import open_for_reading
from hookbus_journal.events import JournalFailed, JournalRecovered
from hookbus_journal.reserve import Reserve
from hookbus_journal.session import Session
from hookbus_journal.sql import rows, value

from tests.faults.demonstration import Outcome, Progress
from tests.faults.small_disk import Kind, SmallDisk, limited, mounted
from tests.plugins.journal.samples import Told, Traded, append, envelope, opened

NAME = "full-disk"
WANTED = "a full disk is told to publishers, loses nothing, and is over when there is room"
ROUNDS = 20
FEW = 3

LEFT = 400_000
"""Bytes that are free at the most when a round begins."""

FINISHED = 100
"""Events that the consumer finishes on the full disk."""


@dataclass
class Result:
    """What came of it; `wrong` has a sentence for each thing that is not as it must be."""

    rounds: int = 0
    accepted: int = 0
    refused: int = 0
    finished: int = 0
    wrong: list[str] = field(default_factory=list)


def demonstrate(folder: Path, rounds: int, progress: Progress) -> Outcome:
    """Fill a small file system where one may be mounted, else one with a limit."""
    kind, name = limited, "a limit in SQLite's file system"
    for candidate in (folder / "probe", folder / "disk", folder / "planted"):
        candidate.mkdir()
    try:
        with mounted(folder / "probe"):
            kind, name = mounted, "a file system in memory"
    except (subprocess.CalledProcessError, OSError):
        progress("mounting is not allowed here")
    result = asyncio.run(run(rounds, folder / "disk", kind=kind))
    progress(f"filled {result.rounds} times")
    planted = asyncio.run(run(FEW, folder / "planted", kind=kind, reserve=NoReserve))
    wrong = list(result.wrong)
    if not planted.wrong:
        wrong.append("nothing goes wrong without the reserve: these rounds show nothing")
    counted = {
        "accepted": result.accepted,
        "refused": result.refused,
        "finished while full": result.finished,
        "wrong without the reserve": len(planted.wrong),
    }
    return Outcome(result.rounds, counted, {"disk": name}, tuple(wrong))


class NoReserve(Reserve):
    """A planted bug: nothing is given back when the disk is full."""

    def release(self) -> None:
        """Say so, and keep the room."""
        self.spent = True


async def run(
    rounds: int,
    folder: Path,
    *,
    seed: int = 0,
    kind: Kind = limited,
    reserve: type[Reserve] = Reserve,
) -> Result:
    """Fill the disk `rounds` times; `kind` makes it, `reserve` is the journal's."""
    result, random, told = Result(), Random(seed), Told()
    with kind(folder) as disk:
        around = {"vfs": disk.vfs, "allocate": disk.allocate, "told": told}
        async with opened(folder, settings={"reserve_bytes": 4 * 1024 * 1024}, **around) as session:
            old = session.committer.reserve
            session.committer.reserve = reserve(old.path, old.size, disk.allocate)
            session.committer.reserve.spent = False
            rounded = Rounds(session, disk, random, told, result)
            try:
                for _ in range(rounds):
                    await rounded.one()
            finally:
                disk.free()
    return result


class Rounds:
    """One round after the other."""

    def __init__(
        self, session: Session, disk: SmallDisk, random: Random, told: Told, result: Result
    ) -> None:
        self._session = session
        self._disk = disk
        self._random = random
        self._told = told
        self._result = result
        self._known: dict[int, int] = {}
        self._sequence = 0
        self._consumer = session.journal.consumer("test:slow", ["sample.*"], beginning=True)

    async def one(self) -> None:
        """Fill the disk, see what still works, make room, and see that all works again."""
        result = self._result
        result.rounds += 1
        await self._publish(400)
        self._disk.fill(self._random.randint(0, LEFT))
        try:
            await self._publish(100_000)
            self._complain("the disk was never full")
        except JournalFull:
            result.refused += 1
        await self._finish_some()
        await self._read()
        self._disk.free()
        try:
            await self._publish(50)
        except JournalFull as error:
            self._complain(f"not recovered: {error}")
        self._look()

    async def _publish(self, count: int) -> None:
        for _ in range(0, count, 50):
            first = self._sequence + 1
            self._sequence += 50
            some = [envelope(Traded(symbol="X" * 500), n) for n in range(first, self._sequence + 1)]
            found = await asyncio.gather(
                *(append(self._session, one) for one in some), return_exceptions=True
            )
            for one, position in zip(some, found, strict=True):
                if isinstance(position, list):
                    self._known[position[0]] = one.sequence
                    self._result.accepted += 1
            errors = [one for one in found if isinstance(one, BaseException)]
            if errors:
                raise errors[0]

    async def _finish_some(self) -> None:
        state = await self._attempt("opened", self._consumer.opened())
        if state is None:
            return
        for event in await self._consumer.read(state.offset, FINISHED):
            delivery = Delivery(event.position)
            await self._attempt("begin", self._consumer.begin(delivery))
            if await self._attempt("finish", self._consumer.finish(delivery, event.position)):
                self._result.finished += 1

    async def _attempt(self, what: str, call: Awaitable[Any]) -> Any:
        try:
            return await call or True
        except JournalFull as error:
            self._complain(f"{what} on the full disk: {error}")
        return None

    async def _read(self) -> None:
        count = Statement("SELECT count(*) FROM events WHERE durable")
        ((kept,),) = await self._session.journal.query(count)
        if kept != len(self._known):
            self._complain(f"{kept} events can be read, {len(self._known)} were acknowledged")

    def _look(self) -> None:
        connection = open_for_reading(self._session.path, self._disk.vfs)
        try:
            problem = value(connection, "PRAGMA integrity_check")
            kept = dict(rows(connection, "SELECT position, sequence FROM events WHERE durable"))
        finally:
            connection.close()
        if problem != "ok":
            self._complain(f"integrity check: {problem}")
        if kept != self._known:
            self._complain(f"{len(kept)} events are kept, {len(self._known)} were acknowledged")
        told = [len(self._told.of(cls)) for cls in (JournalFailed, JournalRecovered)]
        if told != [self._result.rounds] * 2:
            self._complain(f"told {told[0]} times that it failed, {told[1]} that it recovered")

    def _complain(self, text: str) -> None:
        self._result.wrong.append(f"round {self._result.rounds}: {text}")
