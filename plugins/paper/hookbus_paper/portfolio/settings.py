"""Settings of the portfolio."""

from decimal import Decimal

from hookbus import Settings
from pydantic import Field

__all__ = ["PortfolioSettings"]


class PortfolioSettings(Settings):
    """What each account starts with, and how often it reports."""

    starting_cash: Decimal = Field(
        Decimal(100_000),
        gt=0,
        allow_inf_nan=False,
        description="Cash of each book at the start, in the account currency.",
    )
    publish_change: float = Field(
        0.001,
        ge=0,
        lt=1,
        description="Publish a PortfolioUpdated when equity has moved by more than this fraction "
        "since the last one; 0 publishes whenever a bar moves it. Every fill, every signal and "
        "every new UTC day publish one anyway.",
    )
    curve_points: int = Field(
        10_000,
        ge=2,
        description="Most points of the equity curve kept in memory; a longer run keeps every "
        "second point, then every fourth, and so on.",
    )
