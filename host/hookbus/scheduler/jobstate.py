"""Remembering over a restart when persistent jobs were last due."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import structlog

from hookbus.statefile import StateFile


class RunState(Protocol):
    """The memory of a scheduler: up to which instant the due runs of a job are done with."""

    def load(self, job: str) -> int | None:
        """Nanoseconds since 1970, None for a job that is not known yet."""

    def save(self, job: str, done_ns: int) -> None:
        """Remember it; must not raise when that fails."""


class FileRunState:
    """A memory in a state file. One that cannot be understood is set aside; jobs then begin anew.

    Saving waits for the disk, which is fine for jobs that run every few minutes or less often.
    """

    def __init__(self, path: Path, log: Any = None) -> None:
        logger = structlog.get_logger("hookbus.scheduler.jobs") if log is None else log
        self._file = StateFile(path, 1, logger)
        self._done = self._read()
        self._warn(logger)

    def load(self, job: str) -> int | None:
        """What was saved last for a job, also by an earlier run of the host."""
        return self._done.get(job)

    def save(self, job: str, done_ns: int) -> None:
        """Write the file anew; a failure is logged."""
        if self._done.get(job) != done_ns:
            self._done[job] = done_ns
            self._file.save({"done_ns": self._done})

    def _read(self) -> dict[str, int]:
        data = self._file.load()
        done = {} if data is None else data.get("done_ns")
        if isinstance(done, dict) and all(type(value) is int for value in done.values()):
            return done
        self._file.set_aside("done_ns is no table of whole numbers")
        return {}

    def _warn(self, log: Any) -> None:
        if self._file.unusable is not None:
            log.warning("runs of jobs missed before this start are not made up for")
