"""Moving-average cross: with the trend, as two averages tell it."""

from collections import deque
from collections.abc import Mapping
from math import floor, log10
from typing import ClassVar, Literal, Self

from hookbus import Settings
from hookbus_trading.contracts import Decision, IndicatorInput
from hookbus_trading.flow import Bar
from pydantic import Field, model_validator

from hookbus_paper.strategy.indicators import simple_average

__all__ = ["SmaCross", "efficiency", "two_different"]

_EQUAL = 1e-12
"""Averages closer than this, relative to the slow one, are equal: it is rounding, not a move."""


class SmaCrossParameters(Settings):
    """The windows of the two averages."""

    fast: int = Field(10, ge=1, description="Window of the fast average, in bars.")
    slow: int = Field(30, ge=2, description="Window of the slow average, in bars; above fast.")
    below: Literal["flat", "short"] = Field(
        "flat", description="Wanted position once fast has crossed below slow: flat or short."
    )

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast < self.slow:
            return self
        raise ValueError(f"fast {self.fast} must be smaller than slow {self.slow}")


class SmaCross:
    """Long after the fast average crossed above the slow one, flat or short after the opposite.

    The first side that the fast average takes is where it starts, not a cross; while both are
    equal, the side stays. The strength is how straight prices went: see `efficiency`.
    """

    Parameters: ClassVar = SmaCrossParameters

    def __init__(self, parameters: SmaCrossParameters) -> None:
        self._fast, self._slow = f"sma{parameters.fast}", f"sma{parameters.slow}"
        self._windows = {self._fast: parameters.fast, self._slow: parameters.slow}
        self._below = parameters.below
        self._closes: deque[float] = deque(maxlen=parameters.fast)
        self._side = 0

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """Both averages."""
        return {name: simple_average(window) for name, window in self._windows.items()}

    def on_bar(self, bar: Bar, values: Mapping[str, float]) -> Decision | None:
        """Decide on a cross."""
        self._closes.append(bar.close)
        slow = values.get(self._slow)
        if slow is None:
            return None
        gap = values[self._fast] - slow
        if -_EQUAL * slow <= gap <= _EQUAL * slow:
            return None
        side = 1 if gap > 0 else -1
        before, self._side = self._side, side
        return self._decision(values[self._fast], slow) if side == -before else None

    def _decision(self, fast: float, slow: float) -> Decision:
        fast_text, slow_text = two_different(fast, slow)
        way = "above" if fast > slow else "below"
        return Decision(
            direction="long" if fast > slow else self._below,
            strength=efficiency(self._closes),
            reason=f"{self._fast} {fast_text} crossed {way} {self._slow} {slow_text}",
        )


def efficiency(values: deque[float]) -> float:
    """Kaufman's efficiency ratio (1995), 0 to 1: the way from first to last over the way walked.

    1 is a straight line, 0 a market that came back to where it was. One value alone has nothing
    to say against it and counts as 1.
    """
    if len(values) < 2:
        return 1.0
    steps = iter(values)
    before = first = next(steps)
    walked = 0.0
    for value in steps:
        walked += abs(value - before)
        before = value
    return min(1.0, abs(before - first) / walked) if walked else 0.0


def two_different(first: float, second: float) -> tuple[str, str]:
    """Two positive numbers with as many decimals as show that they differ.

    The larger one gets five significant digits at least, and whole numbers stay whole.
    """
    decimals = max(0, 4 - floor(log10(max(first, second))))
    for more in range(decimals, decimals + 13):
        texts = f"{first:.{more}f}", f"{second:.{more}f}"
        if texts[0] != texts[1]:
            return texts
    return repr(first), repr(second)
