"""The session: a journal from its opening to its end, with all that belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import apsw
from hookbus import Clock

from hookbus_journal import consumers, retention, runs
from hookbus_journal.checkpoints import Checkpoints
from hookbus_journal.committer import Committer
from hookbus_journal.database import open_for_reading, open_for_writing
from hookbus_journal.guard import let_read_only
from hookbus_journal.journal import StoredJournal
from hookbus_journal.lock import FileLock
from hookbus_journal.readers import Readers
from hookbus_journal.recorder import BATCH, Recorder, chooser
from hookbus_journal.reserve import Reserve
from hookbus_journal.settings import JournalSettings
from hookbus_journal.store import Store
from hookbus_journal.writer import InlineWriter, ThreadedWriter, Writer

DAY_NS: Final = 86_400_000_000_000
SIMULATED_BATCH: Final = 512


@dataclass(frozen=True)
class Surroundings:
    """What a session needs of the host and of whoever tests it.

    `tell_trouble` is called in the writer's thread, `tell_missed` on the event loop. `paced` says
    that a simulation keeps pace with real time. `vfs` names the file system that SQLite works on.
    """

    run: str
    clock: Clock
    host_version: str
    tell_trouble: Callable[[str | None], None]
    tell_missed: Callable[[int], None]
    paced: bool = False
    vfs: str | None = None
    make_reserve: Callable[[Path, int], Reserve] = Reserve


class Session:
    """The journal of one run: the file and its lock, the writer and the readers."""

    def __init__(self, folder: Path, settings: JournalSettings, around: Surroundings) -> None:
        name = "simulation" if around.clock.simulated else "journal"
        self.path = folder / f"{name}.db"
        self.settings = settings
        self.journal: StoredJournal
        self.recorder: Recorder
        self.committer: Committer
        self.last_run: tuple[str, bool] | None = None
        self._around = around
        self._connection: apsw.Connection
        self._lock: FileLock
        self._readers: Readers
        self._writer: Writer

    async def open(self) -> None:
        """Open the file and begin the run; raises `PluginError` where it cannot be used."""
        loop = asyncio.get_running_loop()
        simulated = self._around.clock.simulated
        if simulated:
            known = self._open_file()
        else:
            known = await asyncio.to_thread(self._open_file)
        settings, now_ns = self.settings, self._around.clock.now_ns
        self._writer = (
            InlineWriter(self.committer)
            if simulated
            else ThreadedWriter(self.committer, loop, settings.commit_events, settings.commit_wait)
        )
        self.journal = StoredJournal(
            self._writer, self._readers, loop, now_ns, settings.durable, known,
            settings.dead_letters,
        )  # fmt: skip
        self.recorder = self.journal.recorder = self._make_recorder(loop)

    def _open_file(self) -> dict[str, tuple[str, ...]]:
        around = self._around
        simulated = around.clock.simulated
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.path.with_suffix(".lock"), around.run)
        try:
            self._connection = open_for_writing(self.path, fresh=simulated, vfs=around.vfs)
            self.last_run = runs.last(self._connection)
            self._make_committer(simulated)
            store = self.committer.store
            runs.begin(
                store,
                started_ns=around.clock.now_ns(),
                simulated=simulated,
                host_version=around.host_version,
            )
        except BaseException:
            self._lock.release()
            raise
        return consumers.known(store)

    def _make_committer(self, simulated: bool) -> None:
        settings, around = self.settings, self._around
        self._readers = Readers(self._reading_connection, threaded=not simulated)
        store = Store(self._connection, around.run, settings.payload_limit)
        reserve = around.make_reserve(
            self.path.with_suffix(".reserve"), 0 if simulated else settings.reserve_bytes
        )
        reserve.restore()
        checkpoints = Checkpoints(self._connection, self._readers.interrupt)
        self.committer = Committer(
            store, reserve, checkpoints, around.tell_trouble, lasting=not simulated
        )

    def _reading_connection(self) -> apsw.Connection:
        connection = open_for_reading(self.path, self._around.vfs)
        let_read_only(connection)
        return connection

    def _make_recorder(self, loop: asyncio.AbstractEventLoop) -> Recorder:
        settings, around = self.settings, self._around
        timely = around.paced or not around.clock.simulated
        return Recorder(
            self._writer,
            chooser(settings.record, settings.exclude, self.journal.requires),
            around.clock.now_ns,
            loop.call_soon if timely else None,
            around.tell_missed,
            batch=BATCH if timely else SIMULATED_BATCH,
            most=settings.backlog,
        )

    async def prune(self) -> int:
        """Remove what is too old or too much; returns how many events that were."""
        before_ns = self._around.clock.now_ns() - round(self.settings.keep_days * DAY_NS)
        step = partial(retention.prune, before_ns=before_ns, keep_bytes=self.settings.keep_bytes)
        removed = 0
        while count := await self.journal.do(step):
            removed += count
        return removed

    async def close(self) -> dict[str, Any]:
        """Store what is left, note that the run ended as it should, and close the file."""
        await self.journal.flushed()
        end = partial(runs.end, ended_ns=self._around.clock.now_ns())
        await self.journal.do(end, durable=True)
        await self._writer.close()
        self._readers.close()
        self._connection.close()
        self._lock.release()
        return {}
