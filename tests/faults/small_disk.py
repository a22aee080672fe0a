"""Disks that can be full: a file system for SQLite with a limit, or a small one of the system."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import apsw
from hookbus_journal.reserve import allocate


class SmallDisk(Protocol):
    """What the demonstration needs of a disk."""

    folder: Path
    vfs: str | None

    def allocate(self, path: Path, size: int) -> None:
        """Make a file of a size; raises `OSError` where there is no room."""

    def fill(self, left: int) -> None:
        """Leave only so many bytes free."""

    def free(self) -> None:
        """Have room again."""


class LimitedDisk(apsw.VFS):
    """The system's files in one folder, which may not grow beyond a limit."""

    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder
        self.vfs: str | None = name
        self.limit: int | None = None
        super().__init__(name, base="unix")

    def used(self) -> int:
        """Bytes in the folder; the index of the log is in memory and does not count."""
        files = [path for path in self.folder.iterdir() if not path.name.endswith("-shm")]
        return sum(path.stat().st_size for path in files)

    def has_room(self, growth: int) -> bool:
        """Whether files may grow by so many bytes."""
        return growth <= 0 or self.limit is None or self.used() + growth <= self.limit

    def allocate(self, path: Path, size: int) -> None:
        """Make a file of a size."""
        grown = size - (path.stat().st_size if path.exists() else 0)
        if not self.has_room(grown):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        allocate(path, size)

    def fill(self, left: int) -> None:
        """Leave only so many bytes free."""
        self.limit = self.used() + left

    def free(self) -> None:
        """Have room again."""
        self.limit = None

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        """Open a file whose growth is limited."""
        return LimitedFile(self, name, flags)


class LimitedFile(apsw.VFSFile):
    """A file on such a disk."""

    def __init__(self, disk: LimitedDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        """Write, unless there is no room for it."""
        if not self._disk.has_room(offset + len(data) - super().xFileSize()):
            raise apsw.FullError("database or disk is full")
        super().xWrite(data, offset)


class MountedDisk:
    """A file system of the system's own, in memory, which a file fills up."""

    vfs: str | None = None
    allocate = staticmethod(allocate)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, left: int) -> None:
        """Leave only so many bytes free."""
        self.free()
        free = os.statvfs(self.folder)
        size = max(0, free.f_bavail * free.f_frsize - left)
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, size))

    def free(self) -> None:
        """Have room again."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def limited(folder: Path) -> Iterator[SmallDisk]:
    """A disk with a limit, which needs no rights."""
    disk = LimitedDisk(f"limited-{folder.name}-{id(folder)}", folder)
    try:
        yield disk
    finally:
        disk.unregister()


@contextmanager
def mounted(folder: Path, size: int = 128 * 1024 * 1024) -> Iterator[SmallDisk]:
    """A small file system; raises `subprocess.CalledProcessError` where mounting is not allowed."""
    options = ["-t", "tmpfs", "-o", f"size={size}"]
    subprocess.run(["mount", *options, "tmpfs", folder], check=True, capture_output=True)
    try:
        yield MountedDisk(folder)
    finally:
        subprocess.run(["umount", folder], check=True, capture_output=True)


Kind = Callable[[Path], Any]
"""`limited` or `mounted`."""
