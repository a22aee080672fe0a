"""A disk that keeps only what was synced when the power goes: a file system for SQLite."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import apsw

SECTOR = 512
"""Bytes that a disk writes whole; longer writes may be torn between them."""


@dataclass
class Image:
    """A file as the disk has it, and the writes that it has not been made to keep."""

    kept: bytearray
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Offset and bytes of a write; None for a file that was cut to a length."""

    def sync(self) -> None:
        """Keep all that was written."""
        for offset, data in self.pending:
            apply(self.kept, offset, data)
        self.pending.clear()

    def after_a_cut(self, random: Random) -> bytes:
        """What is there afterwards: some of the pending writes, some of those torn."""
        left = bytearray(self.kept)
        for offset, data in random.sample(self.pending, random.randint(0, len(self.pending))):
            apply(left, offset, data if data is None else torn(data, random))
        return bytes(left)


def apply(content: bytearray, offset: int, data: bytes | None) -> None:
    """Write into a file, or cut it."""
    if data is None:
        del content[offset:]
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


def torn(data: bytes, random: Random) -> bytes:
    """All of a write, or its first sectors."""
    whole = len(data) <= SECTOR or random.random() < 0.5
    return data if whole else data[: SECTOR * random.randint(0, len(data) // SECTOR)]


class LosingDisk(apsw.VFS):
    """The system's files, and beside them what a disk would have of each of them.

    What is written reaches the files at once, and the image of the disk when it is synced.
    """

    def __init__(self, name: str, random: Random) -> None:
        self.name = name
        self.images: dict[Path, Image] = {}
        self.syncs = 0
        self._random = random
        self._lock = threading.Lock()
        super().__init__(name, base="unix")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        """Open a file; databases and their logs are watched."""
        if flags[0] & (apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL):
            return LosingFile(self, name, flags)
        return apsw.VFSFile("unix", name, flags)

    def opened(self, path: Path) -> Image:
        """The image of a file, which has reached the disk when it is first seen."""
        with self._lock:
            if path not in self.images:
                self.images[path] = Image(bytearray(path.read_bytes() if path.exists() else b""))
            return self.images[path]

    def note(self, image: Image, offset: int, data: bytes | None) -> None:
        """A file was written to, or cut."""
        with self._lock:
            image.pending.append((offset, data))

    def sync(self, image: Image) -> None:
        """A file was synced."""
        with self._lock:
            self.syncs += 1
            image.sync()

    def cut(self, folder: Path) -> None:
        """Write into `folder` what would be left if the power went now."""
        with self._lock:
            for path, image in self.images.items():
                (folder / path.name).write_bytes(image.after_a_cut(self._random))


class LosingFile(apsw.VFSFile):
    """A file of such a disk."""

    def __init__(self, disk: LosingDisk, name: Any, flags: list[int]) -> None:
        path = Path(name if isinstance(name, str) else name.filename())
        self._disk = disk
        self._image = disk.opened(path)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        """Write, and note it."""
        super().xWrite(data, offset)
        self._disk.note(self._image, offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        """Cut, and note it."""
        super().xTruncate(size)
        self._disk.note(self._image, size, None)

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Sync: the image has it all."""
        super().xSync(flags)
        self._disk.sync(self._image)
