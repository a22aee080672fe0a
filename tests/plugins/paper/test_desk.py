"""The risk desk: from signals to orders and refusals, and what it follows in between."""

from decimal import Decimal
from typing import Any

import pytest
from hookbus_paper.orders import about
from hookbus_paper.risk.desk import RiskDesk
from hookbus_paper.risk.exposure import Holder
from hookbus_paper.risk.settings import RiskSettings
from hookbus_trading.flow import (
    Fill,
    Order,
    OrderCancelled,
    OrderCancelRequested,
    OrderRejected,
)

from tests.plugins.paper.makers import at, make_fill, make_signal, make_update

DAY = 24 * 60


def desk_of(**settings: Any) -> RiskDesk:
    """A desk that knows of an equity of 10,000."""
    desk = RiskDesk(RiskSettings(**settings))
    desk.on_portfolio(make_update("10000"), at(0))
    return desk


def held_by(desk: RiskDesk, strategy: str = "test", book: str = "main") -> Decimal:
    """What a strategy is expected to hold of ABC."""
    return desk.exposure.expected(Holder(book, strategy, "ABC"))


def decide(desk: RiskDesk, *directions: str, **other: Any) -> list[Any]:
    """What some signals lead to."""
    return [
        decision
        for direction in directions
        for decision in desk.on_signal(make_signal(direction, **other), at(0))
    ]


def fill_of(order: Any, **other: Any) -> Fill:
    """The fill of an order as it was ordered."""
    fields = {"side": order.side, "quantity": order.quantity, "symbol": order.symbol} | other
    return make_fill(order_id=order.order_id, **fields)


def outline(decisions: list[Any]) -> list[tuple[str, str, Decimal]]:
    """Identifier, side and quantity of each decision."""
    return [(one.order_id, one.side, one.quantity) for one in decisions]


def test_a_signal_becomes_an_order_sized_by_equity_and_strength() -> None:
    """A tenth of 10,000 at half strength buys five units at 100, for the signal's reason."""
    (order,) = decide(desk_of(), "long", strength=0.5, reason="because", minute=3)
    assert isinstance(order, Order)
    assert (order.order_id, order.side, order.quantity) == ("test-ABC-1", "buy", 5)
    assert (order.reason, order.strategy, order.time) == ("because", "test", at(3))


def test_order_identifiers_are_strategy_symbol_and_a_counter() -> None:
    """Two runs over the same signals give the same identifiers, refusals included."""
    desk = desk_of(symbols=("ABC",))
    decisions = decide(desk, "long", "flat") + decide(desk, "long", "short", symbol="XYZ")
    assert [one.order_id for one in decisions] == [
        "test-ABC-1",
        "test-ABC-2",
        "test-XYZ-1",
        "test-XYZ-2",
    ]


def test_identifiers_are_unique_even_if_names_run_together() -> None:
    """Strategy "a-b" on "c" and strategy "a" on "b-c" do not share an identifier."""
    desk = desk_of()
    first = decide(desk, "long", strategy="a-b", symbol="c")
    second = decide(desk, "long", strategy="a", symbol="b-c")
    assert first[0].order_id != second[0].order_id


def test_asking_for_the_side_that_is_held_or_on_order_changes_nothing() -> None:
    """A repeated signal, before the fill and after, makes no order and is counted."""
    desk = desk_of()
    (order,) = decide(desk, "long", "long")
    desk.on_fill(fill_of(order))
    assert decide(desk, "long") == []
    assert decide(desk_of(), "flat") == []
    assert (desk.held, desk.orders) == (2, 1)


def test_a_reversal_closes_first_and_opens_then() -> None:
    """Two orders: one that brings the position to nothing, one that opens the other side."""
    desk = desk_of()
    decide(desk, "long")
    assert outline(decide(desk, "short")) == [
        ("test-ABC-2", "sell", 10),
        ("test-ABC-3", "sell", 10),
    ]
    assert held_by(desk) == -10


def test_a_position_is_closed_whatever_the_limits_on_new_ones() -> None:
    """Daily loss, number of positions and allowed symbols never keep anybody in a position."""
    desk = desk_of(daily_loss_limit=0.01, maximum_open_positions=1)
    decide(desk, "long")
    desk.on_portfolio(make_update("5000"), at(1))
    close, refused = decide(desk, "short")
    assert isinstance(close, Order)
    assert (close.side, close.quantity) == ("sell", 10)
    assert isinstance(refused, OrderRejected)
    assert refused.rule == "daily_loss_limit"


