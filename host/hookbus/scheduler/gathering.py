"""The events that trigger one run of a job, collected and de-duplicated."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from hookbus.events import Event

Key = Callable[[Any], Hashable]


def key_function(key: str | Key | None) -> Key | None:
    """The function behind a `batch_key`: itself, the field that it names, or None."""
    if isinstance(key, str):
        return lambda event: getattr(event, key)
    return key


class Gathered:
    """Events in order; with a key only the latest of each, where the key first came up.

    At most `limit` are kept; `dropped` counts the oldest, which had to go.
    """

    def __init__(self, key: Key | None, limit: int) -> None:
        self._key = key
        self._limit = limit
        self._events: dict[Hashable, Event] = {}
        self._order = 0
        self.dropped = 0

    def add(self, event: Event) -> None:
        """Take one more event."""
        self._order += 1
        key = self._order if self._key is None else self._key(event)
        self._events[key] = event
        if len(self._events) > self._limit:
            del self._events[next(iter(self._events))]
            self.dropped += 1

    def absorb(self, later: Gathered) -> None:
        """Take over what was gathered later."""
        for event in later.events:
            self.add(event)
        self.dropped += later.dropped

    @property
    def is_full(self) -> bool:
        """Whether one more key would drop the oldest."""
        return len(self._events) >= self._limit

    @property
    def events(self) -> tuple[Event, ...]:
        """What is kept, in order."""
        return tuple(self._events.values())

    def __len__(self) -> int:
        return len(self._events)
