"""Paper execution: which bar fills an order, at which price, and what is left over."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hookbus_paper.execution.broker import PaperBroker
from hookbus_paper.execution.costs import taker_price
from hookbus_paper.execution.settings import ExecutionSettings
from hookbus_paper.orders import about
from hookbus_trading.fields import Side
from hookbus_trading.flow import (
    Bar,
    Fill,
    Order,
    OrderCancelled,
    OrderCancelRequested,
    OrderRejected,
)
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.plugins.paper.makers import at, make_bar, make_order


def broker_of(**settings: Any) -> PaperBroker:
    """A broker that costs nothing unless told otherwise."""
    return PaperBroker(ExecutionSettings(**{"commission_bps": 0, "slippage_bps": 0} | settings))


def answers(broker: PaperBroker, events: Sequence[Bar | Order | OrderCancelRequested]) -> list[Any]:
    """All that becomes of a sequence of events."""
    found: list[Any] = []
    for event in events:
        if isinstance(event, Bar):
            found += broker.on_bar(event)
        elif isinstance(event, Order):
            found += broker.on_order(event)
        else:
            found += broker.on_cancel(event)
    return found


def replay(broker: PaperBroker, events: Sequence[Bar | Order]) -> list[Fill]:
    """All fills of a sequence of events, of which no order ended otherwise."""
    found = answers(broker, events)
    assert all(isinstance(one, Fill) for one in found)
    return found


def priced(kind: str, side: str, price: float, **other: Any) -> Order:
    """A limit or stop order."""
    return make_order(side=side, type=kind, price=repr(price), **other)


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
@given(position=st.integers(1, 6), decided=st.integers(0, 4))
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
def test_nobody_gains_by_slippage(quoted: Decimal, bps: Decimal, side: Side) -> None:
    """The price is never better than the quoted one, never below zero, and rounded only lightly."""
    settings = ExecutionSettings(slippage_bps=bps)
    price = taker_price(settings, quoted, side, Decimal(1), 0.0)
    assert price > 0
    assert price >= quoted if side == "buy" else price <= quoted
    exactly = quoted * (1 + (bps if side == "buy" else -bps) / 10_000)
    assert abs(price - exactly) <= exactly * Decimal("1e-11")


def test_orders_left_at_the_end_are_reported_and_given_up() -> None:
    """Each order without a bar is cancelled under its own identifier, once."""
    broker = broker_of()
    replay(broker, [make_bar(0), make_bar(0, symbol="XYZ"), make_order(1)])
    replay(broker, [make_order(2, symbol="XYZ")])
    assert broker.waiting == 2
    cancelled = broker.cancel_open("the run ended")
    assert cancelled == [
        OrderCancelled(**about(order), reason="the run ended")
        for order in (make_order(1), make_order(2, symbol="XYZ"))
    ]
    assert broker.cancel_open("again") == []
    assert ("Orders cancelled", "2") in broker.rows()
    assert replay(broker, [make_bar(1)]) == []


def test_an_order_for_a_symbol_without_prices_is_refused() -> None:
    """Nobody can say what it would cost, and the refusal says so."""
    (refused,) = answers(broker_of(), [make_bar(0), make_order(symbol="NONE")])
    assert isinstance(refused, OrderRejected)
    assert (refused.rule, refused.reason) == ("unknown_symbol", "no bar of NONE has been seen")


@pytest.mark.parametrize(
    ("kind", "side", "price", "bar", "paid"),
    [
        ("limit", "buy", 95, (100, 100, 95, 98), 95),
        ("limit", "buy", 95, (94, 96, 93, 95), 94),
        ("limit", "buy", 95, (100, 101, 95.1, 98), None),
        ("limit", "sell", 105, (100, 105, 99, 98), 105),
        ("limit", "sell", 105, (106, 107, 100, 98), 106),
        ("limit", "sell", 105, (100, 104.9, 99, 98), None),
        ("stop", "buy", 105, (100, 105, 99, 98), 105),
        ("stop", "buy", 105, (107, 108, 99, 98), 107),
        ("stop", "buy", 105, (100, 104.9, 99, 98), None),
        ("stop", "sell", 95, (100, 101, 95, 98), 95),
        ("stop", "sell", 95, (93, 94, 90, 91), 93),
        ("stop", "sell", 95, (100, 101, 95.1, 98), None),
    ],
)
def test_where_limit_and_stop_orders_are_filled(
    kind: str, side: str, price: float, bar: tuple[float, ...], paid: float | None
) -> None:
    """At the open where that is beyond the price, at the price where it is reached, or not."""
    first, high, low, last = bar
    following = make_bar(1, first, last).model_copy(update={"high": high, "low": low})
    fills = replay(broker_of(), [make_bar(0), priced(kind, side, price), following])
    assert [float(fill.price) for fill in fills] == ([] if paid is None else [paid])


def test_the_bar_of_the_decision_never_fills_an_order_with_a_price() -> None:
    """What happened before the order was there cannot execute it, even at `fill_at = "close"`."""
    events: list[Bar | Order] = [make_bar(0, 90), priced("limit", "buy", 95), make_bar(1, 100)]
    assert replay(broker_of(fill_at="close"), events) == []


def test_a_limit_that_is_only_touched_may_count_as_missed() -> None:
    """With `limit_fill = "through"` the price has to go beyond the limit."""
    order = priced("limit", "buy", 95)
    touched = make_bar(1, 100, 95)
    broker = broker_of(limit_fill="through")
    assert replay(broker, [make_bar(0), order, touched]) == []
    assert [fill.price for fill in replay(broker, [make_bar(2, 100, 94.9)])] == [95]


def test_stop_orders_pay_spread_and_slippage_and_limit_orders_do_not() -> None:
    """Who waits for his price gets it; who must trade pays for it."""
    broker = broker_of(spread_bps=20, slippage_bps=10)
    orders = [priced("stop", "buy", 100), priced("limit", "buy", 100, number=2)]
    stop, limit = replay(broker, [make_bar(0), *orders, make_bar(1, 100)])
    assert (stop.price, limit.price) == (Decimal("100.2"), Decimal(100))
    assert (stop.slippage, limit.slippage) == (2, 0)


def test_impact_grows_with_the_square_root_of_the_share_of_the_volume() -> None:
    """An order of a quarter of the bar's volume pays half the impact of one of all of it."""
    broker = broker_of(impact_bps=100)
    quarter, whole = make_order(1), make_order(2, quantity=40)
    fills = replay(broker, [make_bar(0), quarter, whole, make_bar(1, volume=40)])
    assert [fill.price for fill in fills] == [Decimal("100.5"), Decimal(101)]


