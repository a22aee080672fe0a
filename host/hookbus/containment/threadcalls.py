"""Calls of plain functions in threads of their own, which nobody can stop but anybody can leave."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from hookbus.containment.contained import FAILURES


class ThreadCall:
    """One call in a daemon thread; `returned` says whether the thread is through with it.

    `outcome` is a future of what the function returned and of what it raised, None where nothing.
    A call that hangs costs its thread, and keeps neither the loop nor the interpreter from ending.
    """

    def __init__(self, call: Callable[[], Any], name: str) -> None:
        self.returned = False
        self._loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[tuple[Any, BaseException | None]]
        self.outcome = self._loop.create_future()
        threading.Thread(
            target=copy_context().run, args=(self._work, call), name=name, daemon=True
        ).start()

    async def result(self) -> Any:
        """What the function returned; raises what it raised."""
        value, error = await self.outcome
        if error is not None:
            raise error
        return value

    def _work(self, call: Callable[[], Any]) -> None:
        value, error = None, None
        try:
            value = call()
        except FAILURES as failure:
            error = failure
        self.returned = True
        # The loop is closed when the host has left this thread behind.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._answer, value, error)

    def _answer(self, value: Any, error: BaseException | None) -> None:
        if not self.outcome.done():
            self.outcome.set_result((value, error))
