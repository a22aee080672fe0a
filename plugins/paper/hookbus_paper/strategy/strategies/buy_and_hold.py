"""Buy and hold: what every other strategy is measured by."""

from collections.abc import Mapping
from typing import ClassVar

from hookbus import Settings
from hookbus_trading.contracts import Decision, IndicatorInput
from hookbus_trading.flow import Bar

__all__ = ["BuyAndHold"]


class BuyAndHoldParameters(Settings):
    """There is nothing to set."""


class BuyAndHold:
    """Long from the first bar on."""

    Parameters: ClassVar = BuyAndHoldParameters

    def __init__(self, parameters: BuyAndHoldParameters) -> None:
        self._bought = False

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """None."""
        return {}

    def on_bar(self, bar: Bar, values: Mapping[str, float]) -> Decision | None:
        """Buy once."""
        if self._bought:
            return None
        self._bought = True
        return Decision("long", reason="buy and hold")
