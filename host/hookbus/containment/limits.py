"""Limits: code of plugins that is awaited for so long and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hookbus.containment.contained import Contained

GRACE = 1.0
"""Seconds that cancelled code gets before it is left behind."""

MOST_LEFT_BEHIND = 3
"""Threads, or runs, of one subscription or queue that may go on after they were given up."""


class HandlerTimeout(TimeoutError):  # noqa: N818
    """A handler took longer than it may."""


class HandlerSwallowedCancellation(Exception):  # noqa: N818
    """A handler went on after it was cancelled; its task has been left behind."""


async def call_within(call: Callable[[Any], Awaitable[Any]], argument: Any, seconds: float) -> None:
    """Await `call(argument)` for at most some seconds.

    Raises `HandlerTimeout`, or `HandlerSwallowedCancellation` when it does not stop either.
    """
    task = asyncio.get_running_loop().create_task(Contained(_call(call, argument)))
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _stop(task)
        raise
    if task.done():
        task.result()
        return
    error = await _stop(task)
    raise HandlerTimeout(f"took longer than {seconds:g} s") from error


async def _stop(task: asyncio.Task[None]) -> BaseException | None:
    """Cancel a handler's task; returns what it raised instead of obeying."""
    task.cancel()
    await asyncio.wait({task}, timeout=GRACE)
    if not task.done():
        raise HandlerSwallowedCancellation
    error = None if task.cancelled() else task.exception()
    if isinstance(error, HandlerSwallowedCancellation):
        raise error
    return error


async def _call(call: Callable[[Any], Awaitable[Any]], argument: Any) -> None:
    await call(argument)
