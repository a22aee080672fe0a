"""Checkpoints: the write-ahead log is carried over into the database before it grows too large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import apsw

DUE_PAGES: Final = 500
"""Pages in the log after which it is carried over as far as readers allow: 2 MB.

That is half of the reserve, which therefore has room for them when the disk is full.
"""

PRESSING: Final = 6
"""Times `DUE_PAGES` after which the writer waits for readers, so that the log begins anew."""

URGENT: Final = 10
"""Times `DUE_PAGES` after which readers are interrupted."""

WAIT_MS: Final = 500
"""Milliseconds for which the writer waits for readers, once for each `DUE_PAGES`."""


class Checkpoints:
    """Watches how long the log of a connection is; `interrupt` ends what readers are doing.

    `due` is the number of pages after which the log is carried over, `problem` why the last attempt
    failed, None where it did not.
    """

    def __init__(
        self, connection: apsw.Connection, interrupt: Callable[[], None], due: int = DUE_PAGES
    ) -> None:
        self.pages = 0
        self.due = due
        self.wait_ms = WAIT_MS
        self.problem: str | None = None
        self._connection = connection
        self._interrupt = interrupt
        self._tried_at = 0
        connection.set_wal_hook(self._note)

    def _note(self, _: apsw.Connection, __: str, pages: int) -> int:
        if pages < self.pages:
            self._tried_at = 0
        self.pages = pages
        return apsw.SQLITE_OK

    def make_if_due(self, *, soon: bool = False) -> None:
        """Carry the log over when it has grown by `due` pages, `soon` by a tenth of them."""
        if self.pages < self._tried_at + (self.due // 10 if soon else self.due):
            return
        self._tried_at = self.pages
        if self.pages >= self.due * URGENT:
            self._interrupt()
        restart = self.pages >= self.due * PRESSING
        self._make(apsw.SQLITE_CHECKPOINT_RESTART if restart else apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _make(self, mode: int) -> None:
        """Carry the log over; what fails is tried again when it has grown further."""
        self._connection.set_busy_timeout(self.wait_ms)
        try:
            self._connection.wal_checkpoint(mode=mode)
        except apsw.Error as error:
            self.problem = f"{type(error).__name__}: {error}"
        else:
            self.problem = None
