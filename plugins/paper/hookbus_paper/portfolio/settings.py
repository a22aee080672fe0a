"""Settings of the portfolio."""

from decimal import Decimal

from hookbus import Settings
from pydantic import Field

__all__ = ["PortfolioSettings"]


class PortfolioSettings(Settings):
    """What the account starts with, and how often it reports."""

    starting_cash: Decimal = Field(
        Decimal(100_000),
        gt=0,
        allow_inf_nan=False,
        description="Cash at the start, in the account currency.",
    )
    publish_bars: bool = Field(
        True,
        description="Publish a PortfolioUpdated whenever a bar moves the value of a position, "
        "besides the one after every fill.",
    )
    curve_points: int = Field(
        10_000,
        ge=2,
        description="Most points of the equity curve kept in memory; a longer run keeps every "
        "second point, then every fourth, and so on.",
    )