def test_an_order_larger_than_its_share_of_the_volume_is_filled_in_parts() -> None:
    """A tenth of each bar's volume, first come first served; what is left waits."""
    broker = broker_of(maximum_participation="0.1")
    bars = [make_bar(minute, volume=60) for minute in range(1, 4)]
    fills = replay(broker, [make_bar(0), make_order(1), make_order(2), *bars])
    assert [(one.order_id[-1], one.fill_id, one.quantity) for one in fills] == [
        ("1", "1", 6),
        ("1", "2", 4),
        ("2", "1", 2),
        ("2", "2", 6),
    ]
    (left,) = broker.cancel_open("the run ended")
    assert (left.order_id, left.quantity) == ("test-ABC-2", 2)
    assert ("Fills of a part of an order", "3") in broker.rows()


def test_a_bar_without_volume_gives_nothing_to_who_takes_a_share_of_it() -> None:
    """Nought of nought is nought; the order waits for a bar that traded."""
    broker = broker_of(maximum_participation=1)
    fills = replay(broker, [make_bar(0), make_order(), make_bar(1), make_bar(2, volume=10)])
    assert [(fill.time, fill.quantity) for fill in fills] == [(at(2), 10)]


def test_a_stop_that_was_set_off_goes_on_at_market() -> None:
    """What is left of it is filled at the next open, although the price has turned back."""
    broker = broker_of(maximum_participation=1)
    events: list[Bar | Order] = [
        make_bar(0),
        priced("stop", "buy", 105),
        make_bar(1, 104, 106, volume=4),
        make_bar(2, 90, volume=99),
    ]
    assert [(fill.price, fill.quantity) for fill in replay(broker, events)] == [(105, 4), (90, 6)]


def test_the_least_commission_is_that_of_the_order() -> None:
    """Three parts of an order pay the minimum once, until their own commission is above it."""
    broker = broker_of(commission_per_unit="0.5", commission_minimum=3, maximum_participation=1)
    bars = [make_bar(minute, volume=volume) for minute, volume in ((1, 2), (2, 3), (3, 9))]
    fills = replay(broker, [make_bar(0), make_order(), *bars])
    assert [fill.commission for fill in fills] == [3, 0, 2]


def test_a_cancelled_order_is_not_filled() -> None:
    """What is left of it is told; a request for an order that does not work is counted."""
    broker = broker_of()
    order = priced("limit", "buy", 90)
    request = OrderCancelRequested(**about(order), reason="changed my mind")
    (cancelled,) = answers(broker, [make_bar(0), order, request, request, make_bar(1, 80)])
    assert cancelled == OrderCancelled(**about(order), reason="changed my mind")
    assert ("Cancellations of unknown orders", "1") in broker.rows()


