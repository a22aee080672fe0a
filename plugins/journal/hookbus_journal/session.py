"""The session: a journal from its opening to its end, with all that belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import apsw
from hookbus import Clock, Event, JournalError

from hookbus_journal import accounts, consumers, retention, runs
from hookbus_journal.checkpoints import Checkpoints
from hookbus_journal.committer import Committer
from hookbus_journal.database import open_for_reading, open_for_writing, refused
from hookbus_journal.figures import Figures, figures
from hookbus_journal.guard import let_read_only
from hookbus_journal.journal import StoredJournal
from hookbus_journal.lock import FileLock
from hookbus_journal.readers import Readers
from hookbus_journal.recorder import BATCH, Recorder, chooser
from hookbus_journal.reserve import Reserve, allocate
from hookbus_journal.settings import JournalSettings
from hookbus_journal.store import Store
from hookbus_journal.tasks import Note
from hookbus_journal.telling import Teller
from hookbus_journal.writer import InlineWriter, ThreadedWriter, Writer

DAY_NS: Final = 86_400_000_000_000

SIMULATED_BATCH: Final = 512
"""Events that a simulation records at once."""


@dataclass(frozen=True)
class Surroundings:
    """What a session needs of the host, and of whoever tests it.

    `publish` takes an event and never waits. `paced` says that a simulation keeps pace with real
    time. `vfs` names the file system that SQLite works on, `allocate` makes a file of a size.
    """

    run: str
    host_version: str
    clock: Clock
    log: Any
    publish: Callable[[Event], object]
    paced: bool = False
    vfs: str | None = None
    allocate: Callable[[Path, int], None] = allocate


class Session:
    """The journal of one run: the file and its lock, the writer and the readers.

    `last_run` is the name of the run before, and whether it ended as it should.
    """

    journal: StoredJournal
    recorder: Recorder
    committer: Committer

    def __init__(self, folder: Path, settings: JournalSettings, around: Surroundings) -> None:
        self.simulated = around.clock.simulated
        self.path = folder / ("simulation.db" if self.simulated else "journal.db")
        self.settings = settings
        self.last_run: tuple[str, bool] | None = None
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._lock: FileLock
        self._connection: apsw.Connection
        self._readers: Readers
        self._writer: Writer

    # Opening

    async def open(self) -> None:
        """Open the file and begin the run; raises `PluginError` where it cannot be used."""
        if self.simulated:
            known = self._open_file()
        else:
            known = await asyncio.to_thread(self._open_file)
        self._readers = Readers(self._reading_connection, threaded=not self.simulated)
        self.committer = self._make_committer()
        self._writer = self._make_writer()
        self.journal = StoredJournal(
            self._writer,
            self._readers,
            self._around.clock.now_ns,
            self.settings.durable,
            known,
            self.settings.dead_letters,
        )
        self.journal.recorder = self.recorder = self._make_recorder()

    def _open_file(self) -> dict[str, tuple[str, ...]]:
        around, path = self._around, self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path.with_suffix(".lock"), around.run)
        try:
            self._connection = open_for_writing(path, fresh=self.simulated, vfs=around.vfs)
            self.last_run = runs.last(self._connection)
            runs.begin(
                self._connection, around.run, around.clock.now_ns(), self.simulated,
                around.host_version,
            )  # fmt: skip
            return consumers.known(self._connection)
        except apsw.Error as error:
            self._lock.release()
            mend = "See to the disk, and whether the folder may be written to"
            raise refused(path, f"cannot be written: {error}", mend) from None
        except BaseException:
            self._lock.release()
            raise

    def _make_committer(self) -> Committer:
        settings, around = self.settings, self._around
        size = 0 if self.simulated else settings.reserve_bytes
        reserve = Reserve(self.path.with_suffix(".reserve"), size, around.allocate)
        store = Store(self._connection, around.run, settings.payload_limit)
        checkpoints = Checkpoints(self._connection, self._readers.interrupt)
        return Committer(store, reserve, checkpoints, self._tell, lasting=not self.simulated)

    def _make_writer(self) -> Writer:
        if self.simulated:
            return InlineWriter(self.committer)
        settings = self.settings
        return ThreadedWriter(
            self.committer, self._loop, settings.commit_events, settings.commit_wait
        )

    def _reading_connection(self) -> apsw.Connection:
        connection = open_for_reading(self.path, self._around.vfs)
        let_read_only(connection)
        return connection

    def _make_recorder(self) -> Recorder:
        settings, around = self.settings, self._around
        timely = around.paced or not self.simulated
        self._teller = Teller(
            str(self.path), around.log, around.publish, lambda: self.recorder.missed
        )
        return Recorder(
            self._writer,
            chooser(settings.record, settings.exclude, self.journal.requires),
            around.clock.now_ns,
            self._loop.call_soon if timely else None,
            self._teller.fell_behind,
            batch=BATCH if timely else SIMULATED_BATCH,
            most=settings.backlog,
        )

    def _tell(self, trouble: str | None) -> None:
        self._loop.call_soon_threadsafe(lambda: self._teller.trouble(trouble))

    # While it is open

    async def prune(self) -> None:
        """Remove what is too old or too much."""
        settings = self.settings
        before_ns = self._around.clock.now_ns() - round(settings.keep_days * DAY_NS)
        step = partial(retention.prune, before_ns=before_ns, keep_bytes=settings.keep_bytes)
        removed = 0
        while count := await self.journal.do(Note(step)):
            removed += count
        if removed:
            self._around.log.info("old events were removed from the journal", events=removed)

    async def note_accounts(self, found: Iterable[Any]) -> None:
        """Keep what the host's ledger says of every subscription."""
        now_ns = self._around.clock.now_ns()
        write = partial(accounts.write, time_ns=now_ns, accounts=list(found))
        await self.journal.do(Note(write))

    async def figures(self) -> Figures:
        """What the journal holds."""
        await self.journal.flushed()
        return await self._readers.run_short(figures)

    # The end

    async def close(self) -> None:
        """Store what is left, note that the run ended as it should, and close the file."""
        end = partial(runs.end, ended_ns=self._around.clock.now_ns())
        try:
            await self.journal.flushed()
            await self.journal.do(Note(end))
        except JournalError as error:
            self._around.log.error("the journal was not closed as it should be", reason=str(error))
        finally:
            await self._writer.close()
            self._readers.close()
            self._connection.close()
            self._lock.release()
