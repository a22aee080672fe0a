"""Where lines go: a file descriptor of our own, or a standard stream as it is at the moment."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, TextIO


class Output(Protocol):
    """Takes whole lines. `name` is for messages; `terminal` says whether people watch it."""

    name: str
    terminal: bool

    def write(self, line: str, time: datetime) -> None:
        """Write one line of what happened at `time`, and its end.

        Raises `OSError` or `ValueError` when it cannot.
        """

    def close(self) -> None:
        """Let go of it; harmless when done twice."""


class DescriptorOutput:
    """Writes each line straight to a file descriptor that it owns, so that nothing lingers.

    A line that was written in part, on a disk that filled up, leaves it `torn`, and is ended before
    the next one.
    """

    terminal = False

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self._descriptor = descriptor
        self.torn = False
        self._closed = False

    @property
    def size(self) -> int:
        """How many bytes the file has; raises `OSError`."""
        return os.fstat(self._descriptor).st_size

    def is_at(self, path: Path) -> bool:
        """Whether `path` still leads to this file; raises `OSError`."""
        try:
            return os.path.samestat(os.stat(path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def write(self, line: str, time: datetime) -> None:
        """Write one line; raises `OSError`, also after a part of it has been written."""
        if self._closed:
            raise ValueError(f"{self.name} is closed")
        data = encoded(line)
        rest = memoryview(b"\n" + data if self.torn else data)
        while rest:
            written = os.write(self._descriptor, rest)
            rest = rest[written:]
            self.torn = bool(rest)

    def close(self) -> None:
        """Close the descriptor."""
        if not self._closed:
            self._closed = True
            os.close(self._descriptor)


class StreamOutput:
    """Writes to `sys.stderr` or `sys.stdout` as it is at the moment.

    A terminal is reached this way because a progress bar may stand in for the stream while it is
    drawn, and puts the lines above itself.
    """

    def __init__(self, name: Literal["stderr", "stdout"], *, terminal: bool) -> None:
        self.name: str = name
        self.terminal = terminal

    def write(self, line: str, time: datetime) -> None:
        """Write one line and flush it."""
        stream = _standard_stream(self.name)
        encoding = stream.encoding or "utf-8"
        text = line.encode(encoding, "backslashreplace").decode(encoding)
        stream.write(f"{text}\n")
        stream.flush()

    def close(self) -> None:
        """Leave the stream to its owner."""


def encoded(line: str) -> bytes:
    """A line and its end, as they are in a file."""
    return f"{line}\n".encode(errors="backslashreplace")


def open_file(path: Path) -> DescriptorOutput:
    """Open a file to append to; raises `OSError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    return DescriptorOutput(descriptor, str(path))


def open_stream(name: Literal["stderr", "stdout"]) -> Output:
    """Open a standard stream; raises `OSError` when the process has none."""
    stream = _standard_stream(name)
    if stream.isatty():
        return StreamOutput(name, terminal=True)
    try:
        return DescriptorOutput(os.dup(stream.fileno()), name)
    except (OSError, ValueError):
        return StreamOutput(name, terminal=False)


def _standard_stream(name: str) -> TextIO:
    stream: TextIO | None = getattr(sys, name)
    if stream is None:
        raise OSError(f"this process has no {name}")
    return stream
