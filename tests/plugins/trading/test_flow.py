"""What the events of the trading flow accept, refuse, and keep through JSON."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hookbus import Event
from hookbus_trading import (
    Bar,
    Fill,
    Indicator,
    Order,
    OrderCancelled,
    OrderCancelRequested,
    OrderEvent,
    OrderRejected,
    PortfolioUpdated,
    TradingSignal,
)
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
BAR: dict[str, Any] = {
    "symbol": "EURUSD",
    "time": NOON,
    "open": 1.1,
    "high": 1.3,
    "low": 1.0,
    "close": 1.2,
    "volume": 5.0,
}
ORDER: dict[str, Any] = {
    "order_id": "1",
    "symbol": "EURUSD",
    "side": "buy",
    "quantity": Decimal("0.1"),
    "strategy": "cross",
}
EXAMPLES: tuple[Event, ...] = (
    Bar(**BAR, interval_seconds=60, adjusted_close=1.15),
    Indicator(symbol="EURUSD", name="sma_20", time=NOON, value=-0.5),
    TradingSignal(symbol="EURUSD", strategy="cross", direction="long", strength=0.5, price=1.2),
    Order(**ORDER, reason="crossed"),
    OrderRejected(**ORDER, rule="cash", reason="9 needed, 5 there"),
    Fill(**ORDER, price=Decimal("1.2"), commission=Decimal("-0.01"), slippage=Decimal("0.02")),
    PortfolioUpdated(cash=Decimal("10"), equity=Decimal("12.5"), average_price=Decimal("1.2")),
)

prices = st.floats(1e-9, 1e12)
times = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    """Any valid bar."""
    low, first, last, high = draw(
        st.tuples(prices, prices, prices, prices)
        .map(sorted)
        .flatmap(
            lambda four: st.tuples(
                st.just(four[0]), *[st.sampled_from(four[1:3])] * 2, st.just(four[3])
            )
        )
    )
    return Bar(
        symbol=draw(st.text(min_size=1, max_size=64)),
        time=draw(times),
        open=first,
        high=high,
        low=low,
        close=last,
        volume=draw(st.floats(0, 1e15)),
        interval_seconds=draw(st.none() | prices),
        adjusted_close=draw(st.none() | prices),
    )


@given(bars())
def test_a_bar_comes_back_from_json_as_it_was(bar: Bar) -> None:
    """Prices, volume and time survive JSON to the last digit."""
    assert Bar.model_validate_json(bar.model_dump_json()) == bar


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_every_event_comes_back_from_json_as_it_was(event: Event) -> None:
    """Whoever reads an event from its wire form gets the same event."""
    assert type(event).decode(event.model_dump(mode="json")) == event


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_every_event_is_keyed_by_its_symbol(event: Event) -> None:
    """Throttling and coalescing by key work per instrument."""
    assert type(event).__event__ is not None
    assert type(event).__event__.key == "symbol"  # type: ignore[union-attr]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_every_field_says_what_it_means(event: Event) -> None:
    """Meaning and unit of each field are part of the schema."""
    missing = [name for name, field in type(event).model_fields.items() if not field.description]
    assert missing == []


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "adjusted_close"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, -math.inf])
def test_a_price_that_is_no_price_is_refused(field: str, value: float) -> None:
    """No NaN, infinite, zero or negative price reaches a strategy."""
    with pytest.raises(ValidationError) as caught:
        Bar(**{**BAR, field: value})
    assert field in {problem["loc"][0] for problem in caught.value.errors() if problem["loc"]}


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_volume_that_is_no_volume_is_refused(value: float) -> None:
    """A volume is finite and not negative."""
    with pytest.raises(ValidationError, match="volume"):
        Bar(**{**BAR, "volume": value})


@pytest.mark.parametrize(
    "wrong", [{"high": 0.9}, {"low": 1.25}, {"open": 1.4}, {"close": 0.95}], ids=str
)
def test_prices_that_contradict_one_another_are_refused(wrong: dict[str, float]) -> None:
    """Open and close lie between low and high, and the error shows all four."""
    with pytest.raises(ValidationError, match="between low and high"):
        Bar(**{**BAR, **wrong})


def test_a_bar_without_movement_is_a_bar() -> None:
    """Open, high, low and close may be the same, and the volume zero."""
    flat = Bar(symbol="A", time=NOON, open=1, high=1, low=1, close=1)
    assert (flat.volume, flat.close) == (0.0, 1.0)


def test_times_of_other_zones_become_utc() -> None:
    """Whatever zone a time comes in, readers find UTC."""
    local = datetime(2024, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    bar = Bar(**{**BAR, "time": local})
    assert bar.time == NOON
    assert bar.time.utcoffset() == timedelta(0)
    assert bar.model_dump(mode="json")["time"] == "2024-03-01T12:00:00Z"


@pytest.mark.parametrize("time", [datetime(2024, 3, 1), "2024-03-01T12:00:00", "soon"], ids=str)
def test_a_time_without_a_zone_is_refused(time: object) -> None:
    """A naive time is ambiguous, and the one error says what is missing."""
    with pytest.raises(ValidationError) as caught:
        Bar(**{**BAR, "time": time})
    (problem,) = caught.value.errors()
    assert problem["loc"] == ("time",)
    assert problem["msg"] == "Input should be a date and time with a time zone"


def test_a_time_that_utc_cannot_express_is_refused() -> None:
    """The edge of the calendar is an error of the field, not a crash."""
    edge = datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))
    with pytest.raises(ValidationError, match="time"):
        Bar(**{**BAR, "time": edge})


def test_orders_refusals_and_fills_share_a_base() -> None:
    """One filter follows the whole life of an order, and the base itself cannot be published."""
    kinds = {Order, OrderRejected, OrderCancelRequested, OrderCancelled, Fill}
    assert kinds == set(OrderEvent.__subclasses__())
    assert OrderEvent.__event__ is None


@pytest.mark.parametrize("kind", [Order, OrderRejected, Fill])
def test_what_moves_money_is_critical(kind: type[Event]) -> None:
    """Orders, refusals and fills are never dropped or throttled."""
    assert kind.__event__ is not None
    assert kind.__event__.critical


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
def test_an_order_has_a_quantity_above_zero(quantity: str) -> None:
    """The side says the direction, so the quantity is always positive."""
    with pytest.raises(ValidationError, match="quantity"):
        Order(**{**ORDER, "quantity": Decimal(quantity)})


@pytest.mark.parametrize("strength", [-0.1, 1.1, math.nan])
def test_strength_is_between_zero_and_one(strength: float) -> None:
    """A signal's conviction is a fraction."""
    with pytest.raises(ValidationError, match="strength"):
        TradingSignal(symbol="A", strategy="s", direction="flat", strength=strength, price=1.0)


def test_money_is_decimal_to_the_last_digit() -> None:
    """No float stands between a price and the account."""
    fill = Fill(**ORDER, price=Decimal("0.10000000000000000001"))
    assert fill.model_dump(mode="json")["price"] == "0.10000000000000000001"