def test_an_order_expires() -> None:
    """From its expiry on no bar fills it."""
    order = priced("limit", "buy", 90, expires=at(2))
    late = [make_bar(0), make_bar(1), make_bar(2, 80)]
    (cancelled,) = answers(broker_of(), [late[0], order, *late[1:]])
    assert isinstance(cancelled, OrderCancelled)
    assert cancelled.reason == "it expired at 2024-01-01 00:02:00 UTC"


def test_a_halt_cancels_what_works_and_refuses_what_comes() -> None:
    """Until trading is resumed nothing is filled."""
    broker = broker_of()
    replay(broker, [make_bar(0), make_order(1)])
    (cancelled,) = broker.halt("enough")
    (refused,) = answers(broker, [make_order(2), make_bar(1)])
    assert isinstance(cancelled, OrderCancelled)
    assert (cancelled.order_id, cancelled.reason) == ("test-ABC-1", "enough")
    assert (refused.rule, refused.reason) == ("halted", "enough")
    broker.resume()
    assert len(replay(broker, [make_order(3, minute=1), make_bar(2)])) == 1


def test_orders_of_other_books_are_left_to_their_broker() -> None:
    """With `books` set, an order of another book is neither filled nor refused."""
    broker = broker_of(books=("shadow:*",))
    orders = [make_order(1), make_order(2, book="shadow:test")]
    fills = replay(broker, [make_bar(0), *orders, make_bar(1)])
    assert [fill.book for fill in fills] == ["shadow:test"]
    assert broker.waiting == 0


def test_settings_that_contradict_each_other_are_refused() -> None:
    """A partial fill has nothing to wait for at the close."""
    with pytest.raises(ValidationError, match="maximum_participation"):
        ExecutionSettings(fill_at="close", maximum_participation=Decimal("0.5"))


ORDERS = st.builds(
    lambda number, side, kind, price, quantity, minute: make_order(
        number,
        side,
        minute,
        quantity=quantity,
        type=kind,
        price=None if kind == "market" else price,
    ),
    number=st.integers(1, 10**6),
    side=st.sampled_from(["buy", "sell"]),
    kind=st.sampled_from(["market", "limit", "stop"]),
    price=st.decimals(90, 110, places=1),
    quantity=st.decimals("0.1", 50, places=1),
    minute=st.integers(0, 9),
)


@given(
    st.lists(ORDERS, max_size=12, unique_by=lambda order: order.order_id),
    st.lists(st.tuples(st.floats(90, 110), st.floats(90, 110), st.floats(0, 40)), min_size=10),
    st.sampled_from([None, "0.1", "1"]),
)
def test_no_order_is_filled_beyond_its_size_its_limit_or_the_bar(
    orders: list[Order], bars: list[tuple[float, float, float]], share: str | None
) -> None:
    """Parts and what is left add up; prices are within the bar and the limit; volume is kept to."""
    broker = broker_of(maximum_participation=share)
    found: list[Any] = []
    seen = {}
    for minute, (first, last, volume) in enumerate(bars):
        bar = seen[at(minute)] = make_bar(minute, first, last, volume=volume)
        found += answers(broker, [bar, *(one for one in orders if one.time == at(minute))])
    found += broker.cancel_open("the end")
    for order in orders:
        mine = [one for one in found if one.order_id == order.order_id]
        assert sum(Fraction(one.quantity) for one in mine) == Fraction(order.quantity)
        for fill in (one for one in mine if isinstance(one, Fill)):
            assert fill.time is not None
            bar = seen[fill.time]
            assert order.time is not None
            assert fill.time > order.time
            assert bar.low <= float(fill.price) <= bar.high
            if order.type == "limit" and order.price is not None:
                sign = 1 if order.side == "buy" else -1
                assert sign * fill.price <= sign * order.price
    for time, bar in seen.items():
        fills = (one for one in found if isinstance(one, Fill) and one.time == time)
        traded = sum(Fraction(one.quantity) for one in fills)
        assert share is None or traded <= Fraction(repr(bar.volume)) * Fraction(share)


def test_costs_that_leave_nothing_are_refused() -> None:
    """A sale at or below nought has no price; the mistake names every setting."""
    with pytest.raises(ValidationError, match="spread_bps 1000, slippage_bps 500 and impact_bps"):
        ExecutionSettings(spread_bps=1000, slippage_bps=500, impact_bps=9000)


def test_orders_that_come_late_share_the_volume_with_those_in_time() -> None:
    """A bar gives its share once, whenever the orders for it arrive."""
    broker = broker_of(maximum_participation="0.1")
    bar = make_bar(1, volume=150)
    first = replay(broker, [make_bar(0), make_order(1, quantity=12), bar])
    late = replay(broker, [make_order(2, quantity=12)])
    assert [fill.quantity for fill in (*first, *late)] == [12, 3]
