"""Settings of the risk check."""

from decimal import Decimal
from typing import Literal, Self

from hookbus import Settings
from pydantic import Field, model_validator

__all__ = ["RiskSettings"]


class RiskSettings(Settings):
    """How orders are sized, and the limits that none of them exceeds; all hold for each book."""

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
    fixed_quantity: Decimal | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Quantity of every new position, in units of the instrument, instead of a "
        "fraction of equity; the limits below hold all the same.",
    )
    quantity_step: Decimal = Field(
        Decimal("0.0001"),
        gt=0,
        allow_inf_nan=False,
        description="Smallest tradable quantity; new positions are multiples of it, rounded down.",
    )
    maximum_position: Decimal | None = Field(
        None,
        gt=0,
        description="Largest quantity of a symbol on either side, all strategies of the book "
        "together, in units of the instrument.",
    )
    maximum_order_value: Decimal | None = Field(
        None,
        gt=0,
        description="Largest value of one order at the signal's price, in the account currency; "
        "a larger position is closed by several orders.",
    )
    maximum_leverage: Decimal | None = Field(
        Decimal(1),
        gt=0,
        description="Largest exposure of a book, the sum of the absolute values of the positions "
        "of all its strategies and of the orders that open new ones, as a multiple of its equity; "
        "none: no limit.",
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
    kill_switch_loss: Decimal | None = Field(
        None,
        gt=0,
        le=1,
        description="Loss of the book `main` since the start of the UTC day, as a fraction of the "
        "equity then, that pulls the kill switch: nothing is ordered until it is released by hand, "
        "which accepts the loss so far.",
    )
    kill_switch_health: bool = Field(
        False, description="Whether the kill switch is pulled when `system` becomes critical."
    )
    oversize: Literal["cut", "reject"] = Field(
        "cut",
        description="What happens to an order above a limit on its size: it is cut to the limit, "
        "or rejected.",
    )
    entry_lifetime: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Seconds after which a limit or stop order that opens a position expires; "
        "none: when the strategy changes its mind.",
    )
    follow_policy: bool = Field(
        True,
        description="Keep the book `main` within the last PolicyUpdated: strategies, confidence, "
        "risk per trade, positions.",
    )
    only_top: int | None = Field(
        None,
        ge=1,
        description="Open positions only in so many of the best symbols of the last "
        "OpportunitiesUpdated, and none before the first; none: in any.",
    )

    saga: bool = Field(
        False,
        description="Whether every order is a saga (reserve, decide, execute, settle) whose steps "
        "and whose orders and fills are kept in the journal, so that the books survive the end of "
        "the process; needs the plugins `journal` and `saga`.",
    )

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        kill, daily = self.kill_switch_loss, self.daily_loss_limit
        if kill is not None and daily is not None and kill < daily:
            raise ValueError(
                f"kill_switch_loss {kill} is below daily_loss_limit {daily}, which could then "
                "never be reached; make it larger, or take the other one out"
            )
        for name in ("maximum_position", "fixed_quantity"):
            most = getattr(self, name)
            if most is not None and most < self.quantity_step:
                raise ValueError(
                    f"{name} {most} is below quantity_step {self.quantity_step}: nothing could "
                    "ever be opened"
                )
        fixed, largest = self.fixed_quantity, self.maximum_position
        if fixed is not None and largest is not None and fixed > largest:
            raise ValueError(f"fixed_quantity {fixed} is above maximum_position {largest}")
        return self
