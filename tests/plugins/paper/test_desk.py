"""The risk desk: from signals to orders and refusals, and what it follows in between."""

from decimal import Decimal
from typing import Any

import pytest
from hookbus_paper.risk.desk import RiskDesk
from hookbus_paper.risk.settings import RiskSettings
from hookbus_trading.flow import Fill, Order, OrderRejected

from tests.plugins.paper.makers import at, make_fill, make_signal, make_update

DAY = 24 * 60


def desk_of(**settings: Any) -> RiskDesk:
    """A desk that knows of an equity of 10,000."""
    desk = RiskDesk(RiskSettings(**settings))
    desk.on_portfolio(make_update("10000"), at(0))
    return desk


def decide(desk: RiskDesk, *directions: str, **other: Any) -> list[Order | OrderRejected]:
    """What some signals lead to."""
    return [
        decision
        for direction in directions
        for decision in desk.on_signal(make_signal(direction, **other), at(0))
    ]


def fill_of(order: Order | OrderRejected, **other: Any) -> Fill:
    """The fill of an order as it was ordered."""
    fields = {"side": order.side, "quantity": order.quantity, "symbol": order.symbol} | other
    return make_fill(order_id=order.order_id, **fields)


def outline(decisions: list[Order | OrderRejected]) -> list[tuple[str, str, Decimal]]:
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
    assert desk.exposure.expected("ABC") == -10


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
    tomorrow = desk.on_signal(make_signal("long"), at(DAY))
    assert isinstance(tomorrow[0], Order)


def test_a_large_position_is_closed_by_several_orders_within_the_limit() -> None:
    """After the price has risen, no single order may close it, so several do."""
    desk = desk_of(maximum_order_value=1000)
    decide(desk, "long")
    assert outline(decide(desk, "flat", price=250.0)) == [
        ("test-ABC-2", "sell", 4),
        ("test-ABC-3", "sell", 4),
        ("test-ABC-4", "sell", 2),
    ]
    assert desk.exposure.expected("ABC") == 0


@pytest.mark.parametrize("price", [1e6, 50_000.0])
def test_what_no_allowed_order_can_close_is_refused_and_not_turned_around(price: float) -> None:
    """One step above the limit, or too many slices: the rest is reported, nothing is opened."""
    desk = desk_of(maximum_order_value=1000, quantity_step="0.01")
    decide(desk, "long")
    *orders, refused = decide(desk, "short", price=price)
    assert all(isinstance(one, Order) and one.side == "sell" for one in orders)
    assert isinstance(refused, OrderRejected)
    assert refused.rule == "maximum_order_value"
    assert refused.quantity == desk.exposure.expected("ABC") > 0


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
    desk.on_rejected(refused.model_copy(update={"order_id": order.order_id, "symbol": "ABC"}))
    assert isinstance(decide(desk, "long", symbol="XYZ")[0], Order)


def test_its_own_refusals_come_back_without_effect() -> None:
    """The desk hears its own refusals on the bus; they were never on their way."""
    desk = desk_of(maximum_position=4, oversize="reject")
    (refused,) = decide(desk, "long")
    assert isinstance(refused, OrderRejected)
    desk.on_rejected(refused)
    assert desk.exposure.expected("ABC") == 0


def test_partial_repeated_and_foreign_fills_are_followed() -> None:
    """The expected position is right while fills come in parts, twice, or from elsewhere."""
    desk = desk_of()
    (order,) = decide(desk, "long")
    part = fill_of(order, quantity=4, fill_id="1")
    desk.on_fill(part)
    desk.on_fill(part)
    assert desk.exposure.expected("ABC") == 10
    desk.on_fill(fill_of(order, quantity=9, fill_id="2"))
    assert desk.exposure.expected("ABC") == 13
    desk.on_fill(make_fill(99, "sell", quantity=20))
    assert desk.exposure.expected("ABC") == -7
    assert ("Fills ignored: repeated", "1") in desk.rows()


def test_a_cancelled_rest_is_taken_off() -> None:
    """After a partial fill and a cancellation only what was filled is held."""
    desk = desk_of()
    (order,) = decide(desk, "long")
    desk.on_fill(fill_of(order, quantity=4))
    fields = order.model_dump(exclude={"reason", "price", "expires"})
    desk.on_rejected(OrderRejected(**fields, rule="no_next_bar", reason="the run ended"))
    assert desk.exposure.expected("ABC") == 4


def test_a_halted_desk_lets_nothing_through() -> None:
    """Once the host stops, signals become refusals, for closing orders too."""
    desk = desk_of()
    decide(desk, "long")
    desk.halt("the host is stopping")
    decisions = decide(desk, "flat") + decide(desk, "long", symbol="XYZ")
    assert [getattr(one, "rule", "") for one in decisions] == ["halted", "halted"]
    assert desk.orders == 1
