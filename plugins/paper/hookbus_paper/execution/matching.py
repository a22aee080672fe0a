"""Matching: whether a bar fills an order, at which quoted price, and of how much of it.

A bar tells its first, highest, lowest and last price, and not their order. What is decided here
needs no more than that: a price that lies beyond the limit or the stop at the open is filled there,
one that is reached later at the limit or the stop itself.
"""

from decimal import Decimal

from hookbus_trading.flow import Bar, Order

from hookbus_paper.execution.settings import ExecutionSettings
from hookbus_paper.money import EXACT, exact, floor_to_step

__all__ = ["Quote", "Working", "fillable", "quoted_price", "room_in"]


class Working:
    """An order that is being executed: what is left of it, and what it has cost so far."""

    __slots__ = ("charged", "fills", "left", "order", "triggered")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.left = order.quantity
        self.fills = 0
        self.charged = Decimal(0)
        self.triggered = False


class Quote:
    """A bar, and how much of it orders may still have together: None for as much as they want."""

    __slots__ = ("_room", "bar")

    def __init__(self, bar: Bar, room: Decimal | None) -> None:
        self.bar = bar
        self._room = room

    def room_for(self, quantity: Decimal) -> Decimal:
        """How much of a quantity the bar has room for."""
        return quantity if self._room is None else min(quantity, self._room)

    def take(self, quantity: Decimal) -> None:
        """An order has had some of it."""
        if self._room is not None:
            self._room = EXACT.subtract(self._room, quantity)


def fillable(settings: ExecutionSettings, order: Order, bar: Bar) -> bool:
    """Whether this bar is late enough for the order: limit and stop orders wait for the next."""
    if order.time is None:
        return True
    if order.type == "market" and settings.fill_at == "close":
        return bar.time >= order.time
    return bar.time > order.time


def quoted_price(settings: ExecutionSettings, work: Working, bar: Bar) -> Decimal | None:
    """The price that the bar quotes for an order, before costs; None when it is not reached."""
    order = work.order
    if order.price is None:
        return exact(bar.close if settings.fill_at == "close" else bar.open)
    if order.type == "stop":
        return _stop_price(work, bar, order.price)
    return _limit_price(settings, order, bar, order.price)


def _stop_price(work: Working, bar: Bar, stop: Decimal) -> Decimal | None:
    opening = exact(bar.open)
    if work.triggered:
        return opening
    buying = work.order.side == "buy"
    if not (exact(bar.high) >= stop if buying else exact(bar.low) <= stop):
        return None
    work.triggered = True
    return max(opening, stop) if buying else min(opening, stop)


def _limit_price(
    settings: ExecutionSettings, order: Order, bar: Bar, limit: Decimal
) -> Decimal | None:
    opening = exact(bar.open)
    if order.side == "buy":
        best, better = exact(bar.low), min(opening, limit)
        reached, beyond = best <= limit, best < limit
    else:
        best, better = exact(bar.high), max(opening, limit)
        reached, beyond = best >= limit, best > limit
    return better if (beyond if settings.limit_fill == "through" else reached) else None


def room_in(settings: ExecutionSettings, bar: Bar) -> Decimal | None:
    """How much of a bar orders may have together, None for as much as they want."""
    share = settings.maximum_participation
    if share is None:
        return None
    return floor_to_step(EXACT.multiply(exact(bar.volume), share), settings.quantity_step)
