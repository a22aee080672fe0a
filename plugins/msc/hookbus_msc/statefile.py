"""The state file: written whole or not at all, and put aside when it cannot be read."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock

from pydantic import ValidationError

from hookbus_msc.state import VERSION, State

__all__ = ["StateFile", "UnusableState"]


class UnusableState(Exception):  # noqa: N818 - it is caught where it is raised, and told in a log
    """There is a state file, but it says nothing that can be used; the text says why."""


class StateFile:
    """One file that threads may write: of two states the one that was taken later stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._written = 0

    def read(self) -> State | None:
        """What was kept, None when there is no file; raises `UnusableState`."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise UnusableState(f"it cannot be read: {error}") from None
        return _parse(text)

    def put_aside(self) -> Path | None:
        """Rename a file that cannot be used to NAME.broken; None when that is not possible."""
        kept = self.path.with_name(f"{self.path.name}.broken")
        try:
            return self.path.replace(kept)
        except OSError:
            return None

    def write(self, state: State, number: int) -> None:
        """Write a state, the `number`-th that was taken, unless a later one has been written.

        Raises `OSError`; the file is then as it was before.
        """
        text = state.model_dump_json(indent=1)
        with self._lock:
            if number > self._written:
                _replace(self.path, text)
                self._written = number


def _parse(text: str) -> State:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableState(f"it is cut off or damaged: {error}") from None
    version = data.get("version") if isinstance(data, dict) else None
    if version != VERSION:
        raise UnusableState(f"it has version {version!r}, and this release reads {VERSION}")
    try:
        return State.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UnusableState(f"it is damaged at {place!r}: {first['msg']}") from None


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name last; not every system can open a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
