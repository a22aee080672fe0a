"""Eager running: a coroutine goes as far as it can at once, and on in a task only where it waits.

Under a simulated clock the journal does not wait. So a saga that is begun inside a chain of plain
calls is through its plain steps before the chain goes on, as it would be without a saga. From
Python 3.12 on, asyncio has the same as `eager_start`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

__all__ = ["run_eagerly"]


def run_eagerly(
    coroutine: Coroutine[Any, Any, None], go_on: Callable[[Coroutine[Any, Any, None]], object]
) -> None:
    """Run a coroutine up to where it waits; `go_on` is given what is left of it."""
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return
    go_on(_rest(coroutine, waits_for))


async def _rest(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
    await _steps(coroutine, waits_for)


@types.coroutine
def _steps(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    while True:
        try:
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation, say, is the coroutine's
                waits_for = coroutine.throw(error)
            else:
                waits_for = coroutine.send(None)
        except StopIteration:
            return
