"""Writes numbered lines into a rotated log until it is killed, and says which ones are there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hookbus_logging.oldfiles import OldFiles
from hookbus_logging.rotation import RotatingOutput, Schedule

START = datetime(2014, 1, 2, tzinfo=UTC)


def at_once(call: Callable[[], None]) -> None:
    """Do now what could be done later."""
    call()


def open_log(
    path: Path,
    size: int | None = None,
    every: str | None = None,
    keep: int | None = None,
    *,
    compress: bool = False,
    last_write: datetime | None = None,
) -> RotatingOutput:
    """A rotated log that is tidied at once."""
    schedule = Schedule(size, every)  # type: ignore[arg-type]
    return RotatingOutput(
        path, schedule, OldFiles(path, keep, compress=compress), at_once, last_write
    )


def main(path: Path, first: int) -> None:
    """Write for ever."""
    log = open_log(path, size=200, every="hour", compress=True)
    number = first
    while True:
        log.write(f"line {number}", START + timedelta(minutes=number))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
