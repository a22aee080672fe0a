"""Settings of the risk check."""

from decimal import Decimal
from typing import Literal

from hookbus import Settings
from pydantic import Field

__all__ = ["RiskSettings"]


class RiskSettings(Settings):
    """How orders are sized, and the limits that none of them exceeds."""

    symbols: tuple[str, ...] = Field(
        (), description="Symbols in which positions may be opened; empty allows all."
    )
    fraction_per_trade: Decimal = Field(
        Decimal("0.1"),
        gt=0,
        le=1,
        description="Value of a new position at full strength, as a fraction of equity.",
    )
    scale_by_strength: bool = Field(
        True, description="Multiply the value of a new position by the strength of the signal."
    )
    quantity_step: Decimal = Field(
        Decimal("0.0001"),
        gt=0,
        allow_inf_nan=False,
        description="Smallest tradable quantity; new positions are multiples of it, rounded down.",
    )
    maximum_position: Decimal | None = Field(
        None, gt=0, description="Largest position, long or short, in units of the instrument."
    )
    maximum_order_value: Decimal | None = Field(
        None,
        gt=0,
        description="Largest value of one order at the signal's price, in the account currency; "
        "a larger position is closed by several orders.",
    )
    maximum_open_positions: int | None = Field(
        10, ge=1, description="Most symbols that may be held, or be on order, at one time."
    )
    daily_loss_limit: Decimal | None = Field(
        Decimal("0.05"),
        gt=0,
        le=1,
        description="Loss since the start of the UTC day, as a fraction of the equity then, from "
        "which on no position is opened until the next day.",
    )
    oversize: Literal["cut", "reject"] = Field(
        "cut",
        description="What happens to an order above maximum_position or maximum_order_value: it "
        "is cut to the limit, or rejected.",
    )
