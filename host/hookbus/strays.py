"""Errors that nobody waits for: callbacks that raise, and tasks whose failure nobody asks about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class _Strays:
    def __init__(self, log: Any, before: Callable[..., object] | None) -> None:
        self._log = log
        self.before = before

    def __call__(self, loop: asyncio.AbstractEventLoop, report: dict[str, Any]) -> None:
        self._log.error(
            "an error reached the event loop",
            what=report.get("message"),
            exc_info=report.get("exception"),
        )
        if self.before is not None:
            self.before(loop, report)


def log_strays(loop: asyncio.AbstractEventLoop, log: Any) -> None:
    """Have the errors that reach the event loop logged by a host.

    A handler that somebody else has set still hears of them. It stays beyond the end of the host,
    since a task that was forgotten tells of its failure when it is let go.
    """
    before = loop.get_exception_handler()
    if isinstance(before, _Strays):
        before = before.before
    loop.set_exception_handler(_Strays(log, before))
