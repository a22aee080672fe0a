"""Why a symbol is not ranked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hookbus_opprank.history import History
from hookbus_opprank.settings import RuleSettings

__all__ = ["why_excluded"]


def why_excluded(
    history: History, rules: RuleSettings, least_bars: int, now: datetime
) -> str | None:
    """The first rule that a symbol breaks, with the numbers; None when it may be ranked."""
    if history.bars < least_bars:
        return f"{history.bars:,} of the {least_bars:,} bars that are needed"
    return next(_broken_rules(history, rules, now), None)


def _broken_rules(history: History, rules: RuleSettings, now: datetime) -> Iterator[str]:
    age = (now - history.time).total_seconds()
    if age > rules.maximum_age:
        yield f"no bar for {_above(age, rules.maximum_age)} s (maximum_age)"
    if history.broken is not None:
        yield history.broken
    if history.close < rules.minimum_price:
        yield f"close {_below(history.close, rules.minimum_price)} (minimum_price)"
    if rules.maximum_price is not None and history.close > rules.maximum_price:
        yield f"close {_above(history.close, rules.maximum_price)} (maximum_price)"
    if history.liquidity < rules.minimum_traded_value:
        least = rules.minimum_traded_value
        yield f"traded value {_below(history.liquidity, least)} per bar (minimum_traded_value)"
    if rules.maximum_volatility is not None and history.volatility > rules.maximum_volatility:
        most = rules.maximum_volatility
        yield f"volatility {_above(history.volatility, most)} per bar (maximum_volatility)"


def _above(value: float, limit: float) -> str:
    return " is above ".join(_different(value, limit))


def _below(value: float, limit: float) -> str:
    return " is below ".join(_different(value, limit))


def _different(value: float, limit: float) -> tuple[str, str]:
    """Both numbers short, or in full where they would look alike."""
    short = f"{value:,.6g}", f"{limit:,.6g}"
    return short if short[0] != short[1] else (repr(value), repr(limit))
