"""Paper execution: market orders become fills at the prices of bars.

Which bar fills an order depends on the times of both, never on which of them was seen first: at the
open, the first bar of the symbol after the order's time; at the close, the first bar that is not
before it. A feed that runs ahead of the strategy therefore changes nothing; the bars that already
went by are remembered for that. An order without a time is filled by what comes next.
"""

from collections import deque
from decimal import Decimal

from hookbus_trading.flow import Bar, Fill, Order, OrderRejected

from hookbus_paper.execution.settings import ExecutionSettings
from hookbus_paper.gate import BarGate
from hookbus_paper.money import EXACT, exact, round_amount, worse_price
from hookbus_paper.seen import Seen

__all__ = ["PaperBroker", "slipped"]

_REMEMBERED_BARS = 4096
_BASIS_POINT = Decimal("0.0001")


class PaperBroker:
    """Holds open orders and fills each of them whole, once.

    `accepted` counts the orders, `fills` the fills, `cancelled` the orders given up, `late` those
    that came after a later bar of their symbol had been seen. `gate` counts the bars, `orders` the
    repeated orders, which are ignored.
    """

    def __init__(self, settings: ExecutionSettings) -> None:
        self._settings = settings
        self._at_open = settings.fill_at == "open"
        self._open: dict[str, list[Order]] = {}
        self._past: deque[Bar] = deque(maxlen=_REMEMBERED_BARS)
        self.gate = BarGate()
        self.orders = Seen()
        self.accepted = 0
        self.fills = 0
        self.late = 0
        self.cancelled = 0

    @property
    def waiting(self) -> int:
        """How many orders wait for a bar."""
        return sum(map(len, self._open.values()))

    def on_bar(self, bar: Bar) -> list[Fill]:
        """The fills of the orders that waited for this bar, in the order in which they came."""
        if not self.gate.admits(bar):
            return []
        self._past.append(bar)
        waiting = self._open.pop(bar.symbol, None)
        if waiting is None:
            return []
        early = [order for order in waiting if not self._can_fill(order, bar)]
        if early:
            self._open[bar.symbol] = early
        return [self._fill(order, bar) for order in waiting if self._can_fill(order, bar)]

    def on_order(self, order: Order) -> list[Fill]:
        """The fill of this order if its bar has been seen already; otherwise it waits."""
        if not self.orders.is_new(order.order_id):
            return []
        self.accepted += 1
        bar = self._seen_bar(order)
        if bar is not None:
            return [self._fill(order, bar)]
        self._open.setdefault(order.symbol, []).append(order)
        return []

    def cancel_open(self, reason: str) -> list[OrderRejected]:
        """Give up every order that still waits, and say so."""
        left = [order for orders in self._open.values() for order in orders]
        self._open.clear()
        self.cancelled += len(left)
        return [_cancelled(order, reason) for order in left]

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: orders and fills, and what was out of the ordinary where there is any."""
        unusual = (
            ("Orders cancelled, no bar came", self.cancelled),
            ("Orders that came after their bar", self.late),
            ("Orders ignored: repeated", self.orders.repeats),
            ("Bars ignored: repeated or out of order", self.gate.stale),
        )
        rows = tuple((title, f"{count:,}") for title, count in unusual if count)
        return (("Orders", f"{self.accepted:,}"), ("Fills", f"{self.fills:,}"), *rows)

    def _can_fill(self, order: Order, bar: Bar) -> bool:
        if order.time is None:
            return True
        return bar.time > order.time if self._at_open else bar.time >= order.time

    def _seen_bar(self, order: Order) -> Bar | None:
        """The bar that fills this order, if it has gone by."""
        last = self.gate.last_time(order.symbol)
        if last is None or (order.time is None and self._at_open):
            return None
        if order.time is not None and last > order.time:
            self.late += 1
        found = None
        for bar in reversed(self._past):
            if bar.symbol != order.symbol:
                continue
            if not self._can_fill(order, bar):
                break
            found = bar
            if order.time is None:
                break
        return found

    def _fill(self, order: Order, bar: Bar) -> Fill:
        settings = self._settings
        quoted = exact(bar.open if self._at_open else bar.close)
        price = slipped(quoted, order.side, settings.slippage_bps)
        value = EXACT.multiply(price, order.quantity)
        lost = EXACT.multiply(EXACT.abs(EXACT.subtract(price, quoted)), order.quantity)
        self.fills += 1
        return Fill(
            order_id=order.order_id,
            fill_id="1",
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            strategy=order.strategy,
            price=price,
            commission=round_amount(_share(value, settings.commission_bps)),
            slippage=round_amount(lost),
            time=bar.time,
        )


def slipped(quoted: Decimal, side: str, slippage_bps: Decimal) -> Decimal:
    """The price paid: above the quoted one for who buys, below for who sells; see `worse_price`."""
    if not slippage_bps:
        return quoted
    worse = EXACT.add if side == "buy" else EXACT.subtract
    return worse_price(worse(quoted, _share(quoted, slippage_bps)), side)


def _share(amount: Decimal, bps: Decimal) -> Decimal:
    return EXACT.multiply(amount, EXACT.multiply(bps, _BASIS_POINT))


def _cancelled(order: Order, reason: str) -> OrderRejected:
    return OrderRejected(
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        strategy=order.strategy,
        time=order.time,
        rule="no_next_bar",
        reason=reason,
    )
