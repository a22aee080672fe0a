"""The past of a stream: what was published before it was opened, or while it read that.

A journal keeps events in the order of their commit, and the ring of a stream has them in the order
of dispatching, so that no position divides one from the other. What does is the moment at which the
stream went over to its ring: what had been dispatched by then is read from the journal, everything
else comes through the ring.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookbus.bus.channel import Channel
from hookbus.bus.durable.restoring import restore
from hookbus.bus.filters import stored_names
from hookbus.contracts import StoredEvent
from hookbus.envelope import Envelope
from hookbus.errors import HookbusError, error_text

if TYPE_CHECKING:
    from hookbus.bus.eventbus import EventBus

PAGE = 500
"""Events that are read from the journal at once."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a run: up to `sequence` all had been dispatched but what was `in_flight`."""

    run: str
    sequence: int
    in_flight: frozenset[int]

    @property
    def first_later(self) -> int:
        """The lowest sequence of what was dispatched later."""
        return min([*self.in_flight, self.sequence + 1])

    def has(self, event: StoredEvent) -> bool:
        """Whether an event of the journal had been dispatched by then."""
        if event.run != self.run:
            return True
        return event.sequence <= self.sequence and event.sequence not in self.in_flight


def now(bus: EventBus) -> Moment:
    """This moment."""
    return Moment(bus.run, bus.sequence, frozenset(bus.commits.in_flight))


class Past:
    """Reads from the journal what lies before the first thing in the ring of a stream.

    Either from a time on, `since_ns`, or the `newest` events. `over` says that all was read; then
    `missing` had been in the ring and is not in the journal. `unreadable` counts by type what no
    plugin can read any more.
    """

    def __init__(self, bus: EventBus, channel: Channel, since_ns: int | None, newest: int) -> None:
        self.over = False
        self.missing = 0
        self.unreadable: Counter[str] = Counter()
        self._bus = bus
        self._channel = channel
        self._journal = bus.commits.journal
        self._names = self._stored_names()
        self._since_ns = since_ns
        self._newest = newest
        self._recent = recent(bus, channel, newest)
        self._before: Moment | None = None
        self._until = now(bus)
        self._place = 0
        self._head: int | None = None

    def _stored_names(self) -> list[str]:
        return sorted(stored_names(self._channel.filter, self._bus.registry, "hookbus"))

    async def read(self) -> list[Envelope]:
        """The next events; an empty list where there are none among those that were looked at.

        Whoever is cancelled in it may call it again, and has lost nothing. Raises `JournalError`.
        """
        if self._newest:
            return await self._read_newest()
        if self._head is None:
            await self._find_bounds()
        page: list[StoredEvent] = []
        head = self._head or 0
        if self._place < head:
            since_ns = None if self._place else self._since_ns
            page = await self._journal.read(self._names, self._place, PAGE, since_ns=since_ns)
        found = self._restored(one for one in page if one.position <= head)
        self._place = page[-1].position if page else head
        self.over = self._place >= head
        self.missing -= len(found)
        return found

    async def _find_bounds(self) -> None:
        """Find from where to where to read."""
        if self._before is not None:
            self._place = await self._last_before(self._before.first_later)
        newest = await self._journal.latest(self._names, 1)
        self._head = newest[0].position if newest else 0

    async def _last_before(self, sequence: int) -> int:
        """A position up to which nothing of this run is as late as `sequence`."""
        place, run = self._place + 1, self._bus.run
        while page := await self._journal.latest(self._names, PAGE, before=place):
            place = page[-1].position
            if page[-1].run != run or page[-1].sequence < sequence:
                return place
        return 0

    async def _read_newest(self) -> list[Envelope]:
        """The newest events of the journal and of the memory, which has what no journal keeps."""
        found: list[Envelope] = []
        head, place = 0, None
        while len(found) < self._newest:
            page = await self._journal.latest(self._names, PAGE, before=place)
            if not page:
                break
            found += self._restored(page)
            head, place = head or page[0].position, page[-1].position
        kept = found[: self._newest]
        newest, self._newest = self._newest, 0
        self._place, self.over = head, True
        return _joined(kept[::-1], self._recent, self._bus.run)[-newest:]

    def _restored(self, page: Iterable[StoredEvent]) -> list[Envelope]:
        due = (stored for stored in page if self._is_due(stored))
        envelopes = (self._restore(stored) for stored in due)
        return [one for one in envelopes if one and self._bus.accepts(self._channel, one.event)]

    def _is_due(self, stored: StoredEvent) -> bool:
        """Whether an event belongs here; what was dispatched later has a place of its own."""
        if not self._until.has(stored) or (self._before is not None and self._before.has(stored)):
            return False
        return self._since_ns is None or stored.time_ns >= self._since_ns

    def _restore(self, stored: StoredEvent) -> Envelope | None:
        try:
            return restore(stored, self._bus.registry)
        except HookbusError as error:
            if not self.unreadable[stored.type]:
                self._bus.reports.not_restored(stored, str(self._channel.filter), error_text(error))
            self.unreadable[stored.type] += 1
            return None

    def go_on(self, count: int) -> None:
        """Read on from the journal: since this or the last was begun, `count` went by."""
        self._names = self._stored_names()
        self._before, self._until = self._until, now(self._bus)
        self._head = self._since_ns = None
        self.missing = count
        self.over = False


def recent(bus: EventBus, channel: Channel, most: int) -> list[Envelope]:
    """Up to `most` events in memory that would go to `channel`, oldest first."""
    if most <= 0:
        return []
    found = [
        envelope
        for cls, route in bus.routes.items()
        if channel.filter.matches(cls)
        for envelope in (route.committed or route).recent
        if bus.accepts(channel, envelope.event)
    ]
    return sorted(found, key=lambda envelope: envelope.sequence)[-most:]


def _joined(kept: list[Envelope], in_memory: list[Envelope], run: str) -> list[Envelope]:
    """Both in one order: earlier runs as they were kept, then this one by sequence."""
    every = {one.id: one for one in [*kept, *in_memory]}
    return sorted(every.values(), key=lambda one: one.sequence if one.run == run else 0)
