"""Clocks: where the host and its plugins take time from."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ns(instant: datetime) -> int:
    """Nanoseconds since 1970 of an aware datetime; raises `ValueError` for a naive one."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone; give it one, such as tzinfo=UTC")
    return (instant - _EPOCH) // timedelta(microseconds=1) * 1000


def from_ns(time_ns: int) -> datetime:
    """The aware UTC datetime of nanoseconds since 1970, to the microsecond."""
    return _EPOCH + timedelta(microseconds=time_ns // 1000)


@runtime_checkable
class Clock(Protocol):
    """The only source of time in the host; `simulated` says whether time jumps."""

    simulated: bool

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""

    def now(self) -> datetime:
        """The same as an aware datetime in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait for some seconds of this clock."""

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until an instant of this clock; return at once when it has passed."""


class SystemClock:
    """The machine's clock."""

    simulated = False

    now_ns = staticmethod(time.time_ns)

    def now(self) -> datetime:
        """Now, as an aware datetime in UTC."""
        return from_ns(time.time_ns())

    async def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        await asyncio.sleep(seconds)

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until the machine's clock shows `time_ns`, also when it is set meanwhile."""
        while (left := time_ns - time.time_ns()) > 0:  # noqa: ASYNC110 - no event tells of time
            await asyncio.sleep(min(left / SECOND, 60.0))


class SimulatedClock:
    """A clock that moves only when the `SimulatedLoop` it drives has nothing left to do.

    `start_ns` is the first instant. `pace` is simulated seconds per real second; None means as
    fast as possible. Sleepers due at one instant are woken one after the other, in the order in
    which they went to sleep, and everything settles between two of them.
    """

    simulated = True

    def __init__(self, start_ns: int = 0, pace: float | None = None) -> None:
        if pace is not None and pace <= 0:
            raise ValueError(f"pace {pace} must be greater than 0")
        self.start_ns = start_ns
        self.pace = pace
        self._now_ns = start_ns
        self.idle_until: Callable[[int], bool] = lambda time_ns: False
        self._order = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ns(self) -> int:
        """Simulated nanoseconds since 1970, UTC."""
        return self._now_ns

    def now(self) -> datetime:
        """Simulated time as an aware datetime in UTC."""
        return from_ns(self._now_ns)

    async def sleep(self, seconds: float) -> None:
        """Wait for some simulated seconds; zero or less gives way once."""
        if seconds <= 0:
            await asyncio.sleep(0)
        else:
            await self.sleep_until(self._now_ns + round(seconds * SECOND))

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until a simulated instant; return at once when it has passed."""
        if time_ns <= self._now_ns:
            return
        sleepers = self._sleepers
        if (not sleepers or sleepers[0][0] > time_ns) and self.idle_until(time_ns):
            self._now_ns = time_ns
            return
        await self._wake_at(time_ns)

    async def settled(self) -> None:
        """Wait until nothing more happens at this instant."""
        if not self.idle_until(self._now_ns):
            await self._wake_at(self._now_ns)

    async def _wake_at(self, time_ns: int) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (time_ns, self._order, wake))
        await wake

    def next_wake_ns(self) -> int | None:
        """The instant of the next sleeper, None when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def move_to(self, time_ns: int) -> None:
        """Move time forward to `time_ns` (never back) and wake the first sleeper that is due.

        Called by the loop when it is idle; a test may call it to jump.
        """
        self._now_ns = max(self._now_ns, time_ns)
        due = self.next_wake_ns()
        if due is not None and due <= self._now_ns:
            heapq.heappop(self._sleepers)[2].set_result(None)

    def start_at(self, time_ns: int) -> None:
        """Set the first instant, before anything has slept; raises `ValueError` afterwards."""
        if self._order or self._now_ns != self.start_ns:
            raise ValueError("the simulated clock has already been used")
        self.start_ns = self._now_ns = time_ns
