"""Readers: connections that read, in threads of their own, in short transactions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import apsw
from hookbus import JournalError

from hookbus_journal.tasks import CLOSED

T = TypeVar("T")

THREADS: Final = 2
"""Reads that are under way at a time."""

TRIES: Final = 3
"""How often a short read is begun that was interrupted for the sake of the log."""


class Read:
    """One read, which can be interrupted while it is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._cancelled = False

    def begin(self, connection: apsw.Connection) -> bool:
        """It is under way on a connection; False where nobody wants it any more."""
        with self._lock:
            self._connection = connection
            return not self._cancelled

    def end(self) -> None:
        """It is over."""
        with self._lock:
            self._connection = None

    def interrupt(self) -> None:
        """End it early, if it is under way."""
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()

    def cancel(self) -> None:
        """Nobody wants the result any more."""
        self._cancelled = True
        self.interrupt()


class Readers:
    """Runs reads on connections that `connect` opens; without `threaded` at once, on the loop."""

    def __init__(self, connect: Callable[[], apsw.Connection], *, threaded: bool) -> None:
        self._connect = connect
        self._pool = ThreadPoolExecutor(THREADS, "hookbus-journal-reader") if threaded else None
        self._idle: list[apsw.Connection] = []
        self._under_way: dict[Read, None] = {}
        self._closed = False

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """The result of `work` on a connection.

        Raises `apsw.InterruptError` when it took so long that it had to give way to the writer,
        and `JournalError` after the end.
        """
        if self._closed:
            raise JournalError(str(CLOSED))
        read = Read()
        if self._pool is None:
            return self._call(work, read)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, self._call, work, read)
        except asyncio.CancelledError:
            read.cancel()
            raise

    async def run_short(self, work: Callable[[apsw.Connection], T]) -> T:
        """As `run`, begun again when it had to give way; raises `JournalError` for what fails."""
        for _ in range(TRIES):
            try:
                return await self.run(work)
            except apsw.InterruptError:
                continue
            except apsw.Error as error:
                raise JournalError(f"the journal cannot be read: {error}") from None
        raise JournalError("reading the journal was interrupted")

    def _call(self, work: Callable[[apsw.Connection], T], read: Read) -> T:
        connection = self._idle.pop() if self._idle else self._connect()
        self._under_way[read] = None
        try:
            if not read.begin(connection):
                raise apsw.InterruptError
            return work(connection)
        finally:
            read.end()
            del self._under_way[read]
            self._idle.append(connection)

    def interrupt(self) -> None:
        """End what is under way: the log of the database has grown too long behind it."""
        for read in list(self._under_way):
            read.interrupt()

    def close(self) -> None:
        """End what is under way, and close the connections."""
        self._closed = True
        self.interrupt()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        while self._idle:
            self._idle.pop().close()
