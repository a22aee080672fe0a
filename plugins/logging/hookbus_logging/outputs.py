"""Where lines go: a file descriptor of our own, or a standard stream as it is at the moment."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, Protocol, TextIO


class Output(Protocol):
    """Takes whole lines. `name` is for messages; `terminal` says whether people watch it."""

    name: str
    terminal: bool

    def write(self, line: str) -> None:
        """Write one line and its end; raises `OSError` or `ValueError` when it cannot."""

    def close(self) -> None:
        """Let go of it; harmless when done twice."""


class DescriptorOutput:
    """Writes each line straight to a file descriptor that it owns, so that nothing lingers.

    A line that was written in part, on a disk that filled up, is ended before the next one.
    """

    terminal = False

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self._descriptor = descriptor
        self._torn = False
        self._closed = False

    def write(self, line: str) -> None:
        """Write one line; raises `OSError`, also after a part of it has been written."""
        if self._closed:
            raise ValueError(f"{self.name} is closed")
        data = f"{line}\n".encode(errors="backslashreplace")
        rest = memoryview(b"\n" + data if self._torn else data)
        while rest:
            written = os.write(self._descriptor, rest)
            rest = rest[written:]
            self._torn = bool(rest)

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

    def write(self, line: str) -> None:
        """Write one line and flush it."""
        stream = _standard_stream(self.name)
        encoding = stream.encoding or "utf-8"
        text = line.encode(encoding, "backslashreplace").decode(encoding)
        stream.write(f"{text}\n")
        stream.flush()

    def close(self) -> None:
        """Leave the stream to its owner."""


def open_file(path: Path) -> Output:
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
