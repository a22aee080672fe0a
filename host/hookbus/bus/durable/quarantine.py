"""Quarantine: an event that may have ended the process runs with no other handler beside it.

What is in hand when a process dies counts as one crash for each of them. When they are tried again
one at a time, only the one that kills can fall a second time.
"""

from __future__ import annotations

import asyncio


class Quarantine:
    """Shared by the durable consumers of one host."""

    def __init__(self) -> None:
        self._running = 0
        self._alone = False
        self._suspects = 0
        self._waiters: list[asyncio.Future[None]] = []

    async def enter(self, *, suspect: bool) -> None:
        """Wait until the handler may run: a suspect alone, others while no suspect wants to."""
        if suspect:
            await self._enter_alone()
            return
        while self._alone or self._suspects:
            await self._wait()
        self._running += 1

    async def _enter_alone(self) -> None:
        self._suspects += 1
        try:
            while self._alone or self._running:
                await self._wait()
            self._alone = True
        finally:
            self._suspects -= 1
            self._wake()

    def leave(self, *, suspect: bool) -> None:
        """The handler has returned."""
        if suspect:
            self._alone = False
        else:
            self._running -= 1
        if self._waiters:
            self._wake()

    async def _wait(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
