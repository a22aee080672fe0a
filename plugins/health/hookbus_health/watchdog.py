"""The watchdog: signs of life from the event loop, which end when the loop stands still.

The file is replaced whole, so that a reader never sees half of it. It is not forced to the disk:
it is worth nothing after a crash of the machine, and waiting for a disk would block the very loop
whose life it shows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from hookbus_health.systemd import Notifier


class SignFile:
    """A JSON file with the time of the last sign of life, and how things stood then.

    `interval` is the time to the next sign, in seconds, for whoever reads the file.
    """

    def __init__(self, path: Path, interval: float) -> None:
        self.path = path
        self._interval = interval

    def write(self, now: datetime, state: str, standing: Mapping[str, Any]) -> None:
        """Replace the file; raises `OSError`."""
        sign = {"time": now.isoformat(), "interval": self._interval, "pid": os.getpid()}
        text = json.dumps({**sign, "state": state, **standing}, indent=2)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        temporary.write_text(f"{text}\n", encoding="utf-8")
        temporary.replace(self.path)


class Watchdog:
    """Gives signs of life to a file and, where there is a notifier, to systemd.

    Call it on the event loop alone, so that no sign comes from a loop that stands still. Each call
    returns in words what it could not do, nothing where it could do all.
    """

    def __init__(self, file: SignFile, notifier: Notifier | None) -> None:
        self._file = file
        self._notifier = notifier
        self._state = "running"

    def beat(self, now: datetime, standing: Mapping[str, Any]) -> str:
        """Say that the loop is alive; `standing` has `status` and `reason` of the system."""
        status = f"{standing['status']}: {standing['reason']}"
        written = _attempt(partial(self._file.write, now, self._state, standing))
        told = self._tell(WATCHDOG=1, STATUS=status)
        return "; ".join(filter(None, (written, told)))

    def ready(self) -> str:
        """Tell systemd that the host has started."""
        return self._tell(READY=1)

    def stopping(self) -> str:
        """Tell systemd that the host begins to stop; signs of life go on until `stop`."""
        self._state = "stopping"
        return self._tell(STOPPING=1)

    def stop(self, now: datetime, standing: Mapping[str, Any]) -> str:
        """Leave in the file that the host has stopped, and let go of the socket."""
        if self._notifier is not None:
            self._notifier.close()
            self._notifier = None
        return _attempt(partial(self._file.write, now, "stopped", standing))

    def _tell(self, **lines: object) -> str:
        return "" if self._notifier is None else _attempt(partial(self._notifier.tell, **lines))


def _attempt(call: Callable[[], None]) -> str:
    try:
        call()
    except OSError as error:
        return str(error)
    return ""
