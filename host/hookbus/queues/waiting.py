"""Those who wait for room in a work queue: one line for each lane, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Any

from hookbus.queues.lanes import Lanes


class _Waiter:
    __slots__ = ("admitted", "task", "turn")

    def __init__(self) -> None:
        self.task = asyncio.current_task()
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.admitted = False


class Waiters:
    """The lines of waiting callers.

    Whoever is admitted finds a place held for it when it wakes up, so that nobody slips in between
    and a caller cancelled in that moment leaves nothing behind.
    """

    def __init__(self, lanes: Lanes[Any], count: int) -> None:
        self._lanes = lanes
        self._lines: tuple[deque[_Waiter], ...] = tuple(deque() for _ in range(count))

    def __len__(self) -> int:
        return sum(map(len, self._lines))

    def tasks(self) -> Iterator[asyncio.Task[Any] | None]:
        """The tasks that wait."""
        return (waiter.task for line in self._lines for waiter in line)

    def in_line(self, lane: int) -> bool:
        """Whether somebody comes before a new caller."""
        return bool(self._lines[lane]) or self._lanes.holds_for(lane)

    async def wait(self, lane: int) -> bool:
        """Wait for a place in a lane; it is held for the caller unless this is False: closed.

        After an exception, such as a cancellation, the caller must `admit` those behind it.
        """
        waiter = _Waiter()
        self._lines[lane].append(waiter)
        self.admit()
        try:
            if waiter.admitted:
                await asyncio.sleep(0)  # those let in before are already on their way
            else:
                await waiter.turn
        except BaseException:
            self._step_back(waiter, lane)
            raise
        return waiter.admitted

    def _step_back(self, waiter: _Waiter, lane: int) -> None:
        if waiter.admitted:
            self._lanes.release(lane)
        elif waiter in self._lines[lane]:
            self._lines[lane].remove(waiter)

    def admit(self) -> None:
        """Hold a place for, and wake up, all for whom there is room."""
        for lane, line in enumerate(self._lines):
            while line and self._lanes.has_room(lane):
                waiter = line.popleft()
                if not waiter.turn.done():
                    self._lanes.hold(lane)
                    waiter.admitted = True
                    waiter.turn.set_result(None)

    def close(self) -> None:
        """Send everybody away."""
        for line in self._lines:
            for waiter in line:
                if not waiter.turn.done():
                    waiter.turn.set_result(None)
            line.clear()
