"""Standard error as it is at each moment, so that log lines go above a progress bar."""

from __future__ import annotations

import sys
from typing import TextIO, cast


class _Stderr:
    """Hands on what is written to whatever `sys.stderr` is by then."""

    def write(self, text: str) -> int:
        """Write to the standard error of this moment."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return sys.stderr.isatty()


def CurrentStderr() -> TextIO:  # noqa: N802 - stands for a class
    """A stream for loggers, which keep the stream that they are made with."""
    return cast("TextIO", _Stderr())
