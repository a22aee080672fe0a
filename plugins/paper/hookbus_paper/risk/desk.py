"""The risk desk: from signals to orders that keep to every limit, or to refusals that say why."""

from datetime import datetime
from decimal import Decimal

from hookbus_trading.fields import Side
from hookbus_trading.flow import Fill, Order, OrderRejected, PortfolioUpdated, TradingSignal

from hookbus_paper.money import EXACT, exact, text_of
from hookbus_paper.risk.exposure import Exposure
from hookbus_paper.risk.rules import (
    DailyLoss,
    Refusal,
    Situation,
    entry_refusal,
    largest_order,
    size_entry,
)
from hookbus_paper.risk.settings import RiskSettings

__all__ = ["RiskDesk"]

_WANTED = {"long": 1, "flat": 0, "short": -1}
_MOST_SLICES = 100


class RiskDesk:
    """Turns what a signal wants into the orders that lead there.

    A signal names a wanted side, not a change: one that asks for the side that is held, or on
    order, changes nothing (`held` counts those). A position on another side is closed first,
    whatever the daily loss or the number of positions, for these rules must never keep anybody in a
    position; then the new one is sized and checked. `orders` and `rejects` count what came of it.
    """

    def __init__(self, settings: RiskSettings) -> None:
        self._settings = settings
        self._numbers: dict[str, int] = {}
        self._halted: Refusal | None = None
        self.daily = DailyLoss()
        self.exposure = Exposure()
        self.signals = 0
        self.held = 0
        self.orders = 0
        self.rejects = 0

    def halt(self, reason: str) -> None:
        """Refuse every order from now on."""
        self._halted = Refusal("halted", reason)

    def on_fill(self, fill: Fill) -> None:
        """Follow a fill."""
        self.exposure.filled(fill)

    def on_rejected(self, order: OrderRejected) -> None:
        """Follow a refusal by whoever executes; one's own changes nothing."""
        self.exposure.refused(order)

    def on_portfolio(self, update: PortfolioUpdated, time: datetime) -> None:
        """Take the equity at a time in UTC."""
        self.daily.update(update.equity, time)

    def on_signal(self, signal: TradingSignal, time: datetime) -> list[Order | OrderRejected]:
        """The orders and refusals that a signal leads to at a time in UTC, in order."""
        self.signals += 1
        self.daily.at(time)
        wanted = _WANTED[signal.direction]
        held = self.exposure.expected(signal.symbol)
        if wanted == (held > 0) - (held < 0):
            self.held += 1
            return []
        decided = self._close(signal, held) if held else []
        if wanted and not self.exposure.expected(signal.symbol):
            decided.append(self._open(signal, "buy" if wanted > 0 else "sell"))
        return decided

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: signals, orders and refusals, and repeated fills where there are any."""
        rows = (
            ("Signals", f"{self.signals:,}"),
            ("Signals for the side already held", f"{self.held:,}"),
            ("Orders", f"{self.orders:,}"),
            ("Orders rejected", f"{self.rejects:,}"),
        )
        repeats = self.exposure.fills.repeats
        return (*rows, ("Fills ignored: repeated", f"{repeats:,}")) if repeats else rows

    def _close(self, signal: TradingSignal, held: Decimal) -> list[Order | OrderRejected]:
        """Orders that close the position, each within the largest value of one order."""
        side: Side = "sell" if held > 0 else "buy"
        left = EXACT.abs(held)
        if self._halted:
            return [self._reject(signal, side, left, self._halted)]
        decided: list[Order | OrderRejected] = []
        largest = largest_order(self._settings, exact(signal.price))
        slice_ = left if largest is None else largest
        while left and slice_ and len(decided) < _MOST_SLICES:
            quantity = min(left, slice_)
            decided.append(self._send(signal, side, quantity, signal.reason))
            left = EXACT.subtract(left, quantity)
        if left:
            decided.append(self._reject(signal, side, left, _too_large(signal, left)))
        return decided

    def _open(self, signal: TradingSignal, side: Side) -> Order | OrderRejected:
        """The order that opens a position, or its refusal."""
        settings, equity = self._settings, max(self.daily.equity, Decimal(0))
        price, strength = exact(signal.price), exact(signal.strength)
        quantity, limit = size_entry(settings, equity, strength, price)
        refusal = self._halted or entry_refusal(settings, signal.symbol, self._situation(signal))
        if not quantity or settings.oversize == "reject":
            refusal = refusal or limit
        if refusal:
            return self._reject(signal, side, max(quantity, settings.quantity_step), refusal)
        cut = f"; cut, {limit.rule}: {limit.reason}" if limit else ""
        return self._send(signal, side, quantity, signal.reason + cut)

    def _situation(self, signal: TradingSignal) -> Situation:
        others = self.exposure.others(signal.symbol)
        return Situation(self.daily.equity, self.daily.day_start, others)

    def _send(self, signal: TradingSignal, side: Side, quantity: Decimal, reason: str) -> Order:
        order = Order(
            order_id=self._next_id(signal),
            symbol=signal.symbol,
            side=side,
            quantity=quantity,
            strategy=signal.strategy,
            reason=reason,
            time=signal.time,
        )
        self.exposure.sent(order)
        self.orders += 1
        return order

    def _reject(
        self, signal: TradingSignal, side: Side, quantity: Decimal, refusal: Refusal
    ) -> OrderRejected:
        self.rejects += 1
        return OrderRejected(
            order_id=self._next_id(signal),
            symbol=signal.symbol,
            side=side,
            quantity=quantity,
            strategy=signal.strategy,
            rule=refusal.rule,
            reason=refusal.reason,
            time=signal.time,
        )

    def _next_id(self, signal: TradingSignal) -> str:
        """Strategy, symbol and a counter: the same in every run over the same data."""
        prefix = f"{signal.strategy}-{signal.symbol}"
        number = self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"{prefix}-{number}"


def _too_large(signal: TradingSignal, left: Decimal) -> Refusal:
    reason = (
        f"{text_of(left)} {signal.symbol} at {signal.price} are left, more than "
        f"{_MOST_SLICES} orders within the limit can close"
    )
    return Refusal("maximum_order_value", reason)
