"""Channels: the ring that holds recent envelopes for one filter, and cursors that read it."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from hookbus.bus.filters import Filter, Predicate
from hookbus.envelope import Envelope

if TYPE_CHECKING:
    from hookbus.bus.gates import Guard

SLICE = 128
"""Envelopes a reader takes at once: enough to amortise a wake-up, few enough to stay fair."""

KEPT_LIMIT = 65_536
"""Critical envelopes kept for readers that have fallen behind."""

NO_LIMIT = sys.maxsize


class Channel:
    """A ring of envelopes. `tail` counts all that were ever pushed; readers keep cursors.

    Pushing is inlined where events are published: store at `tail & mask`, advance `tail`, and
    wake the sleepers if there are any.
    """

    __slots__ = (
        "buffer",
        "filter",
        "filtered",
        "guard",
        "kept",
        "limit",
        "mask",
        "predicate",
        "published_before",
        "readers",
        "room_waiters",
        "sleepers",
        "tail",
    )

    def __init__(self, wanted: Filter, predicate: Predicate | None, capacity: int) -> None:
        size = 1 << (capacity - 1).bit_length()
        self.filter = wanted
        self.predicate = predicate
        self.buffer: list[Envelope | None] = [None] * size
        self.mask = size - 1
        self.tail = 0
        self.filtered = 0
        self.published_before = 0
        self.limit = NO_LIMIT
        self.guard: Guard | None = None
        self.readers: tuple[Cursor, ...] = ()
        self.sleepers: list[asyncio.Future[None]] = []
        self.room_waiters: deque[asyncio.Future[None]] = deque()
        self.kept: deque[tuple[int, Envelope]] = deque()

    def push(self, envelope: Envelope) -> None:
        """Append an envelope and wake whoever waits for it."""
        tail = self.tail
        self.buffer[tail & self.mask] = envelope
        self.tail = tail + 1
        if self.sleepers:
            self.wake()

    def keep_last(self) -> None:
        """Hold on to the envelope just pushed, for readers that fall behind: it is critical."""
        position = self.tail - 1
        slowest = min((reader.cursor for reader in self.readers), default=position)
        while self.kept and (self.kept[0][0] < slowest or len(self.kept) >= KEPT_LIMIT):
            self.kept.popleft()
        envelope = self.buffer[position & self.mask]
        if envelope is not None:
            self.kept.append((position, envelope))

    def wake(self) -> None:
        """Wake the readers that sleep."""
        for sleeper in self.sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        self.sleepers.clear()

    def add(self, reader: Cursor) -> None:
        """Let `reader` read from here on; the ring grows to what it asks for."""
        self.grow(reader.capacity)
        self.readers = (*self.readers, reader)
        self.refresh_limit()

    def remove(self, reader: Cursor) -> None:
        """Forget a reader, and let publishers go on that waited only for it."""
        self.readers = tuple(other for other in self.readers if other is not reader)
        self.sleepers = [sleeper for sleeper in self.sleepers if sleeper is not reader._wake]
        self.release()

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` envelopes; what the ring holds stays in place."""
        size = 1 << (capacity - 1).bit_length()
        if size <= len(self.buffer):
            return
        bigger: list[Envelope | None] = [None] * size
        for position in range(max(0, self.tail - len(self.buffer)), self.tail):
            bigger[position & (size - 1)] = self.buffer[position & self.mask]
        self.buffer, self.mask = bigger, size - 1

    def refresh_limit(self) -> None:
        """Work out how far `tail` may go before a lossless reader would lose something."""
        self.limit = min(
            (reader.cursor + reader.capacity for reader in self.readers if reader.lossless),
            default=NO_LIMIT,
        )

    def is_full(self) -> bool:
        """Whether a lossless reader has no room for one more."""
        if self.tail < self.limit:
            return False
        self.refresh_limit()
        return self.tail >= self.limit

    def blockers(self) -> list[Cursor]:
        """The lossless readers that have no room."""
        return [
            reader
            for reader in self.readers
            if reader.lossless and self.tail - reader.cursor >= reader.capacity
        ]

    def release(self) -> None:
        """Wake the publishers that wait for room, if there is some again."""
        self.refresh_limit()
        if self.tail < self.limit:
            while self.room_waiters:
                waiter = self.room_waiters.popleft()
                if not waiter.done():
                    waiter.set_result(None)


class Cursor:
    """A reader's place in a channel."""

    __slots__ = (
        "_wake",
        "capacity",
        "channel",
        "cursor",
        "filtered_before",
        "lagged",
        "lossless",
        "on_idle",
        "slice",
        "start",
    )

    def __init__(self, channel: Channel, capacity: int, *, lossless: bool) -> None:
        self.channel = channel
        self.capacity = capacity
        self.lossless = lossless
        self.start = self.cursor = channel.tail
        self.filtered_before = channel.filtered
        self.lagged = 0
        self.slice: list[Envelope] = []
        self.on_idle: Callable[[], None] | None = None
        self._wake: asyncio.Future[None] | None = None

    @property
    def unread(self) -> int:
        """Envelopes in the ring, or lost to lag, that this reader has not come to yet."""
        return self.channel.tail - self.cursor

    @property
    def sleeping(self) -> bool:
        """Whether the reader waits and there is nothing for it."""
        wake = self._wake
        return wake is not None and not wake.done() and self.cursor == self.channel.tail

    def take(self, most: int = SLICE) -> list[Envelope]:
        """The next envelopes, at most `most`, also kept as `slice`; call `skip_lost` first."""
        channel = self.channel
        cursor = self.cursor
        count = channel.tail - cursor
        if count > most:
            count = most
        start = cursor & channel.mask
        taken = channel.buffer[start : start + count]
        if len(taken) < count:
            taken += channel.buffer[: count - len(taken)]
        self.cursor = cursor + count
        self.slice = taken  # type: ignore[assignment]
        if channel.room_waiters:
            channel.release()
        return self.slice

    def skip_lost(self, most: int = SLICE) -> tuple[int, list[Envelope]]:
        """Move past what was overwritten unread, up to the last of `most` critical ones.

        Returns how many were lost, and the critical ones among them that were kept.
        """
        channel = self.channel
        first = max(channel.tail - self.capacity, self.cursor)
        kept = ((place, one) for place, one in channel.kept if self.cursor <= place < first)
        found = list(islice(kept, most))
        if len(found) == most:
            first = found[-1][0] + 1
        lost = first - self.cursor - len(found)
        self.cursor = first
        self.lagged += lost
        return lost, [envelope for _, envelope in found]

    async def sleep(self, seconds: float | None = None) -> None:
        """Wait until something is pushed, `nudge` is called, or some seconds have passed."""
        loop = asyncio.get_running_loop()
        wake: asyncio.Future[None] = loop.create_future()
        self._wake = wake
        self.channel.sleepers.append(wake)
        if self.on_idle is not None:
            self.on_idle()
        timer = None if seconds is None else loop.call_later(seconds, self.nudge)
        try:
            await wake
        finally:
            if timer is not None:
                timer.cancel()
            if wake in self.channel.sleepers:
                self.channel.sleepers.remove(wake)

    def nudge(self) -> None:
        """Wake the reader without an envelope."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
