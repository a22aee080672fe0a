"""Where a running host listens: a Unix domain socket in its state folder.

The path of a socket has room for about a hundred bytes. Where the state folder is deeper, the
socket is in a folder of its own among the temporary ones, and `control.json` says where.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

SOCKET = "control.sock"
NOTE = "control.json"
LONGEST = 100
"""Bytes of the longest path that a socket may have everywhere."""


class Note(NamedTuple):
    """What `control.json` says: the socket, and the process and the run that listen to it."""

    socket: Path
    pid: int
    run: str


def choose_socket(folder: Path) -> Path:
    """The path for the socket of a host whose state is in `folder`; makes a folder if need be."""
    path = folder.resolve() / SOCKET
    if len(os.fsencode(path)) <= LONGEST:
        return path
    return Path(tempfile.mkdtemp(prefix="hookbus-")) / SOCKET


def write_note(folder: Path, note: Note) -> None:
    """Write `control.json`, whole or not at all, for the owner's eyes only."""
    text = json.dumps({"socket": str(note.socket), "pid": note.pid, "run": note.run})
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{NOTE}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(folder / NOTE)


def read_note(folder: Path) -> Note | None:
    """What `control.json` in `folder` says; None where it is missing or unreadable."""
    try:
        data: Any = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return Note(Path(data["socket"]), int(data["pid"]), str(data["run"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def connect_to(folder: Path, timeout: float) -> socket.socket | None:
    """A connection to the host whose state is in `folder`; None where none answers.

    `timeout` is in seconds. Raises `PermissionError` for a host of somebody else.
    """
    if not hasattr(socket, "AF_UNIX"):
        return None
    note = read_note(folder)
    path = folder.resolve() / SOCKET if note is None else note.socket
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(str(path))
    except PermissionError:
        connection.close()
        raise
    except OSError:
        connection.close()
        return None
    return connection


def remove(folder: Path, socket_path: Path) -> None:
    """Remove what a host left behind: its socket, the folder made for it, and the note."""
    socket_path.unlink(missing_ok=True)
    if socket_path.parent != folder.resolve() and socket_path.parent.name.startswith("hookbus-"):
        try:
            socket_path.parent.rmdir()
        except OSError:
            return
    (folder / NOTE).unlink(missing_ok=True)
