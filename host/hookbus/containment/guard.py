"""Running code of a plugin that may raise anything, exit, or never return."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[_T]):
    """How a guarded call ended: `result`, or `error`; when it has not ended, where it `stands`.

    `seconds` is the time that it took until then.
    """

    seconds: float
    result: _T | None = None
    error: BaseException | None = None
    stands: str | None = None


def guarded(function: Callable[[], _T], limit: float, name: str) -> Outcome[_T]:
    """Call `function` in a thread named `name` and wait for at most `limit` seconds.

    Whatever it raises, `SystemExit` included, is in the outcome. A call that takes longer is
    abandoned: its thread is a daemon and does not keep the process from ending. Ctrl-C in the
    waiting thread goes through.
    """
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything at all
            errors.append(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    begin = time.perf_counter()
    thread.start()
    thread.join(limit)
    seconds = time.perf_counter() - begin
    if results:
        return Outcome(seconds, result=results[0])
    if errors:
        return Outcome(seconds, error=errors[0])
    return Outcome(seconds, stands=_stack(thread.ident))


def _stack(thread_id: int | None) -> str:
    frame = sys._current_frames().get(thread_id or 0)
    return "" if frame is None else "".join(traceback.format_stack(frame))


def trace(error: BaseException) -> str:
    """The traceback of an exception as text."""
    return "".join(traceback.format_exception(error))
