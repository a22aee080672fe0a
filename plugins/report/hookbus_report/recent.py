"""Telling a repeated event from a new one, within bounded memory."""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["Recent"]

_REMEMBERED = 10_000


class Recent:
    """Knows the last ten thousand keys; `repeats` counts those that came again."""

    def __init__(self) -> None:
        self._keys: dict[Hashable, None] = {}
        self.repeats = 0

    def is_new(self, key: Hashable) -> bool:
        """Whether the key is seen for the first time, and remember it."""
        if key in self._keys:
            self.repeats += 1
            return False
        self._keys[key] = None
        if len(self._keys) > _REMEMBERED:
            del self._keys[next(iter(self._keys))]
        return True
