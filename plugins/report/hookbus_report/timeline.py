"""States over time: who was in which state, from when to when, and why."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Span", "Timeline", "Timelines"]

MOST_NAMES = 100
"""How many timelines of one kind are kept."""


class Span(NamedTuple):
    """A state that lasted from `start` to `end`; `reason` is why it began."""

    start: datetime
    end: datetime
    state: str
    reason: str


class Timeline:
    """The changes of one state, the latest `limit` of them; the same state again is no change."""

    def __init__(self, limit: int) -> None:
        self._changes: deque[tuple[datetime, str, str]] = deque(maxlen=limit)
        self.changes = 0

    @property
    def left_out(self) -> int:
        """How many earlier changes are counted but not kept."""
        return self.changes - len(self._changes)

    def enter(self, time: datetime, state: str, reason: str) -> None:
        """Be in `state` from `time` on, which is not before the last change."""
        if self._changes:
            last_time, last_state, _ = self._changes[-1]
            if last_state == state:
                return
            time = max(time, last_time)
        self._changes.append((time, state, reason))
        self.changes += 1

    def spans(self, end: datetime) -> list[Span]:
        """The states in order, the last one up to `end`."""
        return [
            Span(time, until, state, reason)
            for (time, state, reason), (until, _, _) in pairwise([*self._changes, (end, "", "")])
        ]


class Timelines:
    """Timelines by name, at most `MOST_NAMES`; `ignored` counts the events of further names."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_name: dict[str, Timeline] = {}
        self.ignored = 0

    def __iter__(self) -> Iterator[tuple[str, Timeline]]:
        return iter(self._by_name.items())

    @property
    def left_out(self) -> int:
        """How many changes are counted but not kept, of all names."""
        return self.ignored + sum(timeline.left_out for timeline in self._by_name.values())

    def change(
        self, begin: datetime, time: datetime, name: str, before: str, after: str, reason: str
    ) -> None:
        """`name` went from one state to another; that of its first change began at `begin`."""
        timeline = self._by_name.get(name)
        if timeline is None:
            if len(self._by_name) == MOST_NAMES:
                self.ignored += 1
                return
            timeline = self._by_name[name] = Timeline(self._limit)
            if begin < time:
                timeline.enter(begin, before, "")
        timeline.enter(time, after, reason)
