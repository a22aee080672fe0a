"""The host's own log: structured lines on standard error, made anew for every host."""

from __future__ import annotations

import sys
from typing import Any, TextIO, cast

LEVELS = ("debug", "info", "warning", "error")


class _StandardError:
    """Writes to whatever `sys.stderr` is at the moment: progress bars and tests replace it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def make_logger(
    level: str = "info", stream: TextIO | None = None, colors: bool | None = None
) -> Any:
    """A structlog logger that writes `level` and above to `stream` (standard error by default).

    Nothing global is configured, so hosts in one process do not disturb each other.
    """
    import structlog

    use_colors = (stream or sys.stderr).isatty() if colors is None else colors
    return structlog.wrap_logger(
        structlog.PrintLogger(stream or cast(TextIO, _StandardError())),
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=use_colors, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
