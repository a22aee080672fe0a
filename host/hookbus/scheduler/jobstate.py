"""Remembering over a restart when persistent jobs were last due."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Protocol

import structlog


class RunState(Protocol):
    """The memory of a scheduler: up to which instant the due runs of a job are done with."""

    def load(self, job: str) -> int | None:
        """Nanoseconds since 1970, None for a job that is not known yet."""

    def save(self, job: str, done_ns: int) -> None:
        """Remember it; must not raise when that fails."""


class FileRunState:
    """A memory in a JSON file, which is replaced as a whole so that it is never half-written.

    A file that cannot be understood is set aside with `.damaged` at the end of its name, with a
    warning in the log; the jobs then begin anew. Saving waits for the disk, which is fine for jobs
    that run every few minutes or less often.
    """

    def __init__(self, path: Path, log: Any = None) -> None:
        self._path = path
        self._log = structlog.get_logger("hookbus.scheduler.jobs") if log is None else log
        self._done = self._read()

    def load(self, job: str) -> int | None:
        """What was saved last for a job, also by an earlier run of the host."""
        return self._done.get(job)

    def save(self, job: str, done_ns: int) -> None:
        """Write the file anew; a failure is logged."""
        if self._done.get(job) == done_ns:
            return
        self._done[job] = done_ns
        try:
            self._write()
        except OSError as error:
            self._log.error("job state was not saved", file=str(self._path), error=str(error))

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"version": 1, "done_ns": self._done}, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def _read(self) -> dict[str, int]:
        try:
            return _parse(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self._set_aside(error)
            return {}

    def _set_aside(self, error: Exception) -> None:
        aside = self._path.with_name(self._path.name + ".damaged")
        with contextlib.suppress(OSError):
            self._path.replace(aside)
        self._log.warning(
            "job state is damaged; runs missed before this start are not made up for",
            file=str(self._path),
            kept_as=str(aside),
            error=str(error),
        )


def _parse(content: bytes) -> dict[str, int]:
    data = json.loads(content)
    done = data.get("done_ns") if isinstance(data, dict) and data.get("version") == 1 else None
    if not isinstance(done, dict) or not all(type(value) is int for value in done.values()):
        raise ValueError("it is no job state of version 1")
    return done
