"""State files: what is kept between runs, as small JSON files that are never half-written."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookbus.errors import in_words


class StateFile:
    """A JSON object with a version, in a file that is replaced as a whole.

    A file that cannot be understood, because it is cut off, damaged or of another version, is set
    aside with `.broken` at the end of its name, with an error in the log; `unusable` then says why.
    Without a path, as in a simulation, there is never anything to load, and saving does nothing.
    """

    def __init__(self, path: Path | None, version: int, log: Any) -> None:
        self.path = path
        self.unusable: str | None = None
        self._version = version
        self._log = log

    def load(self) -> dict[str, Any] | None:
        """What was saved last; None when there is nothing, or nothing that can be used."""
        if self.path is None:
            return None
        try:
            return self._parse(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            self.set_aside(in_words(error))
            return None

    def _parse(self, content: bytes) -> dict[str, Any]:
        data = json.loads(content)
        if not isinstance(data, dict):
            raise ValueError("it holds no object")
        version = data.pop("version", None)
        if version != self._version:
            raise ValueError(f"it has version {version!r}, and {self._version} is read here")
        return data

    def set_aside(self, reason: str) -> None:
        """Rename a file whose content cannot be used, so that it can be looked at."""
        self.unusable = reason
        if self.path is None:
            return
        aside = self.path.with_name(f"{self.path.name}.broken")
        with contextlib.suppress(OSError):
            self.path.replace(aside)
        self._log.error(
            "state cannot be used; beginning anew",
            file=str(self.path),
            kept_as=str(aside),
            reason=reason,
        )

    def save(self, data: Mapping[str, Any]) -> None:
        """Replace the file, and return when it would survive a crash.

        A failure is logged, and the file is then as it was before.
        """
        if self.path is None:
            return
        text = json.dumps({"version": self._version, **data}, indent=1, sort_keys=True)
        try:
            _replace(self.path, text)
        except OSError as error:
            self._log.error("state was not saved", file=str(self.path), error=in_words(error))


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
