"""Delivery: how a handler is called, and what happens when it fails.

Retry with back-off, timeout, circuit breaker and giving up (the dead letter) are here, for one
subscription at a time; the subscription's task decides what is delivered when.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from hookbus.errors import UsageError
from hookbus.plugins.contained import Contained

FAILURES = (Exception, SystemExit, asyncio.CancelledError, BaseExceptionGroup)
"""What a handler may raise without taking anything else down."""

GRACE = 1.0
"""Seconds that a cancelled handler gets before it is abandoned."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try a failing handler again.

    `attempts` counts the first try too. The n-th wait is `delay * factor ** (n - 1)` seconds, at
    most `max_delay`, lengthened by up to `jitter` times itself.
    """

    attempts: int = 3
    delay: float = 0.1
    factor: float = 2.0
    max_delay: float = 30.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.delay, self.max_delay, self.jitter) < 0 or self.factor < 1:
            raise UsageError(
                f"{self}: attempts must be 1 or more, delays and jitter 0 or more, factor 1 or more"
            )

    def wait(self, attempt: int, chance: random.Random) -> float:
        """Seconds to wait after the failure of `attempt` (from 1)."""
        base = min(self.delay * self.factor ** min(attempt - 1, 64), self.max_delay)
        return base * (1 + self.jitter * chance.random())


@dataclass(frozen=True, slots=True)
class Breaker:
    """Stop calling a handler that keeps failing.

    After `failures` in a row the breaker opens: events are dead-lettered without a call for
    `reset_after` seconds; then one event is tried, once, and its outcome closes or reopens it.
    """

    failures: int = 5
    reset_after: float = 30.0

    def __post_init__(self) -> None:
        if self.failures < 1 or self.reset_after <= 0:
            raise UsageError(f"{self}: failures must be 1 or more, reset_after above 0")


class BreakerState:
    """The state of one subscription's breaker; times in nanoseconds of the host's clock."""

    __slots__ = ("_now_ns", "failed_in_a_row", "open_until_ns", "rule", "trying")

    def __init__(self, rule: Breaker, now_ns: Callable[[], int]) -> None:
        self.rule = rule
        self._now_ns = now_ns
        self.failed_in_a_row = 0
        self.open_until_ns: int | None = None
        self.trying = False

    def allows(self) -> bool:
        """Whether the handler may be called now: for one trial at a time until it has closed."""
        if self.open_until_ns is None:
            return True
        if self.trying or self._now_ns() < self.open_until_ns:
            return False
        self.trying = True
        return True

    def failed(self) -> bool:
        """Note a failure; True when it opened the breaker just now."""
        self.trying = False
        self.failed_in_a_row += 1
        if self.open_until_ns is None and self.failed_in_a_row < self.rule.failures:
            return False
        opened = self.open_until_ns is None
        self.open_until_ns = self._now_ns() + round(self.rule.reset_after * 1e9)
        return opened

    def succeeded(self) -> bool:
        """Note a success; True when it closed the breaker just now."""
        self.trying = False
        self.failed_in_a_row = 0
        closed = self.open_until_ns is not None
        self.open_until_ns = None
        return closed


class HandlerTimeout(TimeoutError):  # noqa: N818
    """A handler took longer than it may."""


class HandlerInterrupted(HandlerTimeout):
    """A handler kept publishers waiting for too long; it is not tried again."""


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


def error_text(error: BaseException) -> str:
    """Type and text of an exception, in one line."""
    try:
        text = " ".join(str(error).split())
    except Exception as broken:  # noqa: BLE001 - the text of an exception is a plugin's code, too
        text = f"its text could not be made: {type(broken).__name__}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
