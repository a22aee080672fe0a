"""What the events of the trading flow accept, refuse, and keep through JSON."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hookbus_trading import (
    Bar,
    DataSuspected,
    Fill,
    Order,
    OrderCancelled,
    OrderCancelRequested,
    OrderEvent,
    OrderRejected,
    TradingSignal,
)
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


@pytest.mark.parametrize(
    ("kind", "price"), [("market", Decimal(1)), ("limit", None), ("stop", None)], ids=str
)
def test_the_price_of_an_order_fits_its_kind(kind: str, price: Decimal | None) -> None:
    """A limit without a price, or a market order with one, is refused before it is sent."""
    with pytest.raises(ValidationError, match=f"a {kind} order"):
        Order(**{**ORDER, "type": kind, "price": price})
    entry = None if price is None else float(price)
    with pytest.raises(ValidationError, match="entry_price"):
        TradingSignal.model_validate(
            {
                "symbol": "A",
                "strategy": "s",
                "direction": "long",
                "price": 1.0,
                "order_type": kind,
                "entry_price": entry,
            }
        )


@pytest.mark.parametrize("kind", [Order, OrderRejected, OrderCancelled, OrderCancelRequested, Fill])
def test_an_order_belongs_to_a_book(kind: type[OrderEvent]) -> None:
    """What says nothing else is for the account that counts."""
    assert kind.model_fields["book"].default == "main"


def test_a_commission_may_be_a_rebate() -> None:
    """A venue may pay the maker, and slippage may be a gain."""
    fill = Fill(**ORDER, price=Decimal(1), commission=Decimal("-0.1"), slippage=Decimal("-0.2"))
    assert (fill.commission, fill.slippage) == (Decimal("-0.1"), Decimal("-0.2"))


@pytest.mark.parametrize(
    "wrong", [{"kind": "odd"}, {"decision": "ignored"}, {"count": 0}, {"detail": ""}], ids=str
)
def test_doubtful_data_is_told_in_known_words(wrong: dict[str, object]) -> None:
    """Rules can rely on the kinds and decisions, and there is always a sentence."""
    right = {"symbol": None, "kind": "gap", "decision": "passed", "detail": "no bar for a day"}
    assert DataSuspected.model_validate(right).count == 1
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        DataSuspected.model_validate({**right, **wrong})
