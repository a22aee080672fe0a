"""Recognising what comes twice, in bounded memory."""

from collections import OrderedDict
from collections.abc import Hashable

__all__ = ["Seen"]


class Seen:
    """Remembers the last `limit` identifiers and counts the repeats."""

    def __init__(self, limit: int = 65_536) -> None:
        self._limit = limit
        self._known: OrderedDict[Hashable, None] = OrderedDict()
        self.repeats = 0

    def is_new(self, identifier: Hashable) -> bool:
        """Whether this identifier comes for the first time; remembers it if so."""
        if identifier in self._known:
            self.repeats += 1
            return False
        self._known[identifier] = None
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return True
