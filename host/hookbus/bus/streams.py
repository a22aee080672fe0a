"""Streams and watches: reading the bus without a handler."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Self

from hookbus.bus.channel import Channel, Cursor
from hookbus.bus.past import Past
from hookbus.envelope import Envelope, Lagged
from hookbus.errors import BusClosed, JournalError

if TYPE_CHECKING:
    from hookbus.bus.eventbus import EventBus
    from hookbus.bus.inline import InlineSubscription


class Stream(Cursor):
    """An async iterator over events, or over envelopes if so asked.

    Yields `Lagged(n)` in place of n events that were overwritten before it came to them. Use it as
    a context manager, or call `close()`, so that the bus forgets it.

    With a `past` it begins with what a journal has kept. What its ring loses while that is read
    comes from the journal, too; only what is not kept there is told as `Lagged`. `unreadable`
    counts, by type, what was left out because no plugin can read it any more.
    """

    def __init__(
        self,
        bus: EventBus,
        channel: Channel,
        capacity: int,
        history: list[Envelope],
        *,
        past: Past | None,
        lossless: bool,
        envelope: bool,
    ) -> None:
        super().__init__(channel, capacity, lossless=lossless)
        self.bus = bus
        self.closed = False
        self._reason: str | None = None
        self._ready: deque[Envelope | Lagged] = deque(history)
        self._whole = envelope
        self._past = past
        self._reading = asyncio.Lock()
        self._critical: dict[int, Envelope] = {}
        self.unreadable = Counter[str]() if past is None else past.unreadable

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        while not self._ready:
            if self._reason is not None:
                raise BusClosed(f"the stream was closed: it {self._reason}")
            if self.closed:
                raise StopAsyncIteration
            if self._past is not None:
                await self._recall(self._past)
            elif self.unread:
                self._refill()
            else:
                await self.sleep()
        item = self._ready.popleft()
        return item if self._whole or isinstance(item, Lagged) else item.event

    async def _recall(self, past: Past) -> None:
        """Take what comes next from the past; several may wait for it."""
        async with self._reading:
            if self._ready or self._past is None or self.closed:
                return
            try:
                found = await past.read()
            except JournalError:
                if self.closed:
                    return
                raise
            self._ready.extend(found)
            if self._critical:
                for envelope in found:
                    self._critical.pop(envelope.sequence, None)
            if past.over:
                self._catch_up(past)

    def _catch_up(self, past: Past) -> None:
        """Go over to the ring, or read on where it has lost something meanwhile."""
        critical = self._critical
        missing = past.missing - len(critical)
        if missing > 0:
            self.lagged += missing
            self._ready.append(Lagged(missing))
        self._ready.extend(critical.values())
        self._critical = {}
        if self.lossless or self.unread <= self.capacity:
            self._past = None
            return
        kept = self.channel.kept
        self._critical = {one.sequence: one for place, one in kept if place >= self.cursor}
        past.go_on(self.unread)
        self.cursor = self.channel.tail

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
