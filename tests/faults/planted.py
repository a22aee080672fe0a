"""Planted bugs: what the demonstrations must find. A life calls one of these before it begins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from hookbus import Bus, Delivery, Envelope, Event, Statement
from hookbus.bus.durable.quarantine import Quarantine
from hookbus.bus.durable.subscription import DurableSubscription
from hookbus.bus.stats import SubscriptionStats
from hookbus_journal.consumers import StoredConsumer
from hookbus_journal.tasks import Call, Effect


def acknowledge_before_the_commit() -> None:
    """`publish` returns at once, and the journal is asked a little later."""

    async def publish(self: Bus, event: Event) -> int:
        asyncio.get_running_loop().call_later(0.02, self.publish_forced, event)
        return 0

    _plant(Bus, "publish", publish)


def store_the_offset_apart() -> None:
    """The offset follows the effects in a transaction of its own."""
    whole = StoredConsumer.finish

    def finish(
        self: StoredConsumer,
        delivery: Delivery,
        offset: int,
        statements: Sequence[Statement] = (),
        envelopes: Sequence[Envelope] = (),
        landed: Callable[[list[int]], None] | None = None,
    ) -> Awaitable[list[int]]:
        async def apart() -> list[int]:
            positions = await self._desk.commit(lambda _: None, statements, envelopes, landed)
            await asyncio.sleep(0.02)
            await whole(self, delivery, offset)
            return positions

        return apart()

    _plant(StoredConsumer, "finish", finish)


def count_attempts_afterwards() -> None:
    """That an attempt has begun is not stored before its handler is called."""

    def begin(_: StoredConsumer, __: Delivery) -> Awaitable[None]:
        return asyncio.sleep(0)

    _plant(StoredConsumer, "begin", begin)


def blame_everybody_in_flight() -> None:
    """What may have ended the process is tried again together with others."""

    async def enter(*_: object, **__: object) -> None:
        return

    _plant(Quarantine, "enter", enter)
    _plant(Quarantine, "leave", lambda *_, **__: None)


def move_the_offset_past_the_unfinished() -> None:
    """The offset is what was read, whatever is still in hand."""

    def offset(self: DurableSubscription, _: Delivery) -> int:
        return self.backlog.read_to

    _plant(DurableSubscription, "offset_without", offset)


def dispatch_answers_late() -> None:
    """What a transaction publishes is dispatched after what was committed behind it."""

    def settle(self: Effect, value: Any, error: Exception | None) -> None:
        if error is None and self._landed is not None:
            asyncio.get_running_loop().call_later(0.005, self._landed, value)
        Call.settle(self, value, error)

    _plant(Effect, "settle", settle)


def forget_what_is_pending() -> None:
    """The account of a consumer leaves out what it has not handled."""
    whole = DurableSubscription.stats

    def stats(self: DurableSubscription) -> SubscriptionStats:
        return replace(whole(self), pending=0)

    _plant(DurableSubscription, "stats", stats)


def _plant(owner: type, method: str, bug: Any) -> None:
    setattr(owner, method, bug)