def test_the_daily_loss_limit_ends_with_the_day() -> None:
    """What is refused today is allowed tomorrow, measured from tomorrow's start."""
    desk = desk_of(daily_loss_limit=0.01)
    desk.on_portfolio(make_update("9000"), at(1))
    assert isinstance(decide(desk, "long")[0], OrderRejected)
    (tomorrow,) = desk.on_signal(make_signal("long"), at(DAY))
    assert isinstance(tomorrow, Order)


def test_a_large_position_is_closed_by_several_orders_within_the_limit() -> None:
    """After the price has risen, no single order may close it, so several do."""
    desk = desk_of(maximum_order_value=1000)
    decide(desk, "long")
    assert outline(decide(desk, "flat", price=250.0)) == [
        ("test-ABC-2", "sell", 4),
        ("test-ABC-3", "sell", 4),
        ("test-ABC-4", "sell", 2),
    ]
    assert held_by(desk) == 0


@pytest.mark.parametrize("price", [1e6, 50_000.0])
def test_what_no_allowed_order_can_close_is_refused_and_not_turned_around(price: float) -> None:
    """One step above the limit, or too many slices: the rest is reported, nothing is opened."""
    desk = desk_of(maximum_order_value=1000, quantity_step="0.01")
    decide(desk, "long")
    *orders, refused = decide(desk, "short", price=price)
    assert all(isinstance(one, Order) and one.side == "sell" for one in orders)
    assert isinstance(refused, OrderRejected)
    assert refused.rule == "maximum_order_value"
    assert refused.quantity == held_by(desk) > 0


def test_a_cut_order_says_so() -> None:
    """The order's reason tells which rule made it smaller, with the numbers."""
    (order,) = decide(desk_of(maximum_position=4), "long", reason="up")
    assert isinstance(order, Order)
    assert order.quantity == 4
    assert order.reason == "up; cut, maximum_position: quantity 10 is above 4"


def test_an_oversize_order_is_refused_if_set() -> None:
    """`oversize = "reject"` reports the quantity that was wanted."""
    (refused,) = decide(desk_of(maximum_position=4, oversize="reject"), "long")
    assert isinstance(refused, OrderRejected)
    assert (refused.rule, refused.quantity) == ("maximum_position", 10)


def test_nothing_is_ordered_before_the_portfolio_has_spoken() -> None:
    """Without an equity there is nothing to size by."""
    (refused,) = decide(RiskDesk(RiskSettings()), "long")
    assert isinstance(refused, OrderRejected)
    assert refused.rule == "portfolio_unknown"


def test_a_signal_without_conviction_buys_nothing() -> None:
    """Strength nought is refused by the smallest quantity rather than forgotten."""
    (refused,) = decide(desk_of(), "long", strength=0.0)
    assert isinstance(refused, OrderRejected)
    assert refused.rule == "quantity_step"


def test_a_symbol_on_order_counts_as_an_open_position() -> None:
    """The limit holds before the first fill, and a cancelled order frees the place."""
    desk = desk_of(maximum_open_positions=1)
    (order,) = decide(desk, "long")
    (refused,) = decide(desk, "long", symbol="XYZ")
    assert isinstance(refused, OrderRejected)
    assert refused.rule == "maximum_open_positions"
    desk.on_order_ended(refused.model_copy(update={"order_id": order.order_id, "symbol": "ABC"}))
    assert isinstance(decide(desk, "long", symbol="XYZ")[0], Order)


def test_its_own_refusals_come_back_without_effect() -> None:
    """The desk hears its own refusals on the bus; they were never on their way."""
    desk = desk_of(maximum_position=4, oversize="reject")
    (refused,) = decide(desk, "long")
    assert isinstance(refused, OrderRejected)
    desk.on_order_ended(refused)
    assert held_by(desk) == 0


def test_partial_repeated_and_foreign_fills_are_followed() -> None:
    """The expected position is right while fills come in parts, twice, or from elsewhere."""
    desk = desk_of()
    (order,) = decide(desk, "long")
    part = fill_of(order, quantity=4, fill_id="1")
    desk.on_fill(part)
    desk.on_fill(part)
    assert held_by(desk) == 10
    desk.on_fill(fill_of(order, quantity=9, fill_id="2"))
    assert held_by(desk) == 13
    desk.on_fill(make_fill(99, "sell", quantity=20))
    assert held_by(desk) == -7
    assert ("Fills ignored: repeated", "1") in desk.rows()


