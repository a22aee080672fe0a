"""What the events accept and refuse that decide how much is risked."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hookbus import Event
from hookbus_trading import (
    HealthStatusChanged,
    OpportunitiesUpdated,
    PolicyUpdated,
    StrategyPromoted,
    TradeExecuted,
    TradingHalted,
)
from pydantic import ValidationError

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
TRADE: dict[str, Any] = {
    "trade_id": "1",
    "symbol": "EURUSD",
    "strategy": "cross",
    "direction": "long",
    "quantity": Decimal(10),
    "entry_price": Decimal("1.1"),
    "exit_price": Decimal("1.2"),
    "pnl": Decimal("0.9"),
    "commission": Decimal("0.1"),
}


@pytest.mark.parametrize("direction", ["flat", "buy", ""])
def test_a_trade_was_long_or_short(direction: str) -> None:
    """A position that was held cannot have been flat."""
    with pytest.raises(ValidationError, match="direction"):
        TradeExecuted(**{**TRADE, "direction": direction})


def test_a_trade_does_not_end_before_it_begins() -> None:
    """Times that were swapped are refused with both of them; the same instant is possible."""
    early = NOON - timedelta(seconds=1)
    assert TradeExecuted(**TRADE, entry_time=NOON, exit_time=NOON).entry_time == NOON
    assert TradeExecuted(**TRADE, exit_time=early).entry_time is None
    with pytest.raises(ValidationError, match=r"exit_time .*11:59:59.* is earlier than entry_time"):
        TradeExecuted(**TRADE, entry_time=NOON, exit_time=early)


def test_a_trade_may_lose() -> None:
    """Profit is signed, quantities and prices are not."""
    assert TradeExecuted(**{**TRADE, "pnl": Decimal(-5)}).pnl == -5
    for field in ("quantity", "entry_price", "exit_price"):
        with pytest.raises(ValidationError, match=field):
            TradeExecuted(**{**TRADE, field: Decimal(0)})


def test_no_strategies_are_not_all_strategies() -> None:
    """An empty list forbids everybody to open; only none at all allows all of them."""
    assert PolicyUpdated(mode="normal").allowed_strategies is None
    policy = PolicyUpdated.decode({"mode": "defensive", "allowed_strategies": []})
    assert policy.allowed_strategies == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "reckless"},
        {"minimum_confidence": 1.1},
        {"maximum_risk_per_trade": -0.1},
        {"maximum_positions": -1},
        {"metrics": {"volatility": math.nan}},
    ],
    ids=str,
)
def test_a_policy_has_sensible_limits(wrong: dict[str, object]) -> None:
    """Fractions are from 0 to 1, and no figure is NaN."""
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        PolicyUpdated.model_validate({"mode": "normal", **wrong})


@pytest.mark.parametrize(
    "wrong", [{"symbols": ("A",)}, {"symbols": ("A", "A", "B")}, {"scores": {"A": 1.0}}], ids=str
)
def test_ranked_symbols_are_those_with_a_score(wrong: dict[str, object]) -> None:
    """Each once, none without a score."""
    right = {"symbols": ("B", "A"), "scores": {"A": 1.0, "B": 2.0}}
    assert OpportunitiesUpdated.model_validate(right).symbols == ("B", "A")
    with pytest.raises(ValidationError, match="exactly the ranked symbols"):
        OpportunitiesUpdated.model_validate({**right, **wrong})


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (HealthStatusChanged, {"component": "feed", "status": "ill", "previous": "healthy"}),
        (StrategyPromoted, {"strategy": "cross", "before": "shadow", "after": "production"}),
        (TradingHalted, {"reason": ""}),
    ],
)
def test_words_are_from_closed_sets_and_reasons_are_given(
    model: type[Event], data: dict[str, object]
) -> None:
    """A level or stage that nobody knows, or a halt without a reason, is refused."""
    with pytest.raises(ValidationError):
        model.model_validate({"reason": "because", **data})
