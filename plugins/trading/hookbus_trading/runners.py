"""Runners: what a program that runs one strategy tells of itself.

Every event has the runner's name as its key. `RunnerEvent` is the base of all of them. Money is in
the account currency, prices in the quote currency, times are UTC.
"""

from decimal import Decimal
from typing import Annotated, Self

from hookbus import Event, Stops
from pydantic import Field, model_validator

from hookbus_trading.fields import (
    Amount,
    MarketPrice,
    MarketVolume,
    Name,
    Price,
    Quantity,
    Severity,
    Side,
    Stage,
    Symbol,
    UtcTime,
)

__all__ = [
    "ActionExecuted",
    "PositionClosed",
    "PositionEvent",
    "PositionOpened",
    "PositionUpdated",
    "RunnerEvent",
    "RunnerFailed",
    "RunnerStarted",
    "RunnerStopped",
    "StateChanged",
    "StatsUpdated",
    "TickReceived",
]

_ZERO = Decimal(0)
_Count = Annotated[int, Field(ge=0)]


class RunnerEvent(Event):
    """What all events of a runner have in common."""

    runner: Name = Field(description="Name of the runner.")
    time: UtcTime | None = Field(
        None, description="Time of the market data it comes from, UTC; none when unknown."
    )


class RunnerStarted(RunnerEvent, type="runner.started", version=1, key="runner"):
    """A runner has begun to work."""

    strategy: Name = Field(description="Name of the strategy that it runs.")
    symbols: tuple[Symbol, ...] = Field((), description="Instruments that it follows.")
    stage: Stage = Field("live", description="Stage that its strategy is in.")


class RunnerStopped(RunnerEvent, type="runner.stopped", version=1, key="runner"):
    """A runner works no more."""

    __stops__ = Stops(("runner.*",), reason=("reason",), until=("runner.started",))

    reason: Name = Field(description="Why it stopped, for people to read.")
    clean: bool = Field(True, description="Whether it was asked to; false after a failure.")


class TickReceived(RunnerEvent, type="runner.tick", version=1, key="runner", high_frequency=True):
    """A runner was given the newest price of an instrument."""

    symbol: Symbol = Field(description="Name of the instrument.")
    price: MarketPrice = Field(description="Newest price, in the quote currency.")
    volume: MarketVolume = Field(
        0.0, description="Volume since the last tick, in units of the instrument."
    )
    generation: Annotated[int, Field(ge=1)] = Field(
        1, description="How many updates of the symbol there have been, this one included."
    )
    updates: Annotated[int, Field(ge=1)] = Field(
        1, description="How many updates this tick stands for; those before the last are skipped."
    )


class StateChanged(RunnerEvent, type="runner.state_changed", version=1, key="runner"):
    """The state machine of a runner went from one state to another."""

    before: Name = Field(description="State that it left.")
    after: Name = Field(description="State that it entered.")
    reason: str = Field("", description="Why, for people to read.")


class ActionExecuted(RunnerEvent, type="runner.action_executed", version=1, key="runner"):
    """A runner did something to the outside, or tried to."""

    action: Name = Field(description="What it did, such as `place_order`.")
    symbol: Symbol | None = Field(None, description="Instrument it concerns; none when it is none.")
    succeeded: bool = Field(True, description="Whether it worked.")
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0, description="How long it took, in seconds."
    )
    reason: str = Field("", description="Why it was done, or why it failed, for people to read.")


class PositionEvent(RunnerEvent):
    """What the events of a runner's position have in common."""

    symbol: Symbol = Field(description="Name of the instrument.")
    side: Side = Field(description="`buy` for a long position, `sell` for a short one.")
    quantity: Quantity = Field(description="Quantity, always positive, in units of the instrument.")
    entry_price: Price = Field(description="Average entry price, in the quote currency.")


class PositionOpened(
    PositionEvent, type="runner.position_opened", version=1, key="runner", critical=True
):
    """A runner has opened a position."""


class PositionUpdated(
    PositionEvent, type="runner.position_updated", version=1, key="runner", high_frequency=True
):
    """The price, and so the value, of an open position moved."""

    price: Price = Field(description="Newest price, in the quote currency.")
    unrealised_pnl: Amount = Field(
        description="Profit at the newest price, before costs, in the account currency."
    )


class PositionClosed(
    PositionEvent, type="runner.position_closed", version=1, key="runner", critical=True
):
    """A runner has closed a position."""

    exit_price: Price = Field(description="Average exit price, in the quote currency.")
    realised_pnl: Amount = Field(description="Profit after costs, in the account currency.")
    reason: str = Field("", description="Why it was closed, for people to read.")


class RunnerFailed(RunnerEvent, type="runner.failed", version=1, key="runner", critical=True):
    """Something went wrong in a runner."""

    __stops__ = Stops(("runner.*",), reason=("severity", "error"), certain=False)

    severity: Severity = Field(description="`warning`, `error` or `critical`.")
    error: Name = Field(description="What went wrong, for people to read.")


class StatsUpdated(RunnerEvent, type="runner.stats", version=1, key="runner"):
    """The figures of a runner as they stand."""

    trades: _Count = Field(description="Closed trades so far.")
    won: _Count = Field(description="Closed trades that gained money after costs.")
    realised_pnl: Amount = Field(_ZERO, description="Profit after costs, account currency.")
    unrealised_pnl: Amount = Field(_ZERO, description="Profit of open positions, same unit.")
    maximum_drawdown: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0,
        description="Deepest fall of equity from its peak, as a fraction of the peak (0.1 is "
        "10 %); more than 1 where more than everything was lost.",
    )

    @model_validator(mode="after")
    def _no_more_won_than_closed(self) -> Self:
        if self.won > self.trades:
            raise ValueError(f"won {self.won} is more than trades {self.trades}")
        return self
