"""Stalls: a consumer waits while the journal cannot store what it has to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from hookbus.errors import JournalError, error_text

if TYPE_CHECKING:
    from hookbus.bus.durable.subscription import DurableSubscription

T = TypeVar("T")

FIRST_WAIT = 0.1
LONGEST_WAIT = 5.0
"""Seconds between two tries; each wait is twice the one before it."""


class Stall:
    """Repeats what the journal refuses, tells once that the consumer waits, and when it goes on."""

    def __init__(self, subscription: DurableSubscription) -> None:
        self._subscription = subscription
        self._reason: str | None = None

    async def stored(self, call: Callable[[], Awaitable[T]]) -> T:
        """What the journal answers, as soon as it can.

        Raises `JournalError` once the subscription is closed: another one may have taken over.
        """
        wait = FIRST_WAIT
        while True:
            try:
                answer = await call()
            except JournalError as error:
                refusal = error
                self._begin(error_text(error))
            else:
                self._end()
                return answer
            await self._subscription.bus.clock.sleep(wait)
            if self._subscription.closed:
                raise refusal
            wait = min(2 * wait, LONGEST_WAIT)

    def _begin(self, reason: str) -> None:
        if self._reason is None:
            self._reason = reason
            self._subscription.bus.reports.consumer_stalled(self._subscription, reason)

    def _end(self) -> None:
        if self._reason is not None:
            self._reason = None
            self._subscription.bus.reports.consumer_resumed(self._subscription)
