"""Round trips: what a strategy earned from entering a position to being out of it again."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hookbus_trading.control import TradeExecuted
from hookbus_trading.flow import Fill

from hookbus_paper.money import EXACT, ratio

__all__ = ["Lot", "Trips"]

_ZERO = Decimal(0)


@dataclass(slots=True)
class Lot:
    """What one strategy holds of one symbol, and its current round trip.

    `quantity` and `cost` are signed alike. `opened` is the quantity that the round trip has
    entered, `paid` what that cost; `closed` and `received` the same of its exits; `profit` and
    `commission` what it has earned, after commission, and paid so far.
    """

    symbol: str
    strategy: str
    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO
    opened: Decimal = _ZERO
    paid: Decimal = _ZERO
    closed: Decimal = _ZERO
    received: Decimal = _ZERO
    profit: Decimal = _ZERO
    commission: Decimal = _ZERO
    since: datetime | None = None

    def enter(self, signed: Decimal, fill: Fill, fee: Decimal) -> None:
        """Add to the position, or begin it."""
        if not self.quantity:
            self.since = fill.time
        quantity = EXACT.abs(signed)
        self.quantity = EXACT.add(self.quantity, signed)
        self.cost = EXACT.add(self.cost, EXACT.multiply(signed, fill.price))
        self.opened = EXACT.add(self.opened, quantity)
        self.paid = EXACT.add(self.paid, EXACT.multiply(quantity, fill.price))
        self._charge(fee)

    def leave(self, signed: Decimal, cost: Decimal, fill: Fill, fee: Decimal) -> Decimal:
        """Take `signed`, which cost `cost`, out of the position; returns the profit before fees."""
        quantity, value = EXACT.abs(signed), EXACT.multiply(signed, fill.price)
        profit = EXACT.subtract(value, cost)
        self.quantity = EXACT.subtract(self.quantity, signed)
        self.cost = EXACT.subtract(self.cost, cost)
        self.closed = EXACT.add(self.closed, quantity)
        self.received = EXACT.add(self.received, EXACT.multiply(quantity, fill.price))
        self.profit = EXACT.add(self.profit, profit)
        self._charge(fee)
        return profit

    def _charge(self, fee: Decimal) -> None:
        self.profit = EXACT.subtract(self.profit, fee)
        self.commission = EXACT.add(self.commission, fee)

    def end(self, trade_id: str, book: str, long: bool, time: datetime | None) -> TradeExecuted:
        """The round trip that has just come to its end; the lot begins anew.

        Fills may come out of the order of time; a trip then ends no earlier than it began.
        """
        if time is not None and self.since is not None:
            time = max(time, self.since)
        trade = TradeExecuted(
            trade_id=trade_id,
            symbol=self.symbol,
            strategy=self.strategy,
            book=book,
            direction="long" if long else "short",
            quantity=self.opened,
            entry_price=ratio(self.paid, self.opened),
            exit_price=ratio(self.received, self.closed),
            entry_time=self.since,
            exit_time=time,
            pnl=self.profit,
            commission=self.commission,
        )
        self.opened = self.paid = self.closed = self.received = _ZERO
        self.profit = self.commission = _ZERO
        return trade


@dataclass(slots=True)
class Trips:
    """How many round trips have ended, and how many of them gained money after commission."""

    closed: int = 0
    won: int = 0

    def count(self, trade: TradeExecuted) -> None:
        """Count one that has ended; one that came out even is not won."""
        self.closed += 1
        self.won += trade.pnl > 0
