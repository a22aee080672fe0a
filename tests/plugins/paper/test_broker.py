"""Paper execution: which bar fills an order, at which price, and what is left over."""

from decimal import Decimal
from typing import Any

import pytest
from hookbus_paper.execution.broker import PaperBroker, slipped
from hookbus_paper.execution.settings import ExecutionSettings
from hookbus_trading.flow import Bar, Fill, Order
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.paper.makers import at, make_bar, make_order


def broker_of(**settings: Any) -> PaperBroker:
    """A broker that costs nothing unless told otherwise."""
    return PaperBroker(ExecutionSettings(**{"commission_bps": 0, "slippage_bps": 0} | settings))


def replay(broker: PaperBroker, events: list[Bar | Order]) -> list[Fill]:
    """All fills of a sequence of events."""
    return [
        fill
        for event in events
        for fill in (broker.on_bar(event) if isinstance(event, Bar) else broker.on_order(event))
    ]


def test_an_order_is_filled_at_the_open_of_the_next_bar() -> None:
    """Decided on one bar, filled whole at the next one's first price and time."""
    fills = replay(broker_of(), [make_bar(0, 100), make_order(minute=0), make_bar(1, 101, 109)])
    assert [(fill.price, fill.quantity, fill.time) for fill in fills] == [(101, 10, at(1))]
    assert (fills[0].order_id, fills[0].side, fills[0].strategy) == ("test-ABC-1", "buy", "test")


def test_an_order_can_be_filled_at_the_close_it_was_decided_on() -> None:
    """With `fill_at = "close"` the fill has the last price of the order's own bar."""
    events: list[Bar | Order] = [make_bar(0, 100, 104), make_order(minute=0), make_bar(1, 105)]
    assert [(fill.price, fill.time) for fill in replay(broker_of(fill_at="close"), events)] == [
        (104, at(0))
    ]


@pytest.mark.parametrize("fill_at", ["open", "close"])
@given(position=st.integers(0, 6), decided=st.integers(0, 4))
def test_the_fill_does_not_depend_on_when_the_order_arrives(
    fill_at: str, position: int, decided: int
) -> None:
    """However far the feed runs ahead of the order, or behind it, the same bar fills it."""
    bars: list[Bar | Order] = [make_bar(minute, 100 + minute, 200 + minute) for minute in range(6)]
    events = [*bars[:position], make_order(minute=decided), *bars[position:]]
    (fill,) = replay(broker_of(fill_at=fill_at), events)
    expected = 100 + decided + 1 if fill_at == "open" else 200 + decided
    assert fill.price == expected


def test_an_order_that_comes_after_its_bar_is_counted() -> None:
    """Filling from a bar that has gone by is right for a replay, and visible."""
    broker = broker_of()
    replay(broker, [make_bar(0), make_bar(1), make_bar(2), make_order(minute=0)])
    assert broker.late == 1
    assert ("Orders that came after their bar", "1") in broker.rows()


def test_an_order_without_a_time_is_filled_by_what_comes_next() -> None:
    """An order without market data behind it waits for the next open, or takes the last close."""
    events: list[Bar | Order] = [make_bar(0), make_bar(1, 101, 102), make_order(minute=None)]
    assert replay(broker_of(), events) == []
    assert [fill.price for fill in replay(broker_of(), [*events, make_bar(2, 103)])] == [103]
    assert [fill.price for fill in replay(broker_of(fill_at="close"), events)] == [102]


def test_bars_of_another_symbol_fill_nothing() -> None:
    """An order waits for a bar of its own symbol."""
    other, own = make_bar(1, symbol="XYZ"), make_bar(2, 102)
    fills = replay(broker_of(), [make_bar(0), make_order(minute=0), other, own])
    assert [fill.price for fill in fills] == [102]


def test_repeated_orders_and_bars_fill_nothing_twice() -> None:
    """Duplicates of the order, before and after its fill, and of the bar are counted, no more."""
    broker = broker_of()
    order, bar = make_order(minute=0), make_bar(1)
    fills = replay(broker, [make_bar(0), order, order, bar, bar, order, make_bar(2)])
    assert len(fills) == 1
    assert ("Orders ignored: repeated", "2") in broker.rows()
    assert ("Bars ignored: repeated or out of order", "1") in broker.rows()


def test_a_gap_in_the_bars_delays_the_fill() -> None:
    """When bars are missing, the next one there is fills the order."""
    events: list[Bar | Order] = [make_bar(0), make_order(minute=0), make_bar(500, 77)]
    assert [fill.time for fill in replay(broker_of(), events)] == [at(500)]


def test_orders_are_filled_in_the_order_in_which_they_came() -> None:
    """Several orders for one bar keep their sequence, so that two runs agree."""
    orders: list[Bar | Order] = [make_order(number, minute=0) for number in (3, 1, 2)]
    fills = replay(broker_of(), [make_bar(0), *orders, make_bar(1)])
    assert [fill.order_id[-1] for fill in fills] == ["3", "1", "2"]


def test_costs_are_charged_in_basis_points() -> None:
    """Slippage makes the price worse for either side; commission is a share of the value paid."""
    broker = broker_of(commission_bps=2, slippage_bps=10)
    orders: list[Bar | Order] = [make_order(1), make_order(2, "sell")]
    buy, sell = replay(broker, [make_bar(0), *orders, make_bar(1, 100.0)])
    assert (buy.price, sell.price) == (Decimal("100.1"), Decimal("99.9"))
    assert (buy.commission, sell.commission) == (Decimal("0.2002"), Decimal("0.1998"))
    assert buy.slippage == sell.slippage == 1


@given(
    st.decimals("0.00000001", "1000000", places=8),
    st.decimals(0, 1000, places=2),
    st.sampled_from(["buy", "sell"]),
)
def test_nobody_gains_by_slippage(quoted: Decimal, bps: Decimal, side: str) -> None:
    """The price is never better than the quoted one, never below zero, and rounded only lightly."""
    price = slipped(quoted, side, bps)
    assert price > 0
    assert price >= quoted if side == "buy" else price <= quoted
    exactly = quoted * (1 + (bps if side == "buy" else -bps) / 10_000)
    assert abs(price - exactly) <= exactly * Decimal("1e-11")


def test_orders_left_at_the_end_are_reported_and_given_up() -> None:
    """Each order without a bar becomes a refusal with its own identifier, once."""
    broker = broker_of()
    replay(broker, [make_order(1), make_order(2, symbol="XYZ")])
    assert broker.waiting == 2
    refused = broker.cancel_open("the run ended")
    assert [(order.order_id, order.rule, order.reason) for order in refused] == [
        ("test-ABC-1", "no_next_bar", "the run ended"),
        ("test-ABC-2", "no_next_bar", "the run ended"),
    ]
    assert broker.cancel_open("again") == []
    assert ("Orders cancelled, no bar came", "2") in broker.rows()
    assert replay(broker, [make_bar(1)]) == []
