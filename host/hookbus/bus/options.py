"""Options: how a subscription delivers, and which of them go together."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hookbus.bus.delivery import Breaker, Retry
from hookbus.envelope import Lagged
from hookbus.errors import UsageError

BEST_EFFORT = "best-effort"
LOSSLESS = "lossless"
DURABLE = "durable"


@dataclass(frozen=True, slots=True)
class Options:
    """How a subscription delivers; durations in seconds. See `Bus.subscribe`."""

    delivery: str = BEST_EFFORT
    mode: str | None = None
    envelope: bool = False
    capacity: int = 1024
    batch: int | None = None
    batch_wait: float = 0.0
    throttle: float | None = None
    concurrency: int = 1
    timeout: float | None = None
    retry: Retry | None = None
    breaker: Breaker | None = None
    on_lagged: Callable[[Lagged], Any] | None = None
    transaction: bool = False
    start: str = "now"
    crashes: int = 3

    def check(self, handler: Callable[..., Any]) -> str:
        """The mode to run `handler` in; raises `UsageError` for what does not go together."""
        if not callable(handler):
            raise UsageError(f"{handler!r} is no handler; it cannot be called")
        self._check_delivery()
        is_async = is_coroutine_function(handler)
        mode = self.mode or ("task" if is_async else "thread")
        if mode not in ("task", "thread", "inline") or (mode == "task") != is_async:
            raise UsageError(
                f"mode={self.mode!r} does not fit {handler!r}; leave it out for an async handler, "
                "and use 'thread' or 'inline' for a plain function"
            )
        if mode == "inline" and not self.plain:
            raise UsageError("an inline handler runs inside publish and takes no delivery options")
        self._check_numbers()
        return mode

    def _check_delivery(self) -> None:
        if self.delivery not in (BEST_EFFORT, LOSSLESS, DURABLE):
            raise UsageError(
                f"delivery={self.delivery!r} must be 'best-effort', 'lossless' or 'durable'"
            )
        if self.start not in ("now", "beginning"):
            raise UsageError(f"start={self.start!r} must be 'now' or 'beginning'")
        if self.delivery == DURABLE:
            self._check_durable()
        elif self.transaction or self.start != "now":
            raise UsageError("transaction= and start= go with delivery='durable' only")

    def _check_durable(self) -> None:
        for name in ("batch", "throttle", "breaker", "on_lagged"):
            if getattr(self, name) is not None:
                raise UsageError(
                    f"{name}= does not go with delivery='durable', which hands over every event; "
                    "leave it out"
                )
        if self.mode == "inline":
            raise UsageError("delivery='durable' needs a task or a thread, not mode='inline'")

    def _check_numbers(self) -> None:
        for name, least in (("capacity", 1), ("concurrency", 1), ("batch", 1), ("crashes", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name}={value} must be {least} or more")
        for name in ("throttle", "timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UsageError(f"{name}={value} must be more than 0 seconds")
        if self.batch_wait < 0 or (self.batch_wait and not self.batch):
            raise UsageError(f"batch_wait={self.batch_wait} needs batch= and must be 0 or more")
        if (self.concurrency > 1) + bool(self.batch) + bool(self.throttle) > 1:
            raise UsageError("only one of concurrency, batch and throttle can be asked for")

    @property
    def plain(self) -> bool:
        """Whether events go to the handler one by one with nothing in between."""
        return not (
            self.batch
            or self.throttle
            or self.timeout
            or self.retry
            or self.breaker
            or self.concurrency > 1
        )


def is_coroutine_function(handler: Callable[..., Any]) -> bool:
    """Whether calling `handler` gives an awaitable; also for objects with an async `__call__`."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004
    )