def test_a_cancelled_rest_is_taken_off() -> None:
    """After a partial fill and a cancellation only what was filled is held."""
    desk = desk_of()
    (order,) = decide(desk, "long")
    desk.on_fill(fill_of(order, quantity=4))
    desk.on_order_ended(OrderCancelled(**about(order), reason="the run ended"))
    assert held_by(desk) == 4


def test_a_halted_desk_lets_nothing_through() -> None:
    """After the kill switch, signals become refusals, for closing orders too."""
    desk = desk_of()
    decide(desk, "long")
    desk.guidance.halted = "the kill switch was pulled"
    decisions = decide(desk, "flat") + decide(desk, "long", symbol="XYZ")
    assert [getattr(one, "rule", "") for one in decisions] == ["halted", "halted"]
    assert desk.orders == 1


def test_strategies_hold_positions_of_their_own_in_one_symbol() -> None:
    """What one strategy wants neither closes nor blocks what another holds."""
    desk = desk_of()
    (first,) = decide(desk, "long", strategy="a")
    (second,) = decide(desk, "short", strategy="b")
    assert (first.side, second.side) == ("buy", "sell")
    (closing,) = decide(desk, "flat", strategy="a")
    assert (closing.side, closing.quantity) == ("sell", first.quantity)
    assert held_by(desk, "b") == -second.quantity


def test_the_largest_position_is_that_of_all_strategies_together() -> None:
    """Two strategies on the same side share the limit; the opposite side has its own."""
    desk = desk_of(maximum_position=15)
    sizes = [
        decide(desk, way, strategy=name)[0].quantity
        for name, way in (("a", "long"), ("b", "long"), ("c", "short"))
    ]
    assert sizes == [10, 5, 10]


def test_books_are_apart() -> None:
    """Equity, positions and daily loss of a paper book are its own."""
    desk = desk_of(fraction_per_trade=1, daily_loss_limit=0.01)
    desk.on_portfolio(make_update("5000", book="shadow:test"), at(0))
    (paper,) = decide(desk, "long", book="shadow:test")
    assert (paper.book, paper.quantity, paper.order_id) == (
        "shadow:test",
        50,
        "shadow:test-test-ABC-1",
    )
    desk.on_portfolio(make_update("4000", book="shadow:test"), at(1))
    assert held_by(desk) == 0
    (real,) = decide(desk, "long")
    assert (real.book, real.quantity) == ("main", 100)


def test_exposure_is_limited_with_what_is_on_its_way() -> None:
    """The second position gets what the first, still on order, has left of the leverage."""
    desk = desk_of(fraction_per_trade=0.8, maximum_leverage=1)
    first = decide(desk, "long")[0]
    second = decide(desk, "long", symbol="XYZ")[0]
    assert (first.quantity, second.quantity) == (80, 20)
    assert "maximum_leverage: value 8,000 is above the 2,000 left of 10,000" in second.reason


def test_a_reversal_counts_the_position_that_is_left_as_gone() -> None:
    """With a leverage of one, a whole position can be turned around."""
    desk = desk_of(fraction_per_trade=1, maximum_leverage=1)
    (order,) = decide(desk, "long")
    desk.on_fill(fill_of(order))
    desk.on_portfolio(make_update("10000", 1, exposure="10000"), at(1))
    close, turn = decide(desk, "short")
    assert (close.quantity, turn.quantity) == (100, 100)


def test_an_entry_with_a_price_becomes_an_order_with_a_price() -> None:
    """A limit entry is sized by its own price, rests, and expires when so set."""
    desk = desk_of(entry_lifetime=120)
    (order,) = decide(desk, "long", order_type="limit", entry_price=50.0)
    assert (order.type, order.price, order.quantity, order.expires) == ("limit", 50, 20, at(2))


def test_a_resting_order_is_cancelled_before_the_strategy_changes_its_mind() -> None:
    """The opposite signal waits for the cancellation, and then acts on what was filled."""
    desk = desk_of()
    (order,) = decide(desk, "long", order_type="stop", entry_price=110.0)
    assert decide(desk, "long", order_type="stop", entry_price=110.0) == []
    (request,) = decide(desk, "short", reason="down")
    assert isinstance(request, OrderCancelRequested)
    assert (request.order_id, request.reason) == (
        order.order_id,
        "the strategy now wants to be short: down",
    )
    desk.on_fill(fill_of(order, quantity=4))
    decisions = desk.on_order_ended(OrderCancelled(**about(order), reason="asked to"))
    assert outline(list(decisions))[0][1:] == ("sell", 4)
    assert held_by(desk) < 0


