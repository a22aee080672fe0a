"""Calls: asking a step, within its time; what it raises is no outcome, and neither is its end."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hookbus import Outcome

from hookbus_saga.store import as_json

__all__ = ["call_step"]

Call = Callable[[str, Mapping[str, Any]], Outcome | Awaitable[Outcome]]


async def call_step(call: Call, key: str, data: Mapping[str, Any], timeout: float) -> Outcome:
    """What a step answers; unknown where it raises, takes too long, or is cancelled.

    When the caller is cancelled, the step is cancelled and waited for first, and has no outcome.
    """
    try:
        answer = call(key, data)
        if inspect.isawaitable(answer):
            answer = await _in_time(answer, timeout)
        if not isinstance(answer, Outcome):
            return Outcome.unknown(f"the step returned {answer!r}, which is no Outcome")
        as_json(answer.data)
    except Exception as error:  # noqa: BLE001 - a step belongs to its author
        return Outcome.unknown(f"{type(error).__name__}: {error}")
    return answer


async def _in_time(answer: Awaitable[Outcome], timeout: float) -> Outcome:
    task = asyncio.ensure_future(answer)
    try:
        await asyncio.wait({task}, timeout=timeout)
        late = not task.done()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
    if late:
        return Outcome.unknown(f"took longer than {timeout:g} seconds and was cancelled")
    if task.cancelled():
        return Outcome.unknown("was cancelled by itself")
    return task.result()
