"""The host's own log: structured lines on standard error, made anew for every host."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

LEVELS = ("debug", "info", "warning", "error")


class _Stream:
    """Writes to a stream, or to whatever `sys.stderr` is at the moment.

    A log that cannot be written must not fail whoever reports something: where the stream is
    closed or its disk is full, nobody is left to tell.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            (self._stream or sys.stderr).write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            (self._stream or sys.stderr).flush()


def make_logger(
    level: str = "info", stream: TextIO | None = None, colors: bool | None = None
) -> Any:
    """A structlog logger that writes `level` and above to `stream` (standard error by default).

    Without a choice of `colors`, there are some on a terminal unless NO_COLOR is set.

    Nothing global is configured, so hosts in one process do not disturb each other.
    """
    import structlog

    use_colors = _wants_colors(stream or sys.stderr) if colors is None else colors
    return structlog.wrap_logger(
        structlog.PrintLogger(cast(TextIO, _Stream(stream))),
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=use_colors, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )


def _wants_colors(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")


def hiding(log: Any, redact: Callable[[str], str]) -> Any:
    """The logger, with all that it is given passed through `redact`, tracebacks too."""
    import structlog

    def hide(
        _: Any, __: str, fields: MutableMapping[str, Any]
    ) -> tuple[tuple[Any], dict[str, Any]]:
        hidden = {key: _hidden(value, redact) for key, value in fields.items() if key != "exc_info"}
        return (hidden.pop("event", None),), hidden | _traceback(fields.get("exc_info"), redact)

    return structlog.wrap_logger(
        log, processors=[hide], wrapper_class=structlog.make_filtering_bound_logger(0)
    )


def _hidden(value: Any, redact: Callable[[str], str]) -> Any:
    """The value as it is, or its text where that has something to hide."""
    text = value if isinstance(value, str) else repr(value)
    hidden = redact(text)
    return value if hidden == text else hidden


def _traceback(exc_info: Any, redact: Callable[[str], str]) -> dict[str, Any]:
    """What tells the logger of an exception: as it was, or the text where it hides something."""
    error = sys.exc_info() if exc_info is True else exc_info
    if isinstance(error, tuple):
        error = error[1]
    if not isinstance(error, BaseException):
        return {}
    text = "".join(traceback.format_exception(error))
    hidden = redact(text)
    return {"exc_info": error} if hidden == text else {"exception": hidden.rstrip()}
