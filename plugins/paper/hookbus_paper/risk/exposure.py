"""What is held and what is on order, as fills and orders tell it."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from hookbus_trading.fields import Side
from hookbus_trading.flow import Fill, Order, OrderEvent, TradingSignal

from hookbus_paper.money import EXACT
from hookbus_paper.seen import Seen

__all__ = ["Exposure", "Holder", "Sent"]

_ZERO = Decimal(0)


class Holder(NamedTuple):
    """Who holds a position: a strategy, in a symbol, on a book."""

    book: str
    strategy: str
    symbol: str

    @classmethod
    def of(cls, event: OrderEvent | TradingSignal) -> "Holder":
        """Whom an event is about."""
        return cls(event.book, event.strategy, event.symbol)


@dataclass(slots=True)
class Sent:
    """An order on its way: what is left of it, signed, and what one unit of it was expected at."""

    order: Order
    left: Decimal
    price: Decimal
    opens: bool

    @property
    def rests(self) -> bool:
        """Whether it may rest with whoever executes it, and be cancelled."""
        return self.order.type != "market"


class Exposure:
    """The position that each holder will have once every order on its way has been filled.

    It follows orders when they are sent and fills when they come, so it is right before the
    portfolio has caught up. `fills` counts repeated fills, which are ignored.
    """

    def __init__(self) -> None:
        self._expected: dict[str, dict[str, dict[str, Decimal]]] = {}
        self._sent: dict[str, Sent] = {}
        self.fills = Seen()

    def expected(self, holder: Holder) -> Decimal:
        """The signed quantity of a holder, orders on their way included."""
        of_symbol = self._expected.get(holder.book, {}).get(holder.symbol, {})
        return of_symbol.get(holder.strategy, _ZERO)

    def on_side(self, book: str, symbol: str, side: Side) -> Decimal:
        """What all strategies of a book hold or have on order of a symbol, on one side."""
        sign = 1 if side == "buy" else -1
        total = _ZERO
        for quantity in self._expected.get(book, {}).get(symbol, {}).values():
            if quantity * sign > 0:
                total = EXACT.add(total, EXACT.abs(quantity))
        return total

    def others(self, book: str, symbol: str) -> int:
        """How many other symbols a book holds or has on order."""
        symbols = self._expected.get(book, {})
        return len(symbols) - (symbol in symbols)

    def opening_value(self, book: str) -> Decimal:
        """What the orders on their way that open positions were expected to be worth together."""
        total = _ZERO
        for sent in self._sent.values():
            if sent.opens and sent.order.book == book:
                total = EXACT.add(total, EXACT.multiply(EXACT.abs(sent.left), sent.price))
        return total

    def resting(self, holder: Holder) -> list[Order]:
        """The limit and stop orders of a holder that are on their way."""
        return [sent.order for sent in self._of(holder) if sent.rests]

    def leaving_value(self, holder: Holder, price: Decimal) -> Decimal:
        """What the orders on their way that close the holder's position will take out, at most."""
        total = _ZERO
        for sent in self._of(holder):
            if not sent.opens:
                total = EXACT.add(total, EXACT.multiply(EXACT.abs(sent.left), price))
        return total

    def on_its_way(self, order_id: str) -> Sent:
        """What is known of an order on its way; raises `KeyError` for any other."""
        return self._sent[order_id]

    def _of(self, holder: Holder) -> Iterator[Sent]:
        return (sent for sent in self._sent.values() if Holder.of(sent.order) == holder)

    def sent(self, order: Order, price: Decimal, *, opens: bool) -> None:
        """An order was sent that is expected to be filled at about `price`."""
        signed = _signed(order)
        self._sent[order.order_id] = Sent(order, signed, price, opens)
        self._change(Holder.of(order), signed)

    def filled(self, fill: Fill) -> None:
        """A fill came; what goes beyond an order on its way changes the position."""
        if not self.fills.is_new((fill.order_id, fill.fill_id)):
            return
        sent = self._sent.pop(fill.order_id, None)
        ordered = _ZERO if sent is None else sent.left
        left = EXACT.subtract(ordered, _signed(fill))
        if sent is not None and left and (left > 0) == (ordered > 0):
            sent.left = left
            self._sent[fill.order_id] = sent
        else:
            self._change(Holder.of(fill), EXACT.minus(left))

    def ended(self, order: OrderEvent) -> None:
        """An order on its way will not be filled, or not further."""
        sent = self._sent.pop(order.order_id, None)
        if sent is not None:
            self._change(Holder.of(sent.order), EXACT.minus(sent.left))

    def _change(self, holder: Holder, signed: Decimal) -> None:
        symbols = self._expected.setdefault(holder.book, {})
        of_symbol = symbols.setdefault(holder.symbol, {})
        expected = EXACT.add(of_symbol.get(holder.strategy, _ZERO), signed)
        if expected:
            of_symbol[holder.strategy] = expected
        else:
            of_symbol.pop(holder.strategy, None)
        if not of_symbol:
            del symbols[holder.symbol]


def _signed(order: OrderEvent) -> Decimal:
    return order.quantity if order.side == "buy" else EXACT.minus(order.quantity)
