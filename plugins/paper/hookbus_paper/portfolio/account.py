"""The account: cash, positions and profit, exact to the last digit.

What holds after every fill and every mark: equity is cash plus the value of all positions, a
position is the sum of its fills, and realised plus unrealised profit less commission is what equity
has gained since the start.
"""

from dataclasses import dataclass
from decimal import Decimal

from hookbus_trading.flow import Fill

from hookbus_paper.money import EXACT, exact, ratio, share_of

__all__ = ["Account", "Position", "Trips"]

_ZERO = Decimal(0)


@dataclass(slots=True)
class Position:
    """One symbol's signed quantity, what it cost (signed alike) and what it is worth now.

    `average_price` is the entry price, rounded to twelve significant digits, None when flat; `trip`
    the profit of the current round trip so far, after commission.
    """

    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO
    value: Decimal = _ZERO
    average_price: Decimal | None = None
    trip: Decimal = _ZERO


@dataclass(slots=True)
class Trips:
    """Round trips: from no position in a symbol to the next time there is none, or to its opposite.

    A fill that turns a position around ends one round trip and starts the next. `won` counts those
    that gained money after the commission of all their fills (that of a turning fill is shared by
    quantity); one that came out even is not won. A position still open is no round trip yet.
    """

    closed: int = 0
    won: int = 0

    def close(self, profit: Decimal) -> None:
        """Count one that has ended with this profit."""
        self.closed += 1
        self.won += profit > 0


class Account:
    """Books fills and marks positions.

    Amounts are in the account currency. `realised` is profit before commission, `commission` all
    that was paid, `invested` what the open positions cost, `market_value` what they are worth at
    their last prices, `equity` cash plus market value.
    """

    def __init__(self, cash: Decimal) -> None:
        self.starting_cash = cash
        self.cash = cash
        self.realised = _ZERO
        self.commission = _ZERO
        self.invested = _ZERO
        self.market_value = _ZERO
        self.equity = cash
        self.trips = Trips()
        self.positions: dict[str, Position] = {}
        self._marks: dict[str, float] = {}

    @property
    def unrealised(self) -> Decimal:
        """Profit of the open positions at their last prices, before commission."""
        return EXACT.subtract(self.market_value, self.invested)

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
        self._marks[symbol] = price
        position = self.positions.get(symbol)
        if position is None or not position.quantity:
            return False
        self._revalue(position, exact(price))
        return True

    def apply(self, fill: Fill) -> None:
        """Book a fill; a symbol that was never marked is valued at the fill's price."""
        position = self.positions.setdefault(fill.symbol, Position())
        signed = fill.quantity if fill.side == "buy" else EXACT.minus(fill.quantity)
        paid = EXACT.add(EXACT.multiply(signed, fill.price), fill.commission)
        self.cash = EXACT.subtract(self.cash, paid)
        self.commission = EXACT.add(self.commission, fill.commission)
        self._book(position, signed, fill)
        held = position.quantity
        position.average_price = ratio(position.cost, held) if held else None
        mark = self._marks.get(fill.symbol)
        self._revalue(position, fill.price if mark is None else exact(mark))

    def _book(self, position: Position, signed: Decimal, fill: Fill) -> None:
        """Close what the fill closes, open what is left of it, share its commission by quantity."""
        against = position.quantity and (position.quantity > 0) != (signed > 0)
        closing = min(fill.quantity, EXACT.abs(position.quantity)) if against else _ZERO
        fee = fill.commission
        if closing:
            part = fee if closing == fill.quantity else share_of(fee, closing, fill.quantity)
            fee = EXACT.subtract(fee, part)
            self._close(position, closing, fill.price, part)
        opening = EXACT.subtract(fill.quantity, closing)
        if opening:
            self._open(position, EXACT.copy_sign(opening, signed), fill.price, fee)

    def _open(self, position: Position, signed: Decimal, price: Decimal, fee: Decimal) -> None:
        cost = EXACT.multiply(signed, price)
        position.quantity = EXACT.add(position.quantity, signed)
        position.cost = EXACT.add(position.cost, cost)
        position.trip = EXACT.subtract(position.trip, fee)
        self.invested = EXACT.add(self.invested, cost)

    def _close(self, position: Position, quantity: Decimal, price: Decimal, fee: Decimal) -> None:
        held = position.quantity
        signed = EXACT.copy_sign(quantity, held)
        cost = position.cost if signed == held else share_of(position.cost, signed, held)
        profit = EXACT.subtract(EXACT.multiply(signed, price), cost)
        self.realised = EXACT.add(self.realised, profit)
        self.invested = EXACT.subtract(self.invested, cost)
        position.quantity = EXACT.subtract(held, signed)
        position.cost = EXACT.subtract(position.cost, cost)
        position.trip = EXACT.add(position.trip, EXACT.subtract(profit, fee))
        if not position.quantity:
            self.trips.close(position.trip)
            position.trip = _ZERO

    def _revalue(self, position: Position, price: Decimal) -> None:
        value = EXACT.multiply(position.quantity, price)
        change = EXACT.subtract(value, position.value)
        position.value = value
        self.market_value = EXACT.add(self.market_value, change)
        self.equity = EXACT.add(self.cash, self.market_value)
