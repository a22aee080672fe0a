"""Recognising what comes twice, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Seen"]


class Seen:
    """Remembers the last `limit` identifiers and counts the repeats."""

    def __init__(self, limit: int = 4_096) -> None:
        self._limit = limit
        self._known: OrderedDict[str, None] = OrderedDict()
        self.repeats = 0

    def is_new(self, identifier: str) -> bool:
        """Whether this identifier comes for the first time; remembers it if so."""
        if identifier in self._known:
            self.repeats += 1
            return False
        self._known[identifier] = None
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return True
