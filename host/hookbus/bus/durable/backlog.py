"""The backlog of a durable consumer: what it has not taken yet, from the journal and then live.

Events that have just been committed come straight from the publisher. When more of them wait than
fit, they are let go and read from the journal instead, until the consumer has caught up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from hookbus.bus.durable.lanes import Item
from hookbus.bus.durable.restoring import restore
from hookbus.contracts import Attempts, ConsumerState, Delivery, StoredEvent
from hookbus.envelope import Envelope
from hookbus.errors import HookbusError, error_text
from hookbus.events import EventRegistry

Read = Callable[[int, int], Awaitable[list[StoredEvent]]]


class Backlog:
    """Hands out each event once, in the order of positions.

    `offered` counts what was committed since the consumer was opened, `taken` what of it has been
    handed out, `older` what was handed out of earlier; `read_to` is the last position handed out.
    """

    def __init__(self, read: Read, registry: EventRegistry, capacity: int) -> None:
        self._read = read
        self._registry = registry
        self._capacity = capacity
        self._fresh: deque[tuple[int, Envelope]] = deque()
        self._behind = True
        self._overflows = 0
        self._widened = 0
        self._state: ConsumerState | None = None
        self._promised: set[int] = set()
        self._wake: asyncio.Future[None] | None = None
        self.read_to = 0
        self.offered = 0
        self.taken = 0
        self.older = 0

    def open(self, state: ConsumerState) -> None:
        """Begin after the offset of a consumer."""
        self._state = state
        self.read_to = state.offset
        known = [position for position, _ in self._fresh if position <= state.head]
        self._promised = {position for position in known if position > state.offset}
        self.offered -= len(known) - len(self._promised)
        for _ in known:
            self._fresh.popleft()

    @property
    def waiting(self) -> int:
        """How many events have been committed since the opening and not handed out yet."""
        return self.offered - self.taken

    @property
    def caught_up(self) -> bool:
        """Whether all that is known of has been handed out."""
        return self._state is not None and not self._behind and not self._fresh

    def widen(self) -> None:
        """More types are wanted from now on: what is being read was chosen without them."""
        self._widened += 1

    def offer(self, position: int, envelope: Envelope) -> None:
        """An event for the consumer has been committed; perhaps it was read already."""
        self.offered += 1
        if position <= self.read_to:
            return
        if len(self._fresh) >= self._capacity and self._state is not None:
            self._fresh.clear()
            self._behind = True
            self._overflows += 1
        self._fresh.append((position, envelope))
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def take(self, most: int) -> list[Item]:
        """Wait for the next items, at most `most`; an empty list when there may be more later.

        Raises `JournalError`.
        """
        if self._behind:
            return await self._take_from_journal(most)
        while not self._fresh:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        if self._behind:
            return []
        items: list[Item] = []
        while self._fresh and len(items) < most:
            position, envelope = self._fresh.popleft()
            self.read_to = position
            items.append(Item(Delivery(position), envelope))
        self.taken += len(items)
        return items

    async def _take_from_journal(self, most: int) -> list[Item]:
        overflows, widened = self._overflows, self._widened
        stored = await self._read(self.read_to, most)
        if widened != self._widened:
            return []
        if stored:
            self.read_to = stored[-1].position
        if len(stored) < most and overflows == self._overflows:
            self._behind = False
            while self._fresh and self._fresh[0][0] <= self.read_to:
                self._fresh.popleft()
        return [item for one in stored if (item := self._item(one)) is not None]

    def _item(self, stored: StoredEvent) -> Item | None:
        state = self._state
        if state is None or stored.position in state.finished:
            return None
        if stored.position > state.head or stored.position in self._promised:
            self.taken += 1
        else:
            self.older += 1
        attempts = state.attempts.get(stored.position, Attempts())
        return make_item(Delivery(stored.position), stored, self._registry, attempts)


def make_item(
    delivery: Delivery,
    stored: StoredEvent,
    registry: EventRegistry,
    attempts: Attempts = Attempts(),  # noqa: B008 - immutable
) -> Item:
    """An item of what the journal has kept, readable or not."""
    try:
        return Item(delivery, restore(stored, registry), attempts)
    except HookbusError as error:
        return Item(delivery, None, attempts, error_text(error), stored.to_json())
