"""Risk modes as levels that can be compared, and the thresholds that lead to them."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from hookbus_trading.fields import RiskMode

__all__ = ["AGGRESSIVE", "DEFENSIVE", "MODES", "NORMAL", "Gauge", "Thresholds", "level_of_mode"]

AGGRESSIVE: Final = 0
NORMAL: Final = 1
DEFENSIVE: Final = 2

MODES: Final[tuple[RiskMode, RiskMode, RiskMode]] = ("aggressive", "normal", "defensive")
"""The name of each level; the higher the level, the less is risked."""


def level_of_mode(mode: RiskMode) -> int:
    """The level of a mode: 0 for aggressive, 1 for normal, 2 for defensive."""
    return MODES.index(mode)


class Gauge(Protocol):
    """One input of the decision.

    `demand` is the least level that the input demands at this moment, `calm` the least level that
    it would let the mode relax to. `calm` is never below `demand`; between the two lies the
    hysteresis. What is not known yet demands at least normal: aggressive must be earned.
    """

    demand: int
    calm: int

    def sentence(self) -> str:
        """Where the input stands, with its numbers and thresholds, for people to read."""

    def metrics(self) -> dict[str, float]:
        """The figures of the input, by name."""


class Thresholds(NamedTuple):
    """From which values on a figure, that is worse the higher it is, demands normal or defensive.

    Where the mode is to relax, the figure must be below the calm thresholds, which are lower.
    """

    normal: float
    defensive: float
    calm_normal: float
    calm_defensive: float

    @classmethod
    def of(cls, normal: float, defensive: float, hysteresis: float) -> Thresholds:
        """Thresholds of which the calm ones are lower by the fraction `hysteresis`."""
        kept = 1.0 - hysteresis
        return cls(normal, defensive, normal * kept, defensive * kept)

    def demand(self, value: float) -> int:
        """The level that a value demands."""
        return (value >= self.normal) + (value >= self.defensive)

    def calm(self, value: float) -> int:
        """The least level that a value lets the mode relax to; never below what it demands."""
        return (value >= self.calm_normal) + (value >= self.calm_defensive)
