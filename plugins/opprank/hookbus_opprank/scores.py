"""From figures to scores: each criterion made comparable, weighted, and added."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, hypot, sqrt
from typing import Final

__all__ = ["NORMALISERS", "Scored", "percentiles", "score", "zscores"]

_DIGITS: Final = 12
_SMALLER_IS_BETTER: Final = frozenset({"range"})


@dataclass(frozen=True, slots=True)
class Scored:
    """A symbol with its score, what each criterion contributed, and the figures behind."""

    symbol: str
    score: float
    contributions: Mapping[str, float]
    figures: Mapping[str, float]


def score(
    figures: Mapping[str, Mapping[str, float]], weights: Mapping[str, float], normalise: str
) -> list[Scored]:
    """Score symbols by their figures, the best first, those with equal scores by name.

    `figures` has the figure of each criterion in `weights` for each symbol; `normalise` is a key of
    `NORMALISERS`. Figures count with 12 digits, and contributions and scores are rounded to 12
    decimals, so that symbols which differ by the rounding of floats alone are equal.
    """
    symbols = sorted(figures)
    columns = {
        name: _contributions([figures[symbol][name] for symbol in symbols], name, weight, normalise)
        for name, weight in weights.items()
    }
    scored = []
    for place, symbol in enumerate(symbols):
        parts = {name: column[place] for name, column in columns.items()}
        scored.append(Scored(symbol, _rounded(fsum(parts.values())), parts, figures[symbol]))
    return sorted(scored, key=lambda one: -one.score)  # stable: by name where equal


def _contributions(
    values: Sequence[float], name: str, weight: float, normalise: str
) -> list[float]:
    sign = -1.0 if name in _SMALLER_IS_BETTER else 1.0
    normalised = NORMALISERS[normalise]([sign * _shortened(value) for value in values])
    return [_rounded(weight * value) for value in normalised]


def _shortened(value: float) -> float:
    return round(float(f"{value:.{_DIGITS}g}"), _DIGITS)


def _rounded(value: float) -> float:
    return round(value, _DIGITS) + 0.0  # -0.0 becomes 0.0


def zscores(values: Sequence[float]) -> list[float]:
    """Standard deviations (of the population) from the mean; 0 where all values are equal."""
    if not values or min(values) == max(values):
        return [0.0] * len(values)
    mean = fsum(values) / len(values)
    deviations = [value - mean for value in values]
    spread = hypot(*deviations) / sqrt(len(values))
    return [deviation / spread for deviation in deviations]


def percentiles(values: Sequence[float]) -> list[float]:
    """The share of the others that a value beats, from 0 to 1; equal ones count half.

    0.5 where there are no others.
    """
    if len(values) < 2:
        return [0.5] * len(values)
    ordered = sorted(values)
    others = len(values) - 1
    return [
        (bisect_left(ordered, value) + bisect_right(ordered, value) - 1) / (2 * others)
        for value in values
    ]


NORMALISERS: Final[dict[str, Callable[[Sequence[float]], list[float]]]] = {
    "zscore": zscores,
    "rank": percentiles,
}
"""How the figures of a criterion are made comparable, by the name in the settings."""
