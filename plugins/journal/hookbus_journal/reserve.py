"""The reserve: bytes set aside on the disk, for what must still be stored when it is full."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def allocate(path: Path, size: int) -> None:
    """Make a file of `size` bytes that has all its room on the disk; raises `OSError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if size:
            os.posix_fallocate(descriptor, 0, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Reserve:
    """A file beside the database that takes room, and gives it back when the disk is full.

    `spent` says that it was given back; `make` allocates a file.
    """

    def __init__(self, path: Path, size: int, make: Callable[[Path, int], None] = allocate) -> None:
        self.path = path
        self.size = size
        self.spent = True
        self._make = make

    def restore(self) -> None:
        """Take the room again, where there is as much besides: else it would soon be spent anew."""
        try:
            self._make(self.path, 2 * self.size)
            os.truncate(self.path, self.size)
            self.spent = False
        except OSError:
            self.release()

    def release(self) -> None:
        """Give the room back."""
        self.spent = True
        with suppress(FileNotFoundError):
            self.path.unlink()
