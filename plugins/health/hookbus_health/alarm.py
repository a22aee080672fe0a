"""An alarm on the host's clock, so that nothing is looked at before it can have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hookbus import Clock


class Alarm:
    """Calls `ring` at the earliest instant that it was set to, and has then to be set again."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._due_ns: int | None = None
        self._sooner = asyncio.Event()

    def set(self, due_ns: int | None) -> None:
        """Ring at `due_ns`, in nanoseconds since 1970, unless it will ring before that."""
        if due_ns is not None and (self._due_ns is None or due_ns < self._due_ns):
            self._due_ns = due_ns
            self._sooner.set()

    async def run(self) -> None:
        """Wait and ring, for ever."""
        while True:
            await self._sleep()
            if self._due_ns is not None and self._due_ns <= self._clock.now_ns():
                self._due_ns = None
                self._ring()

    async def _sleep(self) -> None:
        """Until it is due, or until it is set to an earlier instant."""
        self._sooner.clear()
        waiting: list[asyncio.Task[Any]] = [asyncio.create_task(self._sooner.wait())]
        if self._due_ns is not None:
            waiting.append(asyncio.create_task(self._clock.sleep_until(self._due_ns)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
