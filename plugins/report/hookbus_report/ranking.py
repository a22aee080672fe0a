"""Rankings over time: the places of the best symbols, thinned, and the last ranking in full."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from hookbus_trading import OpportunitiesUpdated

__all__ = ["Rankings"]

PLACES = 10
"""How many places are followed over time."""

LINES = 10
"""How many symbols get a line."""

MOST = 500
"""How many rankings are kept; of more, every second, then every fourth, and so on."""


class Rankings:
    """Keeps the first places of each ranking. `count` is how many there were, `last` the last."""

    def __init__(self) -> None:
        self._kept: list[tuple[datetime, tuple[str, ...]]] = []
        self._stride = 1
        self.count = 0
        self.last: tuple[datetime, OpportunitiesUpdated] | None = None

    @property
    def stride(self) -> int:
        """One ranking of this many is kept."""
        return self._stride

    def add(self, time: datetime, event: OpportunitiesUpdated) -> None:
        """Take the next ranking; an earlier time than that of the last counts as that."""
        if self.last is not None:
            time = max(time, self.last[0])
        self.last = (time, event)
        if self.count % self._stride == 0:
            self._kept.append((time, event.symbols[:PLACES]))
        self.count += 1
        if len(self._kept) > MOST:
            del self._kept[1::2]
            self._stride *= 2

    def leaders(self) -> list[str]:
        """The symbols that were found among the first places most often, at most `LINES`."""
        seen = Counter(symbol for _, symbols in self._kept for symbol in symbols)
        return sorted(seen, key=lambda symbol: (-seen[symbol], symbol))[:LINES]

    def places(self) -> tuple[list[datetime], dict[str, list[int | None]]]:
        """Times, and for each leader its place at each of them (1 is the best, None: further down).

        The last ranking is always among them.
        """
        kept = list(self._kept)
        if self.last is not None and kept and kept[-1][0] != self.last[0]:
            kept.append((self.last[0], self.last[1].symbols[:PLACES]))
        lines: dict[str, list[int | None]] = {
            symbol: [_place(symbol, symbols) for _, symbols in kept] for symbol in self.leaders()
        }
        return [time for time, _ in kept], lines


def _place(symbol: str, symbols: tuple[str, ...]) -> int | None:
    return symbols.index(symbol) + 1 if symbol in symbols else None
