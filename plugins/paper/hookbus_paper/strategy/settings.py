"""Settings of the strategy."""

from typing import Literal, Self

from hookbus import Settings
from pydantic import Field, model_validator

__all__ = ["StrategySettings"]


class StrategySettings(Settings):
    """What the moving-average-cross strategy trades, and how it decides."""

    label: str = Field(
        "sma-cross", min_length=1, description="Name of the strategy in its signals and orders."
    )
    symbols: tuple[str, ...] = Field(
        (), description="Symbols to trade; empty trades every symbol that has bars."
    )
    fast: int = Field(10, ge=1, description="Window of the fast average, in bars.")
    slow: int = Field(30, ge=2, description="Window of the slow average, in bars; above fast.")
    below: Literal["flat", "short"] = Field(
        "flat", description="Wanted position once fast has crossed below slow: flat or short."
    )
    publish_indicators: bool = Field(
        False, description="Publish both averages as Indicator events at every bar."
    )

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast < self.slow:
            return self
        raise ValueError(f"fast {self.fast} must be smaller than slow {self.slow}")
