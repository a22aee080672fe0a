"""The files that were set aside: numbered, packed when so asked, and only so many of them."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

PACKED = ".gz"
UNFINISHED = ".gz.part"


class OldFiles:
    """The old files of a log: `events.log.000001` and so on, the higher the newer.

    With `keep` only so many of them stay, with `compress` they are packed with gzip. `removed`
    counts those that went, `problem` is what went wrong last, None when nothing did.
    """

    def __init__(self, path: Path, keep: int | None = None, *, compress: bool = False) -> None:
        self._path = path
        self._keep = keep
        self._compress = compress
        self._pattern = re.compile(rf"{re.escape(path.name)}\.(\d{{6,}})({re.escape(PACKED)})?")
        self.removed = 0
        self.problem: str | None = None

    def numbers(self) -> dict[int, list[Path]]:
        """The old files by number, the oldest first; one that is just being packed is there twice.

        Raises `OSError` when the folder cannot be read.
        """
        found: dict[int, list[Path]] = {}
        for name in sorted(os.listdir(self._path.parent)):
            match = self._pattern.fullmatch(name)
            if match is not None:
                found.setdefault(int(match[1]), []).append(self._path.with_name(name))
        return dict(sorted(found.items()))

    def next_path(self) -> Path:
        """Where the next file goes; raises `OSError` when the folder cannot be read."""
        number = max(self.numbers(), default=0) + 1
        return self._path.with_name(f"{self._path.name}.{number:06d}")

    def tidy(self) -> None:
        """Remove the oldest files beyond `keep`, and pack the others.

        What another run has left half done is finished. Never raises because of a file: see
        `problem`.
        """
        try:
            numbers = self.numbers()
            surplus = 0 if self._keep is None else max(0, len(numbers) - self._keep)
            for files in list(numbers.values())[:surplus]:
                for file in files:
                    file.with_name(file.name + UNFINISHED).unlink(missing_ok=True)
                    file.unlink()
                self.removed += 1
            for files in list(numbers.values())[surplus:] if self._compress else ():
                for plain in (file for file in files if file.suffix != PACKED):
                    _pack(plain)
        except OSError as error:
            self.problem = f"{error.filename or self._path}: {error.strerror or error}"
        else:
            self.problem = None


def _pack(plain: Path) -> None:
    """Put a packed file in place of a plain one, which goes once the packed one is complete."""
    unfinished = plain.with_name(plain.name + UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            with (
                plain.open("rb") as source,
                gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
            ):
                shutil.copyfileobj(source, packed)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(plain.with_name(plain.name + PACKED))
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise
    plain.unlink()
