"""Breakout: following a price that leaves its channel, with stop orders at the channel's edge."""

from collections.abc import Mapping
from typing import ClassVar

from hookbus import Settings
from hookbus_trading.contracts import Decision, IndicatorInput
from hookbus_trading.flow import Bar
from pydantic import Field

from hookbus_paper.strategy.indicators import highest_high, lowest_low

__all__ = ["DonchianBreakout"]


class DonchianBreakoutParameters(Settings):
    """The two channels."""

    entry: int = Field(20, ge=1, description="Bars whose highest high has to be passed to buy.")
    exit: int = Field(10, ge=1, description="Bars whose lowest low has to be passed to sell.")


class DonchianBreakout:
    """Buys with a stop order at the highest high of the last bars, sells below a shorter channel.

    The rules of the first system of the Turtles (Dennis and Eckhardt 1983), long side only. The
    stop is moved whenever the channel moves.
    """

    Parameters: ClassVar = DonchianBreakoutParameters

    def __init__(self, parameters: DonchianBreakoutParameters) -> None:
        self._entry, self._exit = parameters.entry, parameters.exit
        self._upper, self._lower = f"high{self._entry}", f"low{self._exit}"
        self._stop: float | None = None
        self._floor: float | None = None
        self._long = False

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """The upper edge of the one channel and the lower edge of the other."""
        return {self._upper: highest_high(self._entry), self._lower: lowest_low(self._exit)}

    def on_bar(self, bar: Bar, values: Mapping[str, float]) -> Decision | None:
        """Decide whether the stop was reached, the floor was broken, or the stop has moved."""
        stop, floor = self._stop, self._floor
        self._stop, self._floor = values.get(self._upper), values.get(self._lower)
        if not self._long and stop is not None and bar.high >= stop:
            self._long = True
        if self._long:
            return self._leave(bar, floor)
        if self._stop is None or self._floor is None or self._stop == stop:
            return None
        reason = f"buy above {self._stop:g}, the highest of {self._entry} bars"
        return Decision("long", 1.0, reason, "stop", self._stop)

    def _leave(self, bar: Bar, floor: float | None) -> Decision | None:
        if floor is None or bar.low >= floor:
            return None
        self._long = False
        self._stop = None
        return Decision("flat", reason=f"low {bar.low:g} is below {floor:g}, of {self._exit} bars")
