"""Gates: publishers wait here while a lossless subscriber is full, and never in a circle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookbus.bus.channel import Channel, Cursor
from hookbus.bus.durable.subscription import DurableSubscription
from hookbus.bus.streams import Stream
from hookbus.bus.subscription import Subscription, current_subscription
from hookbus.containment.limits import GRACE
from hookbus.envelope import Envelope, handled_envelope
from hookbus.errors import BusClosed, PublishDeadlock
from hookbus.events import Event

if TYPE_CHECKING:
    from hookbus.bus.eventbus import EventBus
    from hookbus.bus.routing import Route

Publisher = Subscription | DurableSubscription
"""A subscription whose handler publishes."""

GROWTH = 16
"""How many times its capacity a ring may grow to when nobody may wait for it."""

HELD_AT = GROWTH // 2
"""How many times its capacity a ring holds when everybody who can wait has to."""

LOOKS = 20
"""How many times per hold limit a full subscription's handlers are looked at."""


class Gates:
    """The waiting room of one bus.

    `hold_limit` is how many seconds one handler may keep publishers waiting before it is cancelled
    as failed. A stream that is not read for so long is closed. `overgrown` are the channels that
    hold so many events which could not wait that everybody who can wait has to.
    """

    def __init__(self, bus: EventBus, hold_limit: float) -> None:
        self._bus = bus
        self.hold_limit = hold_limit
        self.overgrown: dict[Channel, None] = {}

    def make_room(self, channel: Channel, *, limited: bool = True) -> None:
        """Let a full ring take one more envelope by growing it.

        Raises `PublishDeadlock` at `GROWTH` times its capacity, if `limited`: an event that has
        been committed must go in, and whoever published it waited for room before.
        """
        unread = max(
            (channel.tail - one.cursor for one in channel.readers if one.lossless), default=0
        )
        if not channel.is_full():
            return
        capacity = max(reader.capacity for reader in channel.readers)
        if unread >= HELD_AT * capacity:
            self.overgrown[channel] = None
        if unread < len(channel.buffer):
            return
        if limited and len(channel.buffer) >= GROWTH * capacity:
            raise PublishDeadlock(
                f"handlers of {channel.filter} wait for one another in a circle and hold "
                f"{unread} events; give the subscriptions more capacity, or break the circle"
            )
        channel.grow(2 * len(channel.buffer))

    def blocked(self, route: Route, event: Event) -> Channel | None:
        """The first full channel that `event` would go to."""
        return next(self._full(route, event), None)

    def _full(self, route: Route, event: Event) -> Iterator[Channel]:
        for channel in route.gated:
            if (
                channel.tail >= channel.limit
                and channel.is_full()
                and self._bus.accepts(channel, event)
            ):
                yield channel

    async def wait_for_room(self, route: Route, event: Event) -> None:
        """Wait until every lossless subscriber of the route has room for `event`.

        So it does for the rings that are overgrown, whatever their events: what this one leads to
        might be the next that does not fit. A publisher that is itself a handler, and that the full
        subscription waits for in turn, does not wait: the ring grows instead. Raises `BusClosed`
        when the bus closes meanwhile.
        """
        while (full := list(self._full(route, event))) or self.overgrown:
            publisher = _publishing_handler()
            held = [*full, *self._still_overgrown()]
            patient = [one for one in held if not self._would_deadlock(one, publisher)]
            if not patient:
                for channel in full:
                    self.make_room(channel)
                return
            await self._wait(patient[0], publisher)
            if self._bus.closed:
                raise BusClosed("the host has stopped; the event was not published")

    def _still_overgrown(self) -> list[Channel]:
        self.overgrown = {one: None for one in self.overgrown if one.is_full()}
        return list(self.overgrown)

    def _would_deadlock(self, channel: Channel, publisher: Publisher | None) -> bool:
        if publisher is None:
            return False
        seen: list[Channel] = []
        waiting = [channel]
        while waiting:
            full = waiting.pop()
            seen.append(full)
            for reader in full.blockers():
                if reader is publisher:
                    return True
                further = reader.waiting_for if isinstance(reader, Subscription) else []
                waiting += [other for other in further if other not in seen]
        return False

    async def _wait(self, channel: Channel, publisher: Publisher | None) -> None:
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        channel.room_waiters.append(room)
        guard = channel.guard = channel.guard or Guard(channel, self.hold_limit)
        guard.enter()
        if publisher is not None:
            publisher.waiting_for.append(channel)
        try:
            await room
        finally:
            if publisher is not None:
                publisher.waiting_for.remove(channel)
            if room in channel.room_waiters:
                channel.room_waiters.remove(room)
            guard.leave()


def _publishing_handler() -> Publisher | None:
    """The subscription whose handler waits for what is being published.

    None in a task that a handler left behind when it returned: nobody waits for that one.
    """
    subscription = current_subscription.get()
    if subscription is None or handled_envelope() not in subscription.in_hand():
        return None
    return subscription


class Guard:
    """Looks at whom publishers wait for at a full channel, and ends what holds them for too long.

    Waiting adds up for as long as a handler has the same event in hand.
    """

    def __init__(self, channel: Channel, limit: float) -> None:
        self._channel = channel
        self._limit = limit
        self._waiting = 0
        self._held: dict[tuple[Cursor, object], float] = {}
        self._blockers: list[Cursor] = []
        self._looked_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def enter(self) -> None:
        """A publisher begins to wait."""
        self._waiting += 1
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._looked_at = loop.time()
            self._look(loop, 0.0)

    def leave(self) -> None:
        """A publisher waits no more."""
        self._waiting -= 1
        if self._waiting == 0 and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._add_up(asyncio.get_running_loop().time())

    def _look(self, loop: asyncio.AbstractEventLoop, pause: float) -> None:
        self._timer = loop.call_later(pause, self._look, loop, self._limit / LOOKS)
        self._add_up(loop.time())
        for reader in self._blockers:
            if isinstance(reader, Subscription):
                reader.note_backpressure()
        for (reader, envelope), held in self._held.items():
            if held > self._limit - self._limit / LOOKS / 2:
                self._end(loop, reader, envelope)

    def _add_up(self, now: float) -> None:
        passed, self._looked_at = now - self._looked_at, now
        known, self._held = self._held, {}
        for busy in self._busy():
            holding = busy in known and busy[0] in self._blockers
            self._held[busy] = known.get(busy, 0.0) + (passed if holding else 0.0)
        self._blockers = self._channel.blockers()

    def _busy(self) -> Iterator[tuple[Cursor, object]]:
        for reader in self._channel.readers:
            if isinstance(reader, Subscription):
                yield from ((reader, envelope) for envelope in reader.in_hand())
            else:
                yield reader, reader.cursor

    def _end(self, loop: asyncio.AbstractEventLoop, reader: Cursor, envelope: object) -> None:
        reason = f"held up publishers for {self._limit:g} s"
        if isinstance(reader, Stream):
            reader.close(reason)
        elif isinstance(reader, Subscription) and isinstance(envelope, Envelope):
            reader.interrupt(envelope, reason)
            loop.call_later(GRACE, reader.abandon_if_stuck, envelope)
