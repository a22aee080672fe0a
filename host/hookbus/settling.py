"""Waiting for the bus before something is taken down, but not for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from hookbus.bus.eventbus import EventBus

LIMIT = 10.0
"""Seconds that the bus gets to handle what was published."""

LIMIT_WHEN_STUCK = 1.0
"""Seconds that it gets while what it was waited for the last time is still not handled."""


class Settling:
    """Waits until everything that was published is handled; says whom it waited for in vain.

    A handler that is stuck is waited for at length once, not at every stage of stopping.
    """

    def __init__(self, bus: EventBus, log: Any) -> None:
        self._bus = bus
        self._log = log
        self._limit = LIMIT

    async def settle(self) -> None:
        """Wait, at most for the limit."""
        try:
            async with asyncio.timeout(self._limit):
                await self._bus.settled()
        except TimeoutError:
            self._tell()
            self._limit = LIMIT_WHEN_STUCK
        else:
            self._limit = LIMIT

    def _tell(self) -> None:
        if self._limit == LIMIT:
            accounts = self._bus.ledger.report().accounts
            late = [f"{one.plugin}:{one.name}" for one in accounts if one.pending]
            self._log.warning("events are still being handled, going on without", by=late)
