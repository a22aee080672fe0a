"""The event loops of the host: the system's, and one on which simulated time passes.

`SimulatedLoop` jumps to the next timer instead of waiting for it, once nothing is ready to run and
no thread works for it. So `asyncio.sleep` and `asyncio.wait_for` follow simulated time as well.
Where the one that goes to sleep is also the next to wake, it does not even take a turn of the loop.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from itertools import chain, repeat
from typing import Any, TypeVar

from hookbus.clock import SECOND, Clock, SimulatedClock

T = TypeVar("T")


_PATIENCE = 100
"""Turns that dying tasks get before time passes for them."""

_TURN = 0.002
"""Seconds between two looks at what has not ended yet."""

_LOOK_EVERY = 0.005
"""Real seconds after which a busy loop looks for signals and other programs again."""

_ROUNDING = 0.001
"""Simulated seconds within which a sleeper and a timer may be due at the same instant."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that moves the simulated clock instead of sleeping."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self.clock = clock
        self.outstanding = 0
        self.finishing = False
        self._paced_from: tuple[float, int] | None = None
        self._look_due = 0.0
        self._alone = False  # True when nothing but the loop's own pipe is looked at

    def is_silent(self) -> bool:
        """Whether nothing from outside is waited for or has come in; False when a look is due."""
        if self.outstanding or self.finishing or self.clock.pace is not None:
            return False
        if time.monotonic() > self._look_due:
            return False
        return self._alone or not super().select(0)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As that of a selector."""
        key = super().register(fileobj, events, data)
        self._alone = len(self.get_map()) == 1
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As that of a selector."""
        key = super().unregister(fileobj)
        self._alone = len(self.get_map()) == 1
        return key

    def select(self, timeout: float | None = None) -> list[Any]:
        now, busy = time.monotonic(), timeout is not None and timeout <= 0
        if busy and self._alone and now < self._look_due:
            return []
        self._look_due = now + _LOOK_EVERY
        ready: list[Any] = super().select(0)
        if ready or busy:
            return ready
        if self.outstanding and not self.finishing:
            return super().select(None)
        if self.outstanding and (ready := super().select(_TURN)):
            return ready
        target = self._target(timeout)
        if target is None:
            return super().select(None)
        if self.clock.pace is not None and not self.finishing:
            ready = self._wait_paced(target, self.clock.pace)
        if not ready:
            self.clock.move_to(target)
        return ready

    def _target(self, timeout: float | None) -> int | None:
        sleeper = self.clock.next_wake_ns()
        if timeout is None:
            return sleeper
        timer = self.clock.now_ns() + max(1, round(timeout * SECOND))
        return timer if sleeper is None else min(sleeper, timer)

    def _wait_paced(self, target: int, pace: float) -> list[Any]:
        now = time.monotonic()
        if self._paced_from is None:
            self._paced_from = (now, self.clock.now_ns())
        real, simulated = self._paced_from
        left = real + (target - simulated) / SECOND / pace - now
        ready: list[Any] = super().select(max(0.0, left))
        if ready:
            passed = int((time.monotonic() - real) * pace * SECOND)
            self.clock.move_to(min(target - 1, simulated + passed))
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of a `SimulatedClock`."""

    def __init__(self, clock: SimulatedClock | None = None) -> None:
        self.clock = clock or SimulatedClock()
        self._jumping = _JumpingSelector(self.clock)
        super().__init__(self._jumping)
        self.clock.idle_until = self._idle_until

    def time(self) -> float:
        """Seconds of simulated time since the clock's start."""
        now = (self.clock.now_ns() - self.clock.start_ns) / SECOND
        # What is due now is due: after months the least float above `now` is far away.
        self._clock_resolution = math.ulp(now)
        return now

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As asyncio's; a delay lets time pass, however short it is."""
        if delay > 0:
            delay = max(delay, math.ulp(self.time()))
        return super().call_later(delay, callback, *args, context=context)

    def _idle_until(self, time_ns: int) -> bool:
        """Whether what runs now is all there is, and no timer is due up to `time_ns`."""
        if self._ready:  # type: ignore[attr-defined]
            return False
        timers = self._scheduled  # type: ignore[attr-defined]
        if timers:
            seconds = (time_ns - self.clock.start_ns) / SECOND + _ROUNDING
            if timers[0].when() <= seconds:
                return False
        task = asyncio.current_task(self)
        return task is not None and not task.cancelling() and self._jumping.is_silent()

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """As asyncio's; simulated time stands still until the thread has answered."""
        self._jumping.outstanding += 1
        try:
            future = super().run_in_executor(executor, func, *args)
        except BaseException:
            self._jumping.outstanding -= 1
            raise
        future.add_done_callback(self._executor_done)
        return future

    def _executor_done(self, _: Any) -> None:
        self._jumping.outstanding -= 1

    def stop_waiting(self) -> None:
        """From now on wait neither for threads nor for real time: the run is over."""
        self._jumping.finishing = True


def new_loop(clock: Clock) -> asyncio.AbstractEventLoop:
    """The event loop that goes with a clock."""
    if isinstance(clock, SimulatedClock):
        return SimulatedLoop(clock)
    return asyncio.new_event_loop()


def run(
    main: Coroutine[Any, Any, T],
    clock: Clock,
    *,
    grace: float = 1.0,
    context: Context | None = None,
) -> T:
    """Run a coroutine to its end on a new loop for `clock`.

    Unlike `asyncio.run` it never hangs: tasks that are still there afterwards are cancelled and
    given `grace` real seconds; one that swallows its cancellation is abandoned.
    """
    loop = new_loop(clock)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(loop.create_task(main, context=context))
    finally:
        finish(loop, grace)


def finish(loop: asyncio.AbstractEventLoop, grace: float = 1.0) -> None:
    """Cancel what is left on a loop, wait at most `grace` real seconds for it, and close it."""
    if isinstance(loop, SimulatedLoop):
        loop.stop_waiting()
    try:
        _cancel_all(loop, time.monotonic() + grace)
        closing = loop.create_task(loop.shutdown_asyncgens())
        _run_until_done(loop, {closing}, time.monotonic() + grace)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop, deadline: float) -> None:
    cancelled: set[asyncio.Task[Any]] = set()
    while (tasks := asyncio.all_tasks(loop)) - cancelled and time.monotonic() < deadline:
        for task in tasks - cancelled:
            task.cancel()
        cancelled |= tasks
        _run_until_done(loop, tasks, deadline)


def _run_until_done(
    loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[Any]], deadline: float
) -> None:
    pauses = chain(repeat(0.0, _PATIENCE), repeat(_TURN))
    while any(not task.done() for task in tasks) and time.monotonic() < deadline:
        loop.run_until_complete(asyncio.sleep(next(pauses)))
    for task in tasks:
        if not task.done():
            task._log_destroy_pending = False  # type: ignore[attr-defined]
