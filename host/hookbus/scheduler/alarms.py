"""Alarms: one timer task for everything that a scheduler waits for."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from contextvars import Context

from hookbus.clock import SECOND, Clock
from hookbus.containment.contained import FAILURES

LOOK_EVERY = 10 * SECOND
"""How long the timer task sleeps at most on a clock that may be set, or sleep with the machine."""

_STEP = SECOND


class Alarm:
    """An action at an instant; `cancel` takes it back."""

    __slots__ = ("action", "elapsed", "when_ns")

    def __init__(self, when_ns: int, action: Callable[[], None], *, elapsed: bool) -> None:
        self.when_ns = when_ns
        self.action: Callable[[], None] | None = action
        self.elapsed = elapsed

    def cancel(self) -> None:
        """Let it never ring."""
        self.action = None


class Alarms:
    """Rings alarms in the order of their instants, those of one instant in the order of setting.

    `on_set_back(step_ns)` is called when the clock was set back by more than a second. An action
    that raises is handed to `on_error` and holds up no other alarm.
    """

    def __init__(
        self,
        clock: Clock,
        on_set_back: Callable[[int], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._clock = clock
        self._on_set_back = on_set_back
        self._on_error = on_error
        self._heap: list[tuple[int, int, Alarm]] = []
        self._order = 0
        self._task: asyncio.Task[None] | None = None
        self._asleep_until: int | None = None
        self._closed = False
        self._seen = (0, 0)

    def set(self, when_ns: int, action: Callable[[], None], *, elapsed: bool = False) -> Alarm:
        """Ring at `when_ns`, at once when it has passed.

        An `elapsed` alarm stands for a duration: it moves along when the clock is set back.
        """
        alarm = Alarm(when_ns, action, elapsed=elapsed)
        if self._closed:
            return alarm
        if self._is_on():
            self._notice_step()
        else:
            self._seen = self._look()
        self._push(alarm)
        if self._must_rearm(when_ns):
            self._rearm()
        return alarm

    def close(self) -> None:
        """Ring nothing any more."""
        self._closed = True
        self._heap.clear()
        if self._task is not None:
            self._task.cancel()

    async def wait_closed(self) -> None:
        """After `close`, wait until its task has ended."""
        if self._is_on() and self._task is not None:
            await asyncio.wait([self._task])

    def _push(self, alarm: Alarm) -> None:
        self._order += 1
        heapq.heappush(self._heap, (alarm.when_ns, self._order, alarm))

    def _is_on(self) -> bool:
        return self._task is not None and not self._task.done()

    def _must_rearm(self, when_ns: int) -> bool:
        if not self._is_on():
            return True
        return self._asleep_until is not None and when_ns < self._asleep_until

    def _rearm(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._asleep_until = None
        self._task = asyncio.get_running_loop().create_task(
            self._watch(), name="hookbus:alarms", context=Context()
        )

    async def _watch(self) -> None:
        while (target := self._next()) is not None:
            await self._sleep(target)
            self._asleep_until = None
            self._notice_step()
            self._ring()

    async def _sleep(self, target: int) -> None:
        self._asleep_until = target
        if self._clock.simulated:
            await self._clock.sleep_until(target)
            return
        now = self._clock.now_ns()
        self._asleep_until = min(target, now + LOOK_EVERY)
        await self._clock.sleep((self._asleep_until - now) / SECOND)

    def _next(self) -> int | None:
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _ring(self) -> None:
        now = self._clock.now_ns()
        while (target := self._next()) is not None and target <= now:
            alarm = heapq.heappop(self._heap)[2]
            action, alarm.action = alarm.action, None
            try:
                if action is not None:
                    action()
            except FAILURES as error:
                self._on_error(error)

    def _look(self) -> tuple[int, int]:
        """The clock's time, and a time that nobody can set."""
        return self._clock.now_ns(), round(asyncio.get_running_loop().time() * SECOND)

    def _notice_step(self) -> None:
        if self._clock.simulated:
            return
        seen, self._seen = self._seen, self._look()
        step = (self._seen[1] - seen[1]) - (self._seen[0] - seen[0])
        if step <= _STEP:
            return
        for _, _, alarm in self._heap:
            alarm.when_ns -= step if alarm.elapsed else 0
        self._heap = [(alarm.when_ns, order, alarm) for _, order, alarm in self._heap]
        heapq.heapify(self._heap)
        self._on_set_back(step)
