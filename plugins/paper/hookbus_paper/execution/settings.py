"""Settings of the paper execution."""

from decimal import Decimal
from typing import Literal, Self

from hookbus import Settings
from pydantic import Field, model_validator

__all__ = ["ExecutionSettings"]


class ExecutionSettings(Settings):
    """At which price paper orders are filled, how much of them, and what that costs."""

    books: tuple[str, ...] = Field(
        ("*",),
        min_length=1,
        description="Books whose orders are filled on paper, as patterns; with a broker for the "
        'book `main`, `["backtest:*", "shadow:*"]`.',
    )
    fill_at: Literal["open", "close"] = Field(
        "open",
        description="Fill market orders at the open of the symbol's next bar, or at the close of "
        "the very bar they were decided on (which no market grants: for comparison only).",
    )
    commission_bps: Decimal = Field(
        Decimal(1),
        ge=0,
        le=1000,
        description="Commission in basis points of the traded value (1 is 0.01 %).",
    )
    commission_per_unit: Decimal = Field(
        Decimal(0),
        ge=0,
        allow_inf_nan=False,
        description="Commission for each unit traded, in the account currency, added to the above.",
    )
    commission_minimum: Decimal = Field(
        Decimal(0),
        ge=0,
        allow_inf_nan=False,
        description="Least commission of an order, in the account currency, due with its first "
        "fill.",
    )
    spread_bps: Decimal = Field(
        Decimal(0),
        ge=0,
        le=1000,
        description="Difference between ask and bid, in basis points of the bar's price; market "
        "and stop orders pay half of it, limit orders none.",
    )
    slippage_bps: Decimal = Field(
        Decimal("0.5"),
        ge=0,
        le=1000,
        description="How much worse than quoted market and stop orders are filled, in basis "
        "points.",
    )
    impact_bps: Decimal = Field(
        Decimal(0),
        ge=0,
        le=10_000,
        description="Slippage on top, in basis points, of a market or stop order as large as the "
        "bar's volume; smaller ones pay it times the square root of their share of the volume.",
    )
    maximum_participation: Decimal | None = Field(
        None,
        gt=0,
        le=1,
        description="Largest share of a bar's volume that orders get; the rest of an order waits "
        "for the next bar. None fills every order whole.",
    )
    quantity_step: Decimal = Field(
        Decimal("0.0001"),
        gt=0,
        allow_inf_nan=False,
        description="Smallest tradable quantity: a bar's share of the volume is rounded down to a "
        "multiple of it.",
    )
    limit_fill: Literal["touch", "through"] = Field(
        "touch",
        description="Whether a limit order is filled when the price reaches its limit, or only "
        "when it goes beyond it.",
    )

    @model_validator(mode="after")
    def _close_goes_with_whole_fills(self) -> Self:
        if self.fill_at == "close" and self.maximum_participation is not None:
            raise ValueError(
                f'fill_at "close" and maximum_participation {self.maximum_participation} '
                'contradict each other: what is left of an order could not wait; use "open"'
            )
        return self

    @model_validator(mode="after")
    def _costs_leave_a_price(self) -> Self:
        if self.spread_bps / 2 + self.slippage_bps + self.impact_bps >= 10_000:
            raise ValueError(
                f"half of spread_bps {self.spread_bps}, slippage_bps {self.slippage_bps} and "
                f"impact_bps {self.impact_bps} come to 10000 or more: sales would yield nothing"
            )
        return self