def test_a_resting_order_that_fills_before_its_cancellation_lets_the_signal_act() -> None:
    """A race with the market ends in the wanted position all the same."""
    desk = desk_of()
    (order,) = decide(desk, "long", order_type="limit", entry_price=90.0)
    decide(desk, "flat")
    desk.on_fill(fill_of(order))
    (closing,) = desk.after_fill(fill_of(order))
    assert (closing.side, closing.quantity) == ("sell", order.quantity)
    assert held_by(desk) == 0


def test_an_entry_whose_price_has_moved_is_replaced() -> None:
    """A stop that follows its channel is cancelled and sent anew."""
    desk = desk_of()
    (order,) = decide(desk, "long", order_type="stop", entry_price=110.0)
    (request,) = decide(desk, "long", order_type="stop", entry_price=109.0)
    assert request.order_id == order.order_id
    (fresh,) = desk.on_order_ended(OrderCancelled(**about(order), reason="asked to"))
    assert isinstance(fresh, Order)
    assert fresh.price == 109


@pytest.mark.parametrize("equity", ["9100", "9000"])
def test_the_kill_switch_is_pulled_by_the_loss_of_a_day(equity: str) -> None:
    """At the limit and beyond it there is a reason, with the numbers; above it there is none."""
    desk = desk_of(kill_switch_loss=0.1, daily_loss_limit=0.05)
    desk.on_portfolio(make_update(equity), at(1))
    reason = desk.loss_that_halts()
    assert (reason is None) == (equity == "9100")
    assert reason is None or reason.startswith("lost 1,000 today of 10,000")


def test_the_last_word_counts_while_a_cancellation_is_on_its_way() -> None:
    """Long, short, long again before the market has answered ends long, and asks only once."""
    desk = desk_of()
    entry: dict[str, Any] = {"order_type": "limit", "entry_price": 90.0}
    (order,) = decide(desk, "long", **entry)
    assert len(decide(desk, "short")) == 1
    assert decide(desk, "long", **entry) == []
    (fresh,) = desk.on_order_ended(OrderCancelled(**about(order), reason="asked to"))
    assert isinstance(fresh, Order)
    assert (fresh.side, fresh.type) == ("buy", "limit")


def test_a_halt_between_two_orders_of_one_signal_stops_the_second() -> None:
    """Each order is decided when it is its turn."""
    desk = desk_of(maximum_order_value=600)
    decide(desk, "long")
    decisions = iter(desk.on_signal(make_signal("short", price=150.0), at(0)))
    assert isinstance(next(decisions), Order)
    desk.guidance.halted = "the kill switch was pulled"
    left = [(type(one), one.quantity) for one in decisions]
    assert left == [(OrderRejected, 2)]


def test_what_should_have_been_closed_in_a_halt_is_closed_afterwards() -> None:
    """Only that: what a strategy still wants stays, and no entry is made up for."""
    desk = desk_of()
    for name in ("leaver", "stayer"):
        desk.on_fill(fill_of(decide(desk, "long", strategy=name)[0], strategy=name))
    desk.guidance.halted = "the kill switch was pulled"
    decide(desk, "flat", strategy="leaver")
    decide(desk, "long", strategy="late", symbol="XYZ")
    (order,) = desk.on_resumed()
    assert isinstance(order, Order)
    assert (order.strategy, order.side, order.quantity) == ("leaver", "sell", 10)
    assert order.time is None
    assert list(desk.on_resumed()) == []


def test_releasing_the_switch_accepts_the_loss_of_the_day() -> None:
    """It is pulled again by as much once more, or by a loss of the next day."""
    desk = desk_of(kill_switch_loss=0.1, daily_loss_limit=0.05)
    desk.on_portfolio(make_update("8900"), at(1))
    assert desk.loss_that_halts() is not None
    assert list(desk.on_resumed()) == []
    desk.on_portfolio(make_update("7901"), at(2))
    assert desk.loss_that_halts() is None
    desk.on_portfolio(make_update("7900"), at(3))
    reason = desk.loss_that_halts()
    assert reason == "lost 2,100 today of 10,000, 1,100 before it was released; the limit is 10%"
    desk.on_portfolio(make_update("7110"), at(DAY))
    assert desk.loss_that_halts() is not None
