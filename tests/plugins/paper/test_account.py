"""The account: what holds after any sequence of fills and prices, to the last digit."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hookbus_paper.portfolio.account import Account
from hookbus_trading.control import TradeExecuted
from hookbus_trading.flow import Fill
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.paper.makers import at, make_fill

Mark = tuple[str, float]

QUANTITIES = st.decimals("0.00000001", "100000", places=8)
FILLS = st.builds(
    make_fill,
    side=st.sampled_from(["buy", "sell"]),
    symbol=st.sampled_from(["A", "B"]),
    strategy=st.sampled_from(["x", "y"]),
    quantity=st.sampled_from([Decimal(1), Decimal("0.5"), Decimal(3)]) | QUANTITIES,
    price=st.decimals("0.00000001", "1000000", places=8),
    commission=st.decimals(-10, 1000, places=8),
)
MARKS = st.tuples(st.sampled_from(["A", "B"]), st.floats(1e-6, 1e6))
CASH = Decimal("10000.01")


def replay(steps: Sequence[Fill | Mark]) -> Account:
    """An account after some fills and marks."""
    account = Account(CASH)
    marks: dict[str, float] = {}
    for step in steps:
        if isinstance(step, Fill):
            account.apply(step, marks.get(step.symbol))
        else:
            marks[step[0]] = step[1]
            account.mark(*step)
    return account


def exact_cash(steps: Sequence[Fill | Mark]) -> Fraction:
    """The cash that rational arithmetic arrives at."""
    cash = Fraction(CASH)
    for step in steps:
        if isinstance(step, Fill):
            sign = 1 if step.side == "buy" else -1
            cash -= sign * Fraction(step.quantity) * Fraction(step.price)
            cash -= Fraction(step.commission)
    return cash


def exact_value(steps: Sequence[Fill | Mark], symbol: str) -> tuple[Fraction, Fraction]:
    """Position and value of a symbol: the sum of its fills, at the last mark or else fill."""
    quantity, price, marked = Fraction(0), Fraction(0), False
    for step in steps:
        if isinstance(step, Fill):
            if step.symbol == symbol:
                quantity += Fraction(step.quantity) * (1 if step.side == "buy" else -1)
                price = price if marked else Fraction(step.price)
        elif step[0] == symbol:
            price, marked = Fraction(repr(step[1])), True
    return quantity, quantity * price


@given(st.lists(FILLS | MARKS, max_size=30))
def test_the_books_balance_to_the_last_digit(steps: list[Fill | Mark]) -> None:
    """Cash, positions and equity are what rational arithmetic says, and profit explains equity."""
    account = replay(steps)
    assert Fraction(account.cash) == exact_cash(steps)
    value = Fraction(0)
    for symbol in ("A", "B"):
        quantity, worth = exact_value(steps, symbol)
        assert Fraction(account.position(symbol).quantity) == quantity
        value += worth
    assert Fraction(account.market_value) == value
    assert Fraction(account.equity) == Fraction(account.cash) + value
    profit = Fraction(account.realised) + Fraction(account.unrealised)
    gained = Fraction(account.equity) - Fraction(CASH)
    assert profit - Fraction(account.commission) == gained
    values = [
        abs(Fraction(lot.quantity)) * Fraction(position.price)
        for position in account.positions.values()
        for lot in position.lots.values()
    ]
    assert Fraction(account.exposure) == sum(values)


@given(st.lists(FILLS, max_size=30))
def test_no_position_ever_differs_from_the_sum_of_its_fills(fills: list[Fill]) -> None:
    """Of a book, and of each strategy in it; and closed trades plus what is open are all profit."""
    account, trades = Account(CASH), []
    for fill in fills:
        trades.append(account.apply(fill))
        for symbol, position in account.positions.items():
            assert position.quantity == sum(lot.quantity for lot in position.lots.values())
            for strategy, lot in position.lots.items():
                assert lot.quantity == held_by(fills[: len(trades)], symbol, strategy)
    lots = [lot for one in account.positions.values() for lot in one.lots.values()]
    profits = [trade.pnl for trade in trades if trade is not None] + [lot.profit for lot in lots]
    gained = Fraction(account.realised) - Fraction(account.commission)
    assert sum(map(Fraction, profits)) == gained


def held_by(fills: Sequence[Fill], symbol: str, strategy: str) -> Decimal:
    """The sum of the fills of a strategy in a symbol."""
    mine = (one for one in fills if (one.symbol, one.strategy) == (symbol, strategy))
    signed = (one.quantity if one.side == "buy" else -one.quantity for one in mine)
    return sum(signed, Decimal(0))


@given(st.lists(FILLS, max_size=20))
def test_closing_everything_leaves_only_cash(fills: list[Fill]) -> None:
    """A round trip back to flat leaves no position, no cost, no value and no unrealised profit."""
    account = replay(fills)
    for symbol in ("A", "B"):
        for strategy, lot in account.position(symbol).lots.items():
            if lot.quantity:
                side = "sell" if lot.quantity > 0 else "buy"
                close: dict[str, Any] = {"symbol": symbol, "strategy": strategy, "side": side}
                account.apply(make_fill(quantity=abs(lot.quantity), price=7, **close))
    assert account.open_positions == 0
    assert account.invested == account.market_value == account.unrealised == 0
    assert account.equity == account.cash
    for symbol in ("A", "B"):
        position = account.position(symbol)
        assert (position.quantity, position.average_price) == (0, None)
        assert all(lot.cost == 0 for lot in position.lots.values())


@given(st.lists(FILLS.filter(lambda fill: fill.strategy == "x") | MARKS, max_size=30))
def test_average_prices_are_positive_and_within_the_fills(steps: list[Fill | Mark]) -> None:
    """The entry price of what one strategy holds lies among the prices paid for that symbol."""
    account = replay(steps)
    for symbol, position in account.positions.items():
        prices = [one.price for one in steps if isinstance(one, Fill) and one.symbol == symbol]
        if position.average_price is not None:
            slack = Decimal("1.0000000001")
            assert min(prices) / slack <= position.average_price <= max(prices) * slack


def test_a_long_and_a_short_round_trip_by_hand() -> None:
    """Figures that can be checked on paper: buy, add, sell half, turn around, cover."""
    account = Account(Decimal(10_000))
    account.apply(make_fill(quantity=10, price=100, commission=1))
    account.apply(make_fill(quantity=10, price=110, commission=1))
    assert account.position("ABC").average_price == 105
    account.apply(make_fill(side="sell", quantity=10, price=120, commission=1))
    assert (account.realised, account.trips.closed) == (150, 0)
    account.apply(make_fill(side="sell", quantity=30, price=90, commission=3))
    assert account.position("ABC").quantity == -20
    assert account.position("ABC").average_price == 90
    assert (account.realised, account.trips.closed, account.trips.won) == (0, 1, 0)
    account.mark("ABC", 80.0)
    assert account.unrealised == 200
    account.apply(make_fill(quantity=20, price=85, commission=2))
    assert (account.realised, account.trips.closed, account.trips.won) == (100, 2, 1)
    assert account.cash == account.equity == 10_000 + 100 - 8


def test_the_commission_of_a_turning_fill_is_shared_by_quantity() -> None:
    """A third of the fill closes, so a third of its commission belongs to the closed trip."""
    account = Account(Decimal(10_000))
    account.apply(make_fill(quantity=1, price=100, commission=0))
    trade = account.apply(make_fill(side="sell", quantity=3, price=101, commission=Decimal("2.97")))
    assert trade is not None
    assert (trade.pnl, trade.commission) == (Decimal("0.01"), Decimal("0.99"))
    assert account.position("ABC").lots["test"].profit == Decimal("-1.98")


def test_a_trade_tells_what_was_entered_and_left() -> None:
    """Average prices, times, direction and costs of a round trip in several fills."""
    account = Account(Decimal(10_000), "shadow:test")
    account.apply(make_fill(1, "sell", 0, quantity=10, price=100, commission=1))
    account.apply(make_fill(2, "sell", 1, quantity=10, price=110, commission=1))
    assert account.apply(make_fill(3, "buy", 2, quantity=5, price=90, commission=1)) is None
    trade = account.apply(make_fill(4, "buy", 3, quantity=15, price=98, commission=1))
    assert trade == TradeExecuted(
        trade_id="shadow:test-test-ABC-1",
        symbol="ABC",
        strategy="test",
        book="shadow:test",
        direction="short",
        quantity=Decimal(20),
        entry_price=Decimal(105),
        exit_price=Decimal(96),
        entry_time=at(0),
        exit_time=at(3),
        pnl=Decimal(176),
        commission=Decimal(4),
    )


def test_a_round_trip_that_comes_out_even_is_not_won() -> None:
    """Gaining nothing is no win."""
    account = Account(Decimal(10_000))
    account.apply(make_fill(quantity=1, price=100))
    account.apply(make_fill(side="sell", quantity=1, price=100))
    assert (account.trips.closed, account.trips.won) == (1, 0)


def test_a_position_is_valued_at_its_fill_until_a_bar_comes() -> None:
    """A fill in a symbol without bars changes equity by its commission only."""
    account = Account(Decimal(1000))
    account.apply(make_fill(quantity=1, price=100, commission=2))
    assert account.equity == 998
    assert account.mark("ABC", 101.0)
    assert account.equity == 999


def test_marking_what_is_not_held_moves_nothing() -> None:
    """A price of another symbol changes no figure; a fill is valued at the price it is given."""
    account = Account(Decimal(1000))
    assert not account.mark("ABC", 50.0)
    assert account.equity == 1000
    account.apply(make_fill(quantity=1, price=40), 50.0)
    assert account.equity == 1010


def test_fills_out_of_the_order_of_time_leave_the_books_whole() -> None:
    """A closing fill that is older than the opening one is booked; its trip takes no time."""
    account = Account(CASH)
    account.apply(make_fill(1, "buy", 10, price=100))
    trade = account.apply(make_fill(2, "sell", 5, price=90))
    assert trade is not None
    assert (trade.entry_time, trade.exit_time, trade.pnl) == (at(10), at(10), -100)
    assert (account.position("ABC").quantity, account.cash) == (0, CASH - 100)
