"""What a plugin keeps between runs: a small JSON file that is never half-written."""

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["StateFile"]


class StateFile:
    """A JSON object with a version, in a file that is replaced as a whole.

    A file that cannot be understood, because it is cut off, damaged or of another version, is set
    aside with `.broken` at the end of its name and told in the log; the plugin then begins anew.
    """

    def __init__(self, path: Path, version: int, log: Any) -> None:
        self._path = path
        self._version = version
        self._log = log

    def load(self) -> dict[str, Any] | None:
        """What was saved last; None when there is nothing, or nothing that can be used."""
        try:
            data = json.loads(self._path.read_bytes())
            found = data.get("version") if isinstance(data, dict) else None
            if found != self._version:
                raise ValueError(f"its version is {found!r}, not {self._version}")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._set_aside(error)
            return None
        return dict(data)

    def save(self, data: dict[str, Any]) -> None:
        """Replace the file; a failure is logged, for the run goes on without it."""
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump({"version": self._version, **data}, file, indent=1, sort_keys=True)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            self._log.error("state was not saved", file=str(self._path), error=str(error))

    def _set_aside(self, error: Exception) -> None:
        aside = self._path.with_name(self._path.name + ".broken")
        try:
            self._path.replace(aside)
        except OSError as moving:
            aside = self._path
            self._log.error("state cannot be set aside", file=str(aside), error=str(moving))
        self._log.error(
            "state cannot be used; beginning anew",
            file=str(self._path),
            kept_as=str(aside),
            error=str(error),
        )
