"""Gates: publishers wait here while a lossless subscriber is full, and never in a circle."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hookbus.channel import Channel
from hookbus.delivery import GRACE
from hookbus.envelope import Envelope
from hookbus.errors import PublishDeadlock
from hookbus.events import Event
from hookbus.subscription import Subscription, current_subscription

if TYPE_CHECKING:
    from hookbus.bus import EventBus
    from hookbus.routing import Route

GROWTH = 16
"""How many times its capacity a ring may grow to when nobody may wait for it."""


class Gates:
    """The waiting room of one bus.

    `hold_limit` is how many seconds one handler may keep publishers waiting before it is cancelled
    as failed.
    """

    def __init__(self, bus: EventBus, hold_limit: float) -> None:
        self._bus = bus
        self.hold_limit = hold_limit

    def make_room(self, channel: Channel) -> None:
        """Let a full ring take one more envelope by growing it.

        Raises `PublishDeadlock` at `GROWTH` times its capacity.
        """
        unread = max((channel.tail - reader.cursor for reader in channel.readers), default=0)
        if not channel.is_full() or unread < len(channel.buffer):
            return
        if len(channel.buffer) >= GROWTH * max(reader.capacity for reader in channel.readers):
            raise PublishDeadlock(
                f"handlers of {channel.filter} wait for one another in a circle and hold "
                f"{unread} events; give the subscriptions more capacity, or break the circle"
            )
        channel.grow(2 * len(channel.buffer))

    def blocked(self, route: Route, event: Event) -> Channel | None:
        """The first full channel that `event` would go to."""
        for channel in route.gated:
            if (
                channel.tail >= channel.limit
                and channel.is_full()
                and self._bus.accepts(channel, event)
            ):
                return channel
        return None

    async def wait_for_room(self, route: Route, event: Event) -> None:
        """Wait until every lossless subscriber of the route has room for `event`.

        A publisher that is itself a handler, and that the full subscription waits for in turn,
        does not wait: the ring grows instead.
        """
        publisher = current_subscription.get()
        while (channel := self.blocked(route, event)) is not None:
            if publisher is not None and self._would_deadlock(channel, publisher):
                self.make_room(channel)
                return
            await self._wait_for_room(channel, publisher)

    def _would_deadlock(self, channel: Channel, publisher: Subscription) -> bool:
        seen: list[Channel] = []
        waiting = [channel]
        while waiting:
            full = waiting.pop()
            seen.append(full)
            for reader in full.blockers():
                if reader is publisher:
                    return True
                further = getattr(reader, "waiting_for", None)
                if further is not None and further not in seen:
                    waiting.append(further)
        return False

    async def _wait_for_room(self, channel: Channel, publisher: Subscription | None) -> None:
        loop = asyncio.get_running_loop()
        room: asyncio.Future[None] = loop.create_future()
        channel.room_waiters.append(room)
        held_up = [
            (one, one.current) for one in channel.blockers() if isinstance(one, Subscription)
        ]
        for subscription, _ in held_up:
            subscription.note_backpressure()
        timer = loop.call_later(self.hold_limit, self._break_hold, held_up)
        if publisher is not None:
            publisher.waiting_for = channel
        try:
            await room
        finally:
            timer.cancel()
            if publisher is not None:
                publisher.waiting_for = None

    def _break_hold(self, held_up: list[tuple[Subscription, Envelope | None]]) -> None:
        loop = asyncio.get_running_loop()
        for subscription, envelope in held_up:
            if envelope is not None and subscription.current is envelope:
                subscription.interrupt(f"held up publishers for {self.hold_limit:g} s")
                loop.call_later(GRACE, self._abandon_if_stuck, subscription, envelope)

    def _abandon_if_stuck(self, subscription: Subscription, envelope: Envelope) -> None:
        if subscription.interrupted and subscription.current is envelope:
            subscription.abandon()
