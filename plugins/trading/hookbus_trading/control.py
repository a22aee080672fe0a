"""Control: what decides how much is risked, by which strategies, and whether at all.

Metrics are plain numbers by name, so that a decision always carries the figures it was made on. All
times are UTC.
"""

from typing import Annotated, Self

from hookbus import Event, Stops
from pydantic import Field, model_validator

from hookbus_trading.fields import (
    Amount,
    Book,
    Fraction,
    HealthLevel,
    Name,
    Number,
    PositionDirection,
    Price,
    Quantity,
    RiskMode,
    Stage,
    Symbol,
    UtcTime,
)

__all__ = [
    "HealthStatusChanged",
    "ModelPromoted",
    "OpportunitiesUpdated",
    "PolicyUpdated",
    "StrategyPromoted",
    "TradeExecuted",
    "TradingHalted",
    "TradingResumed",
]

_Count = Annotated[int, Field(ge=0)]


class PolicyUpdated(Event, type="control.policy", version=1):
    """The limits for everybody who opens positions have changed."""

    __stops__ = Stops(
        ("trading.order",), reason=("mode", "reasons"), until=("control.policy",), certain=False
    )

    mode: RiskMode = Field(description="`aggressive`, `normal` or `defensive`.")
    allowed_strategies: tuple[Name, ...] | None = Field(
        None, description="Strategies that may open positions; none given: all, empty: no one."
    )
    minimum_confidence: Fraction = Field(
        0.0, description="Least strength of a signal that may open a position, 0 to 1."
    )
    maximum_risk_per_trade: Fraction = Field(
        1.0, description="Largest value of a new position, as a fraction of equity."
    )
    maximum_positions: _Count | None = Field(
        None, description="Most symbols that may be held at one time; none: no limit."
    )
    reasons: tuple[str, ...] = Field((), description="Why, with the numbers, for people to read.")
    metrics: dict[Name, Number] = Field(
        default_factory=dict, description="The figures that decided, by name."
    )
    pinned: bool = Field(False, description="Whether a person fixed it by hand.")
    time: UtcTime | None = Field(
        None, description="Time of the market data it was decided on, UTC; none when unknown."
    )


class StrategyPromoted(
    Event, type="control.strategy_promoted", version=1, key="strategy", critical=True
):
    """A strategy went to another stage, upwards or downwards."""

    __stops__ = Stops(
        ("trading.signal", "trading.order"),
        reason=("strategy", "after", "reason"),
        until=("control.strategy_promoted",),
        certain=False,
    )

    strategy: Name = Field(description="Name of the strategy.")
    before: Stage = Field(description="Stage that it left.")
    after: Stage = Field(description="Stage that it is in now.")
    reason: Name = Field(description="Why, with the numbers, for people to read.")
    metrics: dict[Name, Number] = Field(
        default_factory=dict, description="The figures that decided, by name."
    )
    time: UtcTime | None = Field(
        None, description="Time of the market data it was decided on, UTC; none when unknown."
    )


class ModelPromoted(Event, type="control.model_promoted", version=1, key="model", critical=True):
    """A new version of a model took over."""

    model: Name = Field(description="Name of the model.")
    old_version: Name | None = Field(description="Version that it replaces; none for the first.")
    new_version: Name = Field(description="Version that works from now on.")
    validation_metrics: dict[Name, Number] = Field(
        default_factory=dict, description="Figures of the new version on held-out data, by name."
    )
    shadow_performance: dict[Name, Number] = Field(
        default_factory=dict, description="Figures of the new version beside the old one, by name."
    )
    time: UtcTime | None = Field(None, description="When it took over, UTC; none when unknown.")


