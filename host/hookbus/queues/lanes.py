"""The places of a work queue: lanes in order of priority that share one capacity."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterator
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")


class Entry(Generic[T]):
    """One item on its way: where it stands, and the context in which it was put.

    `ticket` counts the puts, so that of two items with the same `key` the newer one is known.
    """

    __slots__ = ("context", "item", "key", "lane", "ticket")

    def __init__(
        self, item: T, lane: int, ticket: int, context: Context, key: Hashable | None
    ) -> None:
        self.item = item
        self.lane = lane
        self.ticket = ticket
        self.context = context
        self.key = key


class Lanes(Generic[T]):
    """Bounded lanes; the first is emptied first.

    Each lane after the first leaves a share of the capacity, `reserve`, to those before it: with a
    capacity of 100 and a reserve of 0.1 the second lane and those after it hold 90 items at most,
    the third 80. A place may be held for an item that is about to come.
    """

    def __init__(self, count: int, capacity: int, reserve: float) -> None:
        step = math.ceil(capacity * reserve)
        self.limits = tuple(max(1, capacity - step * lane) for lane in range(count))
        self._lanes: tuple[deque[Entry[T]], ...] = tuple(deque() for _ in range(count))
        self._held = [0] * count
        self._by_key: dict[Hashable, Entry[T]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lanes))

    def __iter__(self) -> Iterator[Entry[T]]:
        for lane in self._lanes:
            yield from lane

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many items stand in each lane."""
        return tuple(map(len, self._lanes))

    @property
    def held(self) -> int:
        """How many places are held."""
        return sum(self._held)

    def holds_for(self, lane: int) -> bool:
        """Whether a place is held in a lane."""
        return self._held[lane] > 0

    def has_room(self, lane: int) -> bool:
        """Whether another item fits into a lane, beside those that places are held for."""
        load = sum(self._load(behind) for behind in range(lane + 1, len(self._lanes)))
        for level in range(lane, -1, -1):
            load += self._load(level)
            if load >= self.limits[level]:
                return False
        return True

    def _load(self, lane: int) -> int:
        return len(self._lanes[lane]) + self._held[lane]

    def hold(self, lane: int) -> None:
        """Keep a place for an item that is about to come."""
        self._held[lane] += 1

    def release(self, lane: int) -> None:
        """Give up a place that was held."""
        self._held[lane] -= 1

    def add(self, entry: Entry[T]) -> None:
        """Put an item at the end of its lane."""
        self._lanes[entry.lane].append(entry)
        if entry.key is not None:
            self._by_key[entry.key] = entry

    def take(self, reach: int) -> Entry[T] | None:
        """Take the first item of the first lane that has any, of the first `reach` lanes."""
        for lane in self._lanes[:reach]:
            if lane:
                return self._forget_key(lane.popleft())
        return None

    def take_oldest_for(self, lane: int) -> Entry[T] | None:
        """Take the item that gives way to one of `lane`: the oldest of the last lane with any.

        Lanes before `lane` are spared; None when only they have items.
        """
        for candidates in reversed(self._lanes[lane:]):
            if candidates:
                return self._forget_key(candidates.popleft())
        return None

    def take_all(self) -> list[Entry[T]]:
        """Take everything, in order."""
        entries = list(self)
        for lane in self._lanes:
            lane.clear()
        self._by_key.clear()
        return entries

    def same(self, key: Hashable | None) -> Entry[T] | None:
        """The item in the lanes that has a key; None matches nothing."""
        return None if key is None else self._by_key.get(key)

    def replace(self, old: Entry[T], new: Entry[T]) -> None:
        """Let a newer item stand for an older one: in its place, or at the end of a faster lane."""
        if new.lane < old.lane:
            self._lanes[old.lane].remove(old)
            self.add(new)
            return
        old.item, old.context, old.ticket = new.item, new.context, new.ticket

    def _forget_key(self, entry: Entry[T]) -> Entry[T]:
        if entry.key is not None:
            del self._by_key[entry.key]
        return entry
