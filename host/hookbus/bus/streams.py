"""Streams and watches: reading the bus without a handler."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from hookbus.bus.channel import Channel, Cursor
from hookbus.envelope import Envelope, Lagged
from hookbus.errors import BusClosed

if TYPE_CHECKING:
    from hookbus.bus.eventbus import EventBus
    from hookbus.bus.inline import InlineSubscription


class Stream(Cursor):
    """An async iterator over events, or over envelopes if so asked.

    Yields `Lagged(n)` in place of n events that were overwritten before it came to them. Use it as
    a context manager, or call `close()`, so that the bus forgets it.
    """

    def __init__(
        self,
        bus: EventBus,
        channel: Channel,
        capacity: int,
        history: list[Envelope],
        *,
        lossless: bool,
        envelope: bool,
    ) -> None:
        super().__init__(channel, capacity, lossless=lossless)
        self.bus = bus
        self.closed = False
        self._reason: str | None = None
        self._ready: deque[Envelope | Lagged] = deque(history)
        self._whole = envelope

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        while not self._ready:
            if self._reason is not None:
                raise BusClosed(f"the stream was closed: it {self._reason}")
            if self.closed:
                raise StopAsyncIteration
            if self.unread:
                self._refill()
            else:
                await self.sleep()
        item = self._ready.popleft()
        return item if self._whole or isinstance(item, Lagged) else item.event

    def _refill(self) -> None:
        if not self.lossless and self.unread > self.capacity:
            lost, kept = self.skip_lost()
            if lost:
                self._ready.append(Lagged(lost))
            self._ready.extend(kept)
        self._ready.extend(self.take())

    def close(self, reason: str | None = None) -> None:
        """End the stream; what was not read yet is let go.

        A `reason` is what the stream has done wrong: reading on then raises `BusClosed` with it.
        """
        if not self.closed:
            self.closed = True
            self._reason = reason
            self.channel.wake()
            self.bus.drop_reader(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class Watch:
    """A generation counter: many events, one wake-up, the latest wins.

    `generation` counts the matching events since the watch was made; `latest` is the last one.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._waiters: list[asyncio.Future[None]] = []
        self._seen = 0
        self.generation = 0
        self.latest: Any = None
        self.subscription: InlineSubscription | None = None

    def attach(self, subscription: InlineSubscription) -> None:
        """Count for as long as `subscription` is open; those who wait learn when it closes."""
        self.subscription = subscription
        subscription.on_close = self._wake

    @property
    def closed(self) -> bool:
        """Whether it counts no more."""
        return self.subscription is None or self.subscription.closed

    def bump(self, event: Any) -> None:
        """Note an event and wake those who wait."""
        self.generation += 1
        self.latest = event
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def changed(self) -> int:
        """Wait for a generation that this method has not returned yet, and return it.

        Raises `BusClosed` when the watch is closed.
        """
        while self.generation == self._seen:
            if self.closed:
                raise BusClosed("the watch is closed")
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        self._seen = self.generation
        return self.generation

    def close(self) -> None:
        """End the watch and wake those who wait."""
        if self.subscription is not None:
            self.subscription.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
