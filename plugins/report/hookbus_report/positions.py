"""What a book holds, counted from its fills: entries, exits, and the time with a position."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

__all__ = ["Mark", "Positions", "Presence"]

_ZERO = Decimal(0)


class Mark(NamedTuple):
    """A fill in a chart of prices: it opened or closed (a part of) a long or a short position."""

    time: datetime
    price: float
    kind: Literal["entry", "exit"]
    direction: Literal["long", "short"]
    quantity: float


class Presence:
    """For how long something was there, and how long it was away at a stretch.

    It begins at `begin`, away. Times must not go backwards.
    """

    def __init__(self, begin: datetime) -> None:
        self._since = begin
        self._there = False
        self._total = timedelta(0)
        self._longest_away = timedelta(0)

    def change(self, time: datetime, there: bool) -> None:
        """It comes or goes at `time`, or stays as it is."""
        if there == self._there:
            return
        if there:
            self._longest_away = max(self._longest_away, time - self._since)
        else:
            self._total += time - self._since
        self._since, self._there = time, there

    def total(self, end: datetime) -> timedelta:
        """The time that it was there, up to `end`."""
        return self._total + (end - self._since if self._there else timedelta(0))

    def longest_away(self, end: datetime) -> timedelta:
        """The longest time without it, up to `end`."""
        return max(self._longest_away, timedelta(0) if self._there else end - self._since)


class Positions:
    """Signed quantities by symbol. What was held before the first fill is not known here."""

    def __init__(self, begin: datetime) -> None:
        self._held: dict[str, Decimal] = {}
        self.presence = Presence(begin)

    def fill(self, symbol: str, signed: Decimal, price: float, time: datetime) -> list[Mark]:
        """Book a fill (`signed` is negative for a sale); what it closed and opened."""
        before = self._held.get(symbol, _ZERO)
        after = before + signed
        if after:
            self._held[symbol] = after
        else:
            self._held.pop(symbol, None)
        self.presence.change(time, bool(self._held))
        return list(_marks(before, after, price, time))


def _marks(before: Decimal, after: Decimal, price: float, time: datetime) -> Iterator[Mark]:
    turned = before * after < 0
    closed = abs(before) if turned else max(abs(before) - abs(after), _ZERO)
    opened = abs(after) if turned else max(abs(after) - abs(before), _ZERO)
    if closed:
        yield Mark(time, price, "exit", _direction(before), float(closed))
    if opened:
        yield Mark(time, price, "entry", _direction(after), float(opened))


def _direction(quantity: Decimal) -> Literal["long", "short"]:
    return "long" if quantity > 0 else "short"
