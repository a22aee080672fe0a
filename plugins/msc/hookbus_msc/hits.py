"""The hit rate: the share of won trades, as far as the last trades prove it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

from hookbus_msc.levels import NORMAL
from hookbus_msc.settings import HitRateSettings

__all__ = ["HitRate", "Interval", "wilson"]


class Interval(NamedTuple):
    """The hit rates between which the true one probably lies, each from 0 to 1."""

    low: float
    high: float


def wilson(won: int, trades: int, z: float) -> Interval:
    """The score interval of a hit rate, `z` standard deviations to each side.

    Wilson, Probable Inference, the Law of Succession, and Statistical Inference, Journal of the
    American Statistical Association 22 (1927). Without trades it is all from 0 to 1.
    """
    if not trades:
        return Interval(0.0, 1.0)
    rate, spread = won / trades, z * z / trades
    centre = (rate + spread / 2) / (1 + spread)
    half = z / (1 + spread) * sqrt(rate * (1 - rate) / trades + spread / (4 * trades))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


class HitRate:
    """The input that looks at the last trades of all strategies.

    Defensive must be proved by bad trades (the whole interval is low), and aggressive by good ones
    (no part of it is low); few trades, and those below the minimum number, prove neither.
    """

    def __init__(self, settings: HitRateSettings, hysteresis: float) -> None:
        self._settings = settings
        self._margin = 1.0 + hysteresis
        self._won: deque[bool] = deque(maxlen=settings.trades)
        self._interval = Interval(0.0, 1.0)
        self.demand = self.calm = NORMAL

    def update(self, *, won: bool) -> None:
        """Take the result of a trade; one that came out even is not won."""
        self._won.append(won)
        self._judge()

    def _judge(self) -> None:
        self._interval = wilson(sum(self._won), len(self._won), self._settings.z)
        if len(self._won) < self._settings.minimum_trades:
            return
        self.demand, self.calm = self._level(1.0), self._level(self._margin)

    def _level(self, margin: float) -> int:
        below_normal = self._interval.low < self._settings.normal * margin
        below_defensive = self._interval.high < self._settings.defensive * margin
        return below_normal + below_defensive

    def sentence(self) -> str:
        """Where the hit rate stands."""
        least = self._settings.minimum_trades
        if len(self._won) < least:
            return f"hit rate is unknown: {len(self._won)} of the {least} trades that it takes"
        low, high = self._interval
        return (
            f"hit rate is {sum(self._won)} of {len(self._won)} trades, between {low:.1%} and "
            f"{high:.1%} (normal while the lower is below {self._settings.normal:.1%}, "
            f"defensive while the upper is below {self._settings.defensive:.1%})"
        )

    def metrics(self) -> dict[str, float]:
        """The hit rate and its interval, when there are trades."""
        if not self._won:
            return {}
        return {
            "trades": float(len(self._won)),
            "hit_rate": sum(self._won) / len(self._won),
            "hit_rate_low": self._interval.low,
            "hit_rate_high": self._interval.high,
        }

    def state(self) -> tuple[bool, ...]:
        """What must be kept between runs."""
        return tuple(self._won)

    def restore(self, won: Iterable[bool]) -> None:
        """Go on where an earlier run ended."""
        self._won.extend(won)
        self._judge()
