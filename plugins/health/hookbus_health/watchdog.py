"""The watchdog: signs of life from the event loop, which end when the loop stands still.

The file is replaced whole, so that a reader never sees half of it. It is not forced to the disk:
it is worth nothing after a crash of the machine, and waiting for a disk would block the very loop
whose life it shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from hookbus_health.board import Board
from hookbus_health.sign import Sign, State
from hookbus_health.systemd import Notifier


class Watchdog:
    """Gives signs of life in a file and, where there is a notifier, to systemd.

    `interval` is the time between two signs, in seconds, for whoever reads the file. Call it on the
    event loop alone, so that no sign comes from a loop that stands still. Each call returns in
    words what it could not do, nothing where it could do all.
    """

    def __init__(self, path: Path, interval: float, notifier: Notifier | None) -> None:
        self.interval = interval
        self._path = path
        self._notifier = notifier
        self._state: State = "running"

    def beat(self, board: Board, now: datetime) -> str:
        """Say that the loop is alive, and how things stand."""
        sign = self._sign(board, now)
        written = _attempt(partial(self._write, sign))
        told = self._tell(WATCHDOG=1, STATUS=f"{sign.status}: {sign.reason}")
        return "; ".join(filter(None, (written, told)))

    def ready(self) -> str:
        """Tell systemd that the host has started."""
        return self._tell(READY=1)

    def stopping(self) -> str:
        """Tell systemd that the host begins to stop; signs of life go on until `stop`."""
        self._state = "stopping"
        return self._tell(STOPPING=1)

    def stop(self, board: Board, now: datetime) -> str:
        """Leave in the file that the host has stopped, and let go of the socket."""
        self._state = "stopped"
        if self._notifier is not None:
            self._notifier.close()
            self._notifier = None
        return _attempt(partial(self._write, self._sign(board, now)))

    def _sign(self, board: Board, now: datetime) -> Sign:
        system = board.standing()
        return Sign(
            status=system.status,
            reason=system.reason,
            changes=system.changes,
            time=now,
            interval=self.interval,
            pid=os.getpid(),
            state=self._state,
            components=board.standings(),
        )

    def _write(self, sign: Sign) -> None:
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        temporary.write_text(f"{sign.model_dump_json(indent=2)}\n", encoding="utf-8")
        temporary.replace(self._path)

    def _tell(self, **lines: object) -> str:
        return "" if self._notifier is None else _attempt(partial(self._notifier.tell, **lines))


def _attempt(call: Callable[[], None]) -> str:
    try:
        call()
    except OSError as error:
        return str(error)
    return ""
