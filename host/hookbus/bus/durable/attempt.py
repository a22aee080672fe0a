"""One attempt: an event, its handler, and what is stored before and after."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from hookbus.bus.delivery import Retry
from hookbus.bus.durable.lanes import Item
from hookbus.bus.durable.transaction import Transaction
from hookbus.containment.contained import FAILURES
from hookbus.containment.limits import HandlerSwallowedCancellation, HandlerTimeout, call_within
from hookbus.contracts import DeadLetter, Landed, Statement
from hookbus.envelope import Envelope, current_envelope
from hookbus.errors import error_text

if TYPE_CHECKING:
    from hookbus.bus.durable.subscription import DurableSubscription

T = TypeVar("T")

RETRY = Retry(attempts=5, delay=0.5, max_delay=30.0)
"""How a durable subscription tries again that says nothing else."""

TIMEOUT = 30.0
"""Seconds that a durable handler gets for one attempt if nothing else is said."""


class Attempt:
    """Tries one item once."""

    def __init__(self, subscription: DurableSubscription, item: Item) -> None:
        self._subscription = subscription
        self._item = item
        self._retry = subscription.options.retry or RETRY

    async def run(self) -> float | None:
        """Try it; seconds to wait until the next attempt, None when the item is finished."""
        envelope, spent = self._item.envelope, self._spent()
        if envelope is None or spent is not None:
            await self._bury(spent or self._item.unreadable, "")
            return None
        if not self._subscription.bus.accepts(self._subscription, envelope.event):
            await self._finish()
            self._subscription.filtered += 1
            return None
        return await self._try_in_turn(envelope)

    def _spent(self) -> str | None:
        attempts, options = self._item.attempts, self._subscription.options
        if attempts.crashes >= options.crashes:
            return f"the process ended while it was handled, {attempts.crashes} times"
        if attempts.failures >= self._retry.attempts:
            return f"it had failed {attempts.failures} times"
        return None

    async def _try_in_turn(self, envelope: Envelope) -> float | None:
        quarantine = self._subscription.bus.commits.quarantine
        suspect = self._item.attempts.crashes > 0
        await quarantine.enter(suspect=suspect)
        try:
            return await self._try(envelope)
        finally:
            quarantine.leave(suspect=suspect)

    async def _try(self, envelope: Envelope) -> float | None:
        subscription, delivery = self._subscription, self._item.delivery
        transaction = Transaction(subscription.bus.commits.journal)
        current_envelope.set(envelope)
        try:
            await self._stored(lambda: subscription.consumer.begin(delivery))
            await self._call(envelope, transaction)
            await subscription.bus.commits.commit(transaction, subscription.origin, self._finish)
        except FAILURES as error:
            if self._closing(error):
                raise
            return await self._failed(envelope, error)
        finally:
            current_envelope.set(None)
        subscription.delivered += 1
        return None

    async def _call(self, envelope: Envelope, transaction: Transaction) -> None:
        subscription = self._subscription
        argument: Any = envelope if subscription.options.envelope else envelope.event
        if subscription.options.transaction:
            argument = argument, transaction
        task = asyncio.current_task()
        if task is not None:
            subscription.working[envelope.in_hand()] = task
        try:
            limit = subscription.options.timeout or TIMEOUT
            await call_within(subscription.call, argument, limit)
        except HandlerSwallowedCancellation:
            reason = f"took longer than {limit:g} s and swallowed its cancellation"
            raise HandlerTimeout(reason) from None
        finally:
            transaction.close()
            subscription.working.pop(envelope.in_hand(), None)

    def _closing(self, error: BaseException) -> bool:
        """Whether a cancellation means the subscription, not its handler."""
        task = asyncio.current_task()
        cancelled = isinstance(error, asyncio.CancelledError)
        return (
            cancelled and task is not None and (self._subscription.closed or task.cancelling() > 0)
        )

    async def _finish(
        self,
        statements: Sequence[Statement] = (),
        envelopes: Sequence[Envelope] = (),
        landed: Landed | None = None,
    ) -> None:
        subscription, delivery = self._subscription, self._item.delivery
        await self._stored(
            lambda: subscription.consumer.finish(
                delivery, subscription.offset_without(delivery), statements, envelopes, landed
            )
        )

    async def _failed(self, envelope: Envelope, error: BaseException) -> float | None:
        subscription, item = self._subscription, self._item
        await self._stored(lambda: subscription.consumer.failed(item.delivery))
        failures = item.attempts.failures + 1
        item.attempts = replace(item.attempts, failures=failures)
        again = failures < self._retry.attempts
        subscription.failures += 1
        subscription.bus.reports.handler_failed(
            subscription, envelope, error, failures, will_retry=again
        )
        if again:
            subscription.retries += 1
            return self._retry.wait(failures, subscription.chance)
        await self._bury(error_text(error), "".join(traceback.format_exception(error)))
        return None

    async def _bury(self, error: str, trace: str) -> None:
        subscription, item = self._subscription, self._item
        envelope = item.envelope
        text = item.cloudevent if envelope is None else envelope.to_json()
        hidden = subscription.bus.redactor
        letter = DeadLetter(
            text, hidden(error), hidden(trace), item.attempts, subscription.bus.clock.now_ns()
        )
        await self._stored(
            lambda: subscription.consumer.bury(
                item.delivery, subscription.offset_without(item.delivery), letter
            )
        )
        subscription.dead_lettered += 1
        subscription.bus.reports.buried(subscription, envelope, letter)

    async def _stored(self, call: Callable[[], Awaitable[T]]) -> T:
        return await self._subscription.stall.stored(call)
