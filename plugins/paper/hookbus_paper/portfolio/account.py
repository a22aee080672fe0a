"""The account of one book: cash, positions and profit, exact to the last digit.

What holds after every fill and every mark: equity is cash plus the value of all positions, a
position is the sum of its fills, and realised plus unrealised profit less commission is what equity
has gained since the start. Several strategies may hold the same symbol, even on opposite sides; the
book's position is the sum of theirs.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from hookbus_trading.control import TradeExecuted
from hookbus_trading.flow import Fill

from hookbus_paper.money import EXACT, exact, ratio, share_of
from hookbus_paper.portfolio.trips import Lot, Trips

__all__ = ["Account", "Position"]

_ZERO = Decimal(0)


@dataclass(slots=True)
class Position:
    """One symbol of a book: signed quantity, and what it is worth at the last price.

    `gross` is the quantity that strategies hold on either side, without a sign; `quantity` is what
    remains where they hold opposite sides.
    """

    quantity: Decimal = _ZERO
    gross: Decimal = _ZERO
    price: Decimal = _ZERO
    value: Decimal = _ZERO
    lots: dict[str, Lot] = field(default_factory=dict)

    @property
    def average_price(self) -> Decimal | None:
        """Entry price, rounded to twelve significant digits; None when flat.

        None also where the strategies hold opposite sides at prices that leave no price above zero
        for what remains.
        """
        if not self.quantity:
            return None
        cost = _ZERO
        for lot in self.lots.values():
            cost = EXACT.add(cost, lot.cost)
        price = ratio(cost, self.quantity)
        return price if price > 0 else None


class Account:
    """Books fills and marks positions.

    Amounts are in the account currency. `realised` is profit before commission, `commission` all
    that was paid, `invested` what the open positions cost, `market_value` what they are worth at
    their last prices, `equity` cash plus market value.
    """

    def __init__(self, cash: Decimal, book: str = "main") -> None:
        self.book = book
        self.starting_cash = cash
        self.cash = cash
        self.realised = _ZERO
        self.commission = _ZERO
        self.invested = _ZERO
        self.market_value = _ZERO
        self.equity = cash
        self.trips = Trips()
        self.positions: dict[str, Position] = {}
        self._trades: dict[str, int] = {}

    @property
    def unrealised(self) -> Decimal:
        """Profit of the open positions at their last prices, before commission."""
        return EXACT.subtract(self.market_value, self.invested)

    @property
    def exposure(self) -> Decimal:
        """The sum of the absolute values of the positions of all strategies, at last prices.

        Opposite sides do not cancel out: one strategy may leave, and the other one stays.
        """
        total = _ZERO
        for position in self.positions.values():
            total = EXACT.add(total, EXACT.multiply(position.gross, position.price))
        return total

    @property
    def open_positions(self) -> int:
        """How many symbols are held, long or short."""
        return sum(1 for position in self.positions.values() if position.quantity)

    def position(self, symbol: str | None) -> Position:
        """What is held of a symbol; an empty position when nothing is."""
        held = None if symbol is None else self.positions.get(symbol)
        return Position() if held is None else held

    def mark(self, symbol: str, price: float) -> bool:
        """Value a symbol at its last price; returns whether any of it is held."""
        position = self.positions.get(symbol)
        if position is None or not position.gross:
            return False
        self._revalue(position, exact(price))
        return True

    def apply(self, fill: Fill, mark: float | None = None) -> TradeExecuted | None:
        """Book a fill and value its symbol at `mark`, or at the fill's price.

        Returns the round trip that it ends, if it does. A fill that turns a position around ends
        one round trip and begins the next; its commission is shared by quantity.
        """
        position = self.positions.setdefault(fill.symbol, Position())
        lot = position.lots.setdefault(fill.strategy, Lot(fill.symbol, fill.strategy))
        signed = fill.quantity if fill.side == "buy" else EXACT.minus(fill.quantity)
        paid = EXACT.add(EXACT.multiply(signed, fill.price), fill.commission)
        self.cash = EXACT.subtract(self.cash, paid)
        self.commission = EXACT.add(self.commission, fill.commission)
        before = EXACT.abs(lot.quantity)
        trade = self._book(lot, signed, fill)
        change = EXACT.subtract(EXACT.abs(lot.quantity), before)
        position.gross = EXACT.add(position.gross, change)
        position.quantity = EXACT.add(position.quantity, signed)
        self._revalue(position, fill.price if mark is None else exact(mark))
        return trade

    def _book(self, lot: Lot, signed: Decimal, fill: Fill) -> TradeExecuted | None:
        """Close what the fill closes, and open what is left of it."""
        against = lot.quantity and (lot.quantity > 0) != (signed > 0)
        closing = min(fill.quantity, EXACT.abs(lot.quantity)) if against else _ZERO
        fee = fill.commission
        trade = None
        if closing:
            part = fee if closing == fill.quantity else share_of(fee, closing, fill.quantity)
            fee = EXACT.subtract(fee, part)
            trade = self._close(lot, closing, fill, part)
        opening = EXACT.subtract(fill.quantity, closing)
        if opening:
            before = lot.cost
            lot.enter(EXACT.copy_sign(opening, signed), fill, fee)
            self.invested = EXACT.add(self.invested, EXACT.subtract(lot.cost, before))
        return trade

    def _close(self, lot: Lot, quantity: Decimal, fill: Fill, fee: Decimal) -> TradeExecuted | None:
        held = lot.quantity
        signed = EXACT.copy_sign(quantity, held)
        cost = lot.cost if signed == held else share_of(lot.cost, signed, held)
        self.realised = EXACT.add(self.realised, lot.leave(signed, cost, fill, fee))
        self.invested = EXACT.subtract(self.invested, cost)
        if lot.quantity:
            return None
        trade = lot.end(self._next_id(lot), self.book, held > 0, fill.time)
        self.trips.count(trade)
        return trade

    def _next_id(self, lot: Lot) -> str:
        """Book, strategy, symbol and a counter: the same in every run over the same data."""
        prefix = f"{self.book}-{lot.strategy}-{lot.symbol}"
        number = self._trades[prefix] = self._trades.get(prefix, 0) + 1
        return f"{prefix}-{number}"

    def _revalue(self, position: Position, price: Decimal) -> None:
        before, after = position.value, EXACT.multiply(position.quantity, price)
        position.price, position.value = price, after
        self.market_value = EXACT.add(self.market_value, EXACT.subtract(after, before))
        self.equity = EXACT.add(self.cash, self.market_value)
