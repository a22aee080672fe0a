"""A file that is set aside when it is large or old enough: between two lines, never within one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from hookbus_logging.oldfiles import OldFiles
from hookbus_logging.outputs import DescriptorOutput, encoded, open_file

Every = Literal["hour", "day", "week"]

RETRY = timedelta(minutes=1)
"""How long a rotation that failed is not tried again."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a file is set aside: before it exceeds `size` bytes, and when a new period has begun.

    Hours, days and weeks (from Monday on) are those of UTC.
    """

    size: int | None = None
    every: Every | None = None

    def period(self, time: datetime) -> datetime | None:
        """The beginning of the period that a time is in; None where periods do not matter."""
        if self.every is None:
            return None
        hour = time.replace(minute=0, second=0, microsecond=0)
        if self.every == "hour":
            return hour
        day = hour.replace(hour=0)
        return day if self.every == "day" else day - timedelta(days=day.weekday())


class RotatingOutput:
    """Appends to a file, and goes on in a new one when the schedule says so.

    A line is in one file as a whole, and the old files followed by the current one have all lines
    in order. Where a file cannot be set aside the lines go on in it, `problem` says why, and it is
    tried again after a minute. `last_write` is when a file that exists was written to, None when
    that is unknown. `later` runs what need not be done at once.
    """

    terminal = False

    def __init__(
        self,
        path: Path,
        schedule: Schedule,
        old: OldFiles,
        later: Callable[[Callable[[], None]], object],
        last_write: datetime | None = None,
    ) -> None:
        self.name = str(path)
        self.rotations = 0
        self.old = old
        self._path = path
        self._schedule = schedule
        self._later = later
        self._file: DescriptorOutput = open_file(path)
        self._period = None if last_write is None else schedule.period(last_write)
        self._problem: str | None = None
        self._not_before: datetime | None = None
        later(old.tidy)

    @property
    def problem(self) -> str | None:
        """What went wrong with setting a file aside, packing it or removing it."""
        return self._problem or self.old.problem

    def write(self, line: str, time: datetime) -> None:
        """Write one line, published at `time`; raises `OSError` as a plain file does."""
        period = self._schedule.period(time)
        if self._is_due(line, period) and not self._must_wait(time):
            self._rotate(time)
        if period is not None and (self._period is None or period > self._period):
            self._period = period
        self._file.write(line, time)

    def _is_due(self, line: str, period: datetime | None) -> bool:
        if self._file.torn or self._file.size == 0:
            return False
        if period is not None and self._period is not None and period > self._period:
            return True
        size = self._schedule.size
        return size is not None and self._file.size + len(encoded(line)) > size

    def _must_wait(self, time: datetime) -> bool:
        return self._not_before is not None and time < self._not_before

    def _rotate(self, time: datetime) -> None:
        try:
            fresh = self._set_aside()
        except OSError as error:
            self._problem = f"{self._path} is not rotated: {error.strerror or error}"
            self._not_before = time + RETRY
            return
        self._problem = self._not_before = None
        self._file.close()
        self._file = fresh
        self.rotations += 1
        self._later(self.old.tidy)

    def _set_aside(self) -> DescriptorOutput:
        """Rename the file and open a new one; raises `OSError` with everything as it was."""
        if not self._file.is_at(self._path):  # somebody else has moved it: leave it to them
            return open_file(self._path)
        target = self.old.next_path()
        os.rename(self._path, target)
        try:
            return open_file(self._path)
        except OSError:
            with suppress(OSError):  # else the lines go on in the file under its new name
                os.rename(target, self._path)
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def written_at(path: Path) -> datetime | None:
    """When a file was last written to, UTC; None where there is none, or nothing is in it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return datetime.fromtimestamp(found.st_mtime, UTC) if found.st_size else None
