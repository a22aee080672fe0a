"""Telling: on the bus and in the log, when the journal does not work, and when it does again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hookbus import Event

from hookbus_journal.events import JournalFailed, JournalRecovered, RecordingFellBehind


class Teller:
    """Says what goes wrong with a journal, in the file `file`.

    `publish` takes an event and never waits; `missed` is how many events were not recorded so far.
    """

    def __init__(
        self, file: str, log: Any, publish: Callable[[Event], object], missed: Callable[[], int]
    ) -> None:
        self._file = file
        self._log = log
        self._publish = publish
        self._missed = missed
        self._missed_before = 0

    def trouble(self, reason: str | None) -> None:
        """Storing has begun to fail, or works again where there is no reason."""
        if reason is not None:
            self._missed_before = self._missed()
            self._log.error("the journal cannot store anything", file=self._file, reason=reason)
            self._publish(JournalFailed(file=self._file, reason=reason))
            return
        missed = self._missed() - self._missed_before
        self._log.warning("the journal stores events again", file=self._file, missed=missed)
        self._publish(JournalRecovered(file=self._file, missed=missed))

    def fell_behind(self, count: int) -> None:
        """Events were not recorded because too many wait."""
        self._log.warning("events were not recorded: the journal fell behind", count=count)
        self._publish(RecordingFellBehind(count=count))
