"""Checkpoints: the write-ahead log is carried over into the database before it grows too large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import apsw

DUE_PAGES: Final = 1_000
"""Pages in the log after which it is carried over as far as readers allow: 4 MB."""

PRESSING_PAGES: Final = 6_000
"""Pages after which the writer waits for the readers of the day, so that the log begins anew."""

LATEST_PAGES: Final = 10_000
"""Pages after which readers are interrupted: 40 MB."""

WAIT_MS: Final = 500
"""Milliseconds for which the writer waits for readers."""


class Checkpoints:
    """Watches how long the log of a connection is; `interrupt` ends what readers are doing."""

    def __init__(self, connection: apsw.Connection, interrupt: Callable[[], None]) -> None:
        self.pages = 0
        self.problem: str | None = None
        self._connection = connection
        self._interrupt = interrupt
        connection.set_wal_hook(self._note)

    def _note(self, _: apsw.Connection, __: str, pages: int) -> int:
        self.pages = pages
        return apsw.SQLITE_OK

    def make_if_due(self) -> None:
        """Carry the log over when it is long enough; what goes wrong is tried again next time."""
        if self.pages < DUE_PAGES:
            return
        if self.pages >= LATEST_PAGES:
            self._interrupt()
        restart = self.pages >= PRESSING_PAGES
        self.make(apsw.SQLITE_CHECKPOINT_RESTART if restart else apsw.SQLITE_CHECKPOINT_PASSIVE)

    def make(self, mode: int) -> None:
        """Carry the log over; `problem` says why that could not be done."""
        self._connection.set_busy_timeout(WAIT_MS)
        try:
            self._connection.wal_checkpoint(mode=mode)
        except apsw.Error as error:
            self.problem = f"{type(error).__name__}: {error}"
        else:
            self.problem = None