class HealthStatusChanged(Event, type="control.health", version=1, key="component", critical=True):
    """A component works better or worse than before."""

    component: Name = Field(description="Name of the component; `system` is the worst of all.")
    status: HealthLevel = Field(description="`healthy`, `degraded` or `critical`.")
    previous: HealthLevel = Field(description="What it was before.")
    reason: Name = Field(description="Why, with the numbers, for people to read.")
    metrics: dict[Name, Number] = Field(
        default_factory=dict, description="The figures that decided, by name."
    )
    time: UtcTime | None = Field(
        None, description="Time it was decided at, UTC; none when unknown."
    )


class OpportunitiesUpdated(Event, type="control.opportunities", version=1):
    """Symbols were ranked anew, the best first."""

    __stops__ = Stops(
        ("trading.order",), reason=("excluded",), until=("control.opportunities",), certain=False
    )

    symbols: tuple[Symbol, ...] = Field(description="Ranked symbols, the best first.")
    scores: dict[Symbol, Number] = Field(
        description="Score of each ranked symbol, no unit; comparable within this event only."
    )
    criteria: dict[Symbol, dict[Name, Number]] = Field(
        default_factory=dict,
        description="What each criterion contributed to the score of each ranked symbol.",
    )
    weights: dict[Name, Number] = Field(
        default_factory=dict, description="Weight of each criterion."
    )
    excluded: dict[Symbol, str] = Field(
        default_factory=dict, description="Symbols that were left out, and why."
    )
    excluded_count: _Count = Field(
        0, description="How many symbols were left out; `excluded` may name fewer."
    )
    time: UtcTime | None = Field(
        None, description="Time of the newest data that was used, UTC; none when unknown."
    )

    @model_validator(mode="after")
    def _every_ranked_symbol_has_a_score(self) -> Self:
        if set(self.symbols) != set(self.scores) or len(self.symbols) != len(self.scores):
            raise ValueError("scores must have exactly the ranked symbols")
        return self


class TradeExecuted(Event, type="trade.executed", version=1, key="symbol", critical=True):
    """A round trip came to its end: a position, or a part of one, was opened and closed again."""

    trade_id: Name = Field(description="Identifier of the trade, unique in a run.")
    symbol: Symbol = Field(description="Name of the instrument.")
    strategy: Name = Field(description="Name of the strategy that it was made for.")
    book: Book = Field("main", description="Account that it belongs to.")
    direction: PositionDirection = Field(description="`long` or `short`.")
    quantity: Quantity = Field(description="Quantity, always positive, in units of the instrument.")
    entry_price: Price = Field(description="Entry price, in the quote currency.")
    exit_price: Price = Field(description="Exit price, in the quote currency.")
    entry_time: UtcTime | None = Field(None, description="When it was opened, UTC.")
    exit_time: UtcTime | None = Field(None, description="When it was closed, UTC.")
    pnl: Amount = Field(description="Profit after costs, in the account currency.")
    commission: Amount = Field(description="Commission of entry and exit, account currency.")

    @model_validator(mode="after")
    def _entry_comes_first(self) -> Self:
        if self.entry_time and self.exit_time and self.exit_time < self.entry_time:
            raise ValueError(
                f"exit_time {self.exit_time} is earlier than entry_time {self.entry_time}"
            )
        return self


class TradingHalted(Event, type="control.trading_halted", version=1, critical=True):
    """The kill switch was pulled: no order leaves any more, and pending ones are cancelled."""

    __stops__ = Stops(
        ("trading.order",), reason=("by", "reason"), until=("control.trading_resumed",)
    )

    reason: Name = Field(description="Why, for people to read.")
    by: Name = Field("operator", description="Who pulled it: a person, or the name of a rule.")
    time: UtcTime | None = Field(
        None, description="Time of the market data it was decided on, UTC; none when unknown."
    )


class TradingResumed(Event, type="control.trading_resumed", version=1, critical=True):
    """The kill switch was released: orders may leave again."""

    reason: Name = Field(description="Why, for people to read.")
    by: Name = Field("operator", description="Who released it.")
    time: UtcTime | None = Field(
        None, description="Time of the market data it was decided on, UTC; none when unknown."
    )
