"""Paper execution: orders become fills at the prices of bars.

Which bar fills an order depends on the times of both, never on which of them was seen first: the
first bar of the symbol after the order's time (a market order at the close: the first that is not
before it). A strategy that lags behind the feed therefore changes nothing; the bars that already
went by are remembered for that. An order without a time is filled by what comes next.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fnmatch import fnmatchcase

from hookbus_trading.flow import (
    Bar,
    Fill,
    Order,
    OrderCancelled,
    OrderCancelRequested,
    OrderRejected,
)

from hookbus_paper.execution.costs import commission, taker_price
from hookbus_paper.execution.matching import Quote, Working, fillable, quoted_price, room_in
from hookbus_paper.execution.settings import ExecutionSettings
from hookbus_paper.gate import BarGate
from hookbus_paper.money import EXACT
from hookbus_paper.orders import about
from hookbus_paper.seen import Seen

__all__ = ["PaperBroker"]

_REMEMBERED_BARS = 4096
_ZERO = Decimal(0)

Answer = Fill | OrderCancelled | OrderRejected


class PaperBroker:
    """Holds working orders and fills them, first come first served.

    `accepted` counts the orders, `fills` the fills, `partial` those of them that left something,
    `rejected` and `cancelled` the orders that ended otherwise, `late` those that came after a later
    bar of their symbol had been seen, `unknown_cancels` requests for orders that do not work.
    `gate` counts the bars, `orders` the repeated orders, which are ignored.
    """

    def __init__(self, settings: ExecutionSettings) -> None:
        self._settings = settings
        self._working: dict[str, dict[str, Working]] = {}
        self._past: deque[Quote] = deque(maxlen=_REMEMBERED_BARS)
        self._halted: str | None = None
        self._known: set[str] = set()
        self.gate = BarGate()
        self.orders = Seen()
        self.accepted = 0
        self.fills = 0
        self.partial = 0
        self.late = 0
        self.cancelled = 0
        self.rejected = 0
        self.unknown_cancels = 0

    @property
    def waiting(self) -> int:
        """How many orders wait for a bar."""
        return sum(map(len, self._working.values()))

    def on_bar(self, bar: Bar) -> Iterable[Answer]:
        """What becomes of the orders that waited for this bar, in the order in which they came.

        Each answer is made when it is asked for, so that what the one before leads to, such as a
        halt, is known by then.
        """
        if not self.gate.admits(bar):
            return ()
        quote = Quote(bar, room_in(self._settings, bar))
        self._past.append(quote)
        working = self._working.get(bar.symbol)
        return () if working is None else self._execute(list(working.values()), quote)

    def on_order(self, order: Order) -> Iterator[Answer]:
        """What becomes of this order at the bars seen already; otherwise it waits."""
        if not self._mine(order.book) or not self.orders.is_new(order.order_id):
            return
        refusal = self._refusal(order)
        if refusal is not None:
            self.rejected += 1
            yield refusal
            return
        self.accepted += 1
        work = Working(order)
        self._working.setdefault(order.symbol, {})[order.order_id] = work
        for quote in self._seen(order):
            yield from self._execute([work], quote)

    def expect(self, symbol: str) -> None:
        """Bars of a symbol were seen in an earlier run: take orders for it before the next one."""
        self._known.add(symbol)

    def restore(self, order: Order, fills: Iterable[Fill]) -> None:
        """Go on with an order of an earlier run, and with what it was filled so far."""
        if not self._mine(order.book) or not self.orders.is_new(order.order_id):
            return
        work = Working(order)
        for fill in fills:
            work.fills += 1
            work.left = EXACT.subtract(work.left, fill.quantity)
            owed = commission(self._settings, fill.quantity, fill.price)
            work.charged = EXACT.add(work.charged, owed)
        self._working.setdefault(order.symbol, {})[order.order_id] = work

    def on_cancel(self, request: OrderCancelRequested) -> list[Answer]:
        """Cancel what is left of an order; a request for one that does not work is counted."""
        if not self._mine(request.book):
            return []
        work = self._working.get(request.symbol, {}).get(request.order_id)
        if work is not None:
            return [self._cancel(work, request.reason)]
        self.unknown_cancels += 1
        return []

    def halt(self, reason: str) -> list[Answer]:
        """Cancel every working order, and refuse all that come from now on."""
        self._halted = reason
        return self.cancel_open(reason)

    def resume(self) -> None:
        """Take orders again."""
        self._halted = None

    def cancel_open(self, reason: str) -> list[Answer]:
        """Give up every order that still works, and say so."""
        left = [work for working in self._working.values() for work in working.values()]
        return [self._cancel(work, reason) for work in left]

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: orders and fills, and what was out of the ordinary where there is any."""
        unusual = (
            ("Fills of a part of an order", self.partial),
            ("Orders rejected", self.rejected),
            ("Orders cancelled", self.cancelled),
            ("Orders that came after their bar", self.late),
            ("Orders ignored: repeated", self.orders.repeats),
            ("Cancellations of unknown orders", self.unknown_cancels),
            ("Bars ignored: repeated or out of order", self.gate.stale),
        )
        rows = tuple((title, f"{count:,}") for title, count in unusual if count)
        return (("Orders", f"{self.accepted:,}"), ("Fills", f"{self.fills:,}"), *rows)

    def _mine(self, book: str) -> bool:
        return any(fnmatchcase(book, pattern) for pattern in self._settings.books)

    def _works(self, order: Order) -> bool:
        return order.order_id in self._working.get(order.symbol, ())

    def _drop(self, order: Order) -> None:
        working = self._working[order.symbol]
        del working[order.order_id]
        if not working:
            del self._working[order.symbol]

    def _refusal(self, order: Order) -> OrderRejected | None:
        if self._halted is not None:
            rule, reason = "halted", self._halted
        elif self.gate.last_time(order.symbol) is None and order.symbol not in self._known:
            rule, reason = "unknown_symbol", f"no bar of {order.symbol} has been seen"
        else:
            return None
        return OrderRejected(**about(order), type=order.type, rule=rule, reason=reason)

    def _seen(self, order: Order) -> list[Quote]:
        """The bars seen already that the order may be filled by, oldest first."""
        last = self.gate.last_time(order.symbol)
        at_close = self._settings.fill_at == "close" and order.type == "market"
        if last is None or (order.time is None and not at_close):
            return []
        self.late += order.time is not None and last > order.time
        found: list[Quote] = []
        for quote in reversed(self._past):
            if quote.bar.symbol != order.symbol:
                continue
            if not fillable(self._settings, order, quote.bar):
                break
            found.append(quote)
            if order.time is None:
                break
        found.reverse()
        return found

    def _execute(self, working: list[Working], quote: Quote) -> Iterator[Answer]:
        """Fill what this bar fills, in turn, until its volume is used up."""
        for work in working:
            answer = self._settle(work, quote) if self._works(work.order) else None
            if answer is not None:
                yield answer

    def _settle(self, work: Working, quote: Quote) -> Answer | None:
        """What a bar does to one order; None when the order goes on waiting."""
        bar, expires = quote.bar, work.order.expires
        if expires is not None and bar.time >= expires:
            return self._cancel(work, f"it expired at {expires:%Y-%m-%d %H:%M:%S} UTC")
        if not fillable(self._settings, work.order, bar):
            return None
        price = quoted_price(self._settings, work, bar)
        quantity = quote.room_for(work.left)
        if price is None or not quantity:
            return None
        quote.take(quantity)
        return self._fill(work, bar, price, quantity)

    def _fill(self, work: Working, bar: Bar, quoted: Decimal, quantity: Decimal) -> Fill:
        settings, order = self._settings, work.order
        price = quoted
        if order.type != "limit":
            price = taker_price(settings, quoted, order.side, quantity, bar.volume)
        lost = EXACT.multiply(EXACT.abs(EXACT.subtract(price, quoted)), quantity)
        self.fills += 1
        work.fills += 1
        work.left = EXACT.subtract(work.left, quantity)
        if work.left:
            self.partial += 1
        else:
            self._drop(order)
        return Fill(
            **about(order) | {"quantity": quantity, "time": bar.time},
            fill_id=str(work.fills),
            price=price,
            commission=self._charge(work, quantity, price),
            slippage=lost,
        )

    def _charge(self, work: Working, quantity: Decimal, price: Decimal) -> Decimal:
        """The commission of a fill: what the order owes by now, less what it was charged."""
        minimum = self._settings.commission_minimum
        before = max(work.charged, minimum) if work.fills > 1 else _ZERO
        owed = commission(self._settings, quantity, price)
        work.charged = EXACT.add(work.charged, owed)
        return EXACT.subtract(max(work.charged, minimum), before)

    def _cancel(self, work: Working, reason: str) -> OrderCancelled:
        self._drop(work.order)
        self.cancelled += 1
        return OrderCancelled(**about(work.order) | {"quantity": work.left}, reason=reason)
