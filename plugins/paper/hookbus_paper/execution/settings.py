"""Settings of the paper execution."""

from decimal import Decimal
from typing import Literal

from hookbus import Settings
from pydantic import Field

__all__ = ["ExecutionSettings"]


class ExecutionSettings(Settings):
    """At which price paper orders are filled, and what that costs."""

    fill_at: Literal["open", "close"] = Field(
        "open",
        description="Fill at the open of the symbol's next bar, or at the close of the very bar "
        "the order was decided on (which no market grants: for comparison only).",
    )
    commission_bps: Decimal = Field(
        Decimal(1),
        ge=0,
        le=1000,
        description="Commission in basis points of the traded value (1 is 0.01 %).",
    )
    slippage_bps: Decimal = Field(
        Decimal("0.5"),
        ge=0,
        le=1000,
        description="How much worse than the bar's price an order is filled, in basis points.",
    )
