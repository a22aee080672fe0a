"""Delivery: what happens when a handler fails, for one subscription at a time.

Retry with back-off and the circuit breaker are here; the subscription's task decides what is
delivered when, and gives up (the dead letter).
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass

from hookbus.clock import SECOND
from hookbus.containment.limits import HandlerTimeout
from hookbus.errors import UsageError


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
        self.open_until_ns = self._now_ns() + round(self.rule.reset_after * SECOND)
        return opened

    def succeeded(self) -> bool:
        """Note a success; True when it closed the breaker just now."""
        self.trying = False
        self.failed_in_a_row = 0
        closed = self.open_until_ns is not None
        self.open_until_ns = None
        return closed


class HandlerInterrupted(HandlerTimeout):
    """A handler kept publishers waiting for too long; it is not tried again."""


def refuse_coroutine(answer: object) -> None:
    """Raise `UsageError` where a plain function returned a coroutine, which nobody would await."""
    if inspect.iscoroutine(answer):
        answer.close()
        raise UsageError(
            f"the handler is a plain function and returned a coroutine ({answer.__qualname__}); "
            "subscribe an `async def` function instead"
        )
