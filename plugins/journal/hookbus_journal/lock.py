"""The lock: one host for each journal."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from hookbus import PluginError


def holder(path: Path) -> str | None:
    """Who holds a lock, as text; None where nobody does, and where the file is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return os.pread(descriptor, 4096, 0).decode(errors="replace").strip() or "another process"
    finally:
        os.close(descriptor)
    return None


class FileLock:
    """A lock on a file, which the system takes back when the process ends, however it ends.

    The file says who holds it: the process and the run. Raises `PluginError` naming the holder.
    """

    def __init__(self, path: Path, run: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, 4096, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise PluginError(
                "journal",
                "start",
                f"{path} is held by {holder or 'another process'}",
                "One host at a time may use a journal: stop the other one, or set [host] state to "
                "another folder",
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"process {os.getpid()}, run {run}\n".encode(), 0)

    def release(self) -> None:
        """Let another host have it; the file stays, since removing it would let two hosts in."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
