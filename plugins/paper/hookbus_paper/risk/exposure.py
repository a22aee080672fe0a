"""What is held and what is on order, as fills and orders tell it."""

from decimal import Decimal

from hookbus_trading.flow import Fill, Order, OrderEvent

from hookbus_paper.money import EXACT
from hookbus_paper.seen import Seen

__all__ = ["Exposure"]

_ZERO = Decimal(0)


class Exposure:
    """The position that each symbol will have once every order on its way has been filled.

    It follows orders when they are sent and fills when they come, so it is right before the
    portfolio has caught up. `fills` counts repeated fills, which are ignored.
    """

    def __init__(self) -> None:
        self._expected: dict[str, Decimal] = {}
        self._on_the_way: dict[str, Decimal] = {}
        self.fills = Seen()

    def expected(self, symbol: str) -> Decimal:
        """The signed quantity of a symbol, orders on their way included."""
        return self._expected.get(symbol, _ZERO)

    def others(self, symbol: str) -> int:
        """How many other symbols are held or on order."""
        return len(self._expected) - (symbol in self._expected)

    def sent(self, order: Order) -> None:
        """An order was sent."""
        self._on_the_way[order.order_id] = _signed(order)
        self._change(order.symbol, _signed(order))

    def filled(self, fill: Fill) -> None:
        """A fill came; what goes beyond an order on its way changes the position."""
        if not self.fills.is_new((fill.order_id, fill.fill_id)):
            return
        ordered = self._on_the_way.pop(fill.order_id, _ZERO)
        left = EXACT.subtract(ordered, _signed(fill))
        if left and ordered and (left > 0) == (ordered > 0):
            self._on_the_way[fill.order_id] = left
        else:
            self._change(fill.symbol, EXACT.minus(left))

    def refused(self, order: OrderEvent) -> None:
        """An order on its way will not be filled, or not further."""
        left = self._on_the_way.pop(order.order_id, _ZERO)
        self._change(order.symbol, EXACT.minus(left))

    def _change(self, symbol: str, signed: Decimal) -> None:
        expected = EXACT.add(self.expected(symbol), signed)
        if expected:
            self._expected[symbol] = expected
        else:
            self._expected.pop(symbol, None)


def _signed(order: OrderEvent) -> Decimal:
    return order.quantity if order.side == "buy" else EXACT.minus(order.quantity)
