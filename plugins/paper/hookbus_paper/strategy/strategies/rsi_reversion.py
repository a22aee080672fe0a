"""Reversion: buying what fell too fast, by Wilder's relative strength index."""

from collections.abc import Mapping
from typing import ClassVar, Self

from hookbus import Settings
from hookbus_trading.contracts import Decision, IndicatorInput
from hookbus_trading.flow import Bar
from pydantic import Field, model_validator

from hookbus_paper.strategy.indicators import relative_strength

__all__ = ["RsiReversion"]


class RsiReversionParameters(Settings):
    """When a price counts as having fallen, or risen, too fast."""

    period: int = Field(14, ge=2, description="Period of the index, in bars.")
    oversold: float = Field(30.0, gt=0, lt=100, description="Long below this index, 0 to 100.")
    exit: float = Field(50.0, gt=0, lt=100, description="Flat again above this index, 0 to 100.")
    limit_bps: float = Field(
        0.0,
        ge=0,
        lt=10_000,
        description="Buy with a limit order so far below the last close, in basis points; 0 buys "
        "at market.",
    )

    @model_validator(mode="after")
    def _exit_is_above(self) -> Self:
        if self.oversold < self.exit:
            return self
        raise ValueError(f"oversold {self.oversold:g} must be below exit {self.exit:g}")


class RsiReversion:
    """Long when the index falls below `oversold`, flat when it has risen above `exit`.

    The strength is how far below `oversold` it is, from 0 at the threshold to 1 at an index of 0.
    """

    Parameters: ClassVar = RsiReversionParameters

    def __init__(self, parameters: RsiReversionParameters) -> None:
        self._parameters = parameters
        self._name = f"rsi{parameters.period}"
        self._long = False

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """The index."""
        return {self._name: relative_strength(self._parameters.period)}

    def on_bar(self, bar: Bar, values: Mapping[str, float]) -> Decision | None:
        """Decide where the index passes a threshold."""
        index = values.get(self._name)
        if index is None:
            return None
        if not self._long and index < self._parameters.oversold:
            self._long = True
            return self._enter(bar.close, index)
        if self._long and index > self._parameters.exit:
            self._long = False
            return Decision("flat", reason=f"{self._name} {index:.1f} is above {self._exit_text}")
        return None

    @property
    def _exit_text(self) -> str:
        return f"{self._parameters.exit:g}"

    def _enter(self, close: float, index: float) -> Decision:
        oversold, away = self._parameters.oversold, self._parameters.limit_bps
        reason = f"{self._name} {index:.1f} is below {oversold:g}"
        strength = (oversold - index) / oversold
        if not away:
            return Decision("long", strength, reason)
        return Decision("long", strength, reason, "limit", close * (1 - away / 10_000))
