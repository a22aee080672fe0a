"""What the controller keeps between runs: one versioned document."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Literal

from hookbus_trading.fields import (
    Amount,
    HealthLevel,
    MarketPrice,
    Name,
    Number,
    RiskMode,
    Symbol,
    UtcTime,
)
from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "VERSION",
    "EquityState",
    "PinState",
    "SeriesState",
    "State",
    "StrategyState",
    "UnhealthyState",
    "VolatilityState",
]

VERSION: Final = 1
"""The version of the document that this release writes, and the only one that it reads."""

_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SeriesState(_Document):
    """The averages of one symbol."""

    time: UtcTime
    interval: MarketPrice | None
    log_close: Number
    short: _Positive
    long: _Positive
    bars: _Count


class VolatilityState(_Document):
    """The averages of all symbols, and what they are averages of."""

    estimator: Literal["close-to-close", "parkinson"]
    series: dict[Symbol, SeriesState]


class EquityState(_Document):
    """The highest equity, the last one, and that at the start of a UTC day."""

    peak: Amount
    last: Amount
    day: date
    day_start: Amount
    reported: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class UnhealthyState(_Document):
    """What is wrong with a component."""

    status: HealthLevel
    reason: Name


class StrategyState(_Document):
    """The last results of a strategy, and while it is out why and until when."""

    results: tuple[Amount, ...]
    until: UtcTime | None
    reason: str


class PinState(_Document):
    """A mode fixed at run time."""

    mode: RiskMode
    reason: Name
    by: Name
    until: UtcTime | None


class State(_Document):
    """The whole document."""

    version: Literal[1] = VERSION
    mode: RiskMode
    reasons: tuple[str, ...]
    calm_seconds: _Positive
    calm_observations: _Count
    pin: PinState | None
    equity: EquityState | None
    trades: tuple[bool, ...]
    health: dict[Name, UnhealthyState]
    volatility: VolatilityState
    strategies: dict[Name, StrategyState]
