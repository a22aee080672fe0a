"""Lanes: the events that a durable consumer has taken, in order for each key."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from hookbus.contracts import Attempts, Delivery
from hookbus.envelope import Envelope


@dataclass(slots=True, eq=False)
class Item:
    """One event on its way through a consumer.

    `unreadable` says why there is no envelope to hand over; `cloudevent` is then what is kept.
    """

    delivery: Delivery
    envelope: Envelope | None
    attempts: Attempts = field(default_factory=Attempts)
    unreadable: str = ""
    cloudevent: str = ""

    @property
    def key(self) -> Hashable:
        """What its order is kept for: its key, or one lane for all that have none."""
        return None if self.envelope is None else self.envelope.key


class Lanes:
    """Items in order of arrival for each key; a lane waits while its first item is at work."""

    def __init__(self) -> None:
        self._lanes: dict[Hashable, deque[Item]] = {}
        self._ready: deque[Hashable] = deque()
        self._resting: set[Hashable] = set()

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def add(self, item: Item) -> None:
        """Put an item behind those of its key."""
        lane = self._lanes.get(item.key)
        if lane is None:
            self._lanes[item.key] = deque([item])
            self._ready.append(item.key)
        else:
            lane.append(item)

    def next(self) -> Item | None:
        """The first item of a lane that may go on; its lane waits from now on."""
        if not self._ready:
            return None
        return self._lanes[self._ready.popleft()][0]

    def rest(self, item: Item) -> None:
        """The item is to be tried again later; only its own lane waits for that."""
        self._resting.add(item.key)

    def wake(self, item: Item) -> None:
        """The item may be tried again."""
        if item.key in self._resting:
            self._resting.discard(item.key)
            self._ready.append(item.key)

    def done(self, item: Item) -> None:
        """The item is finished; its lane goes on."""
        lane = self._lanes[item.key]
        lane.popleft()
        if lane:
            self._ready.append(item.key)
        else:
            del self._lanes[item.key]
