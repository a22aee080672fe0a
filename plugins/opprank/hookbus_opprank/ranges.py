"""How far a bar's prices range: what trading costs, where there is no quote to tell the spread."""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt
from typing import Final, Literal, NamedTuple

from hookbus_trading import Bar

__all__ = ["ESTIMATORS", "Estimator", "EstimatorName"]

EstimatorName = Literal["range", "parkinson"]


class Estimator(NamedTuple):
    """`term` of each bar, and `estimate` from the mean of the terms; a fraction of the price."""

    term: Callable[[Bar], float]
    estimate: Callable[[float], float]


def _relative_range(bar: Bar) -> float:
    return (bar.high - bar.low) / bar.close


def _squared_log_range(bar: Bar) -> float:
    return log(bar.high / bar.low) ** 2


def _parkinson(mean: float) -> float:
    return sqrt(mean / (4.0 * log(2.0)))


ESTIMATORS: Final[dict[EstimatorName, Estimator]] = {
    "range": Estimator(_relative_range, float),
    "parkinson": Estimator(_squared_log_range, _parkinson),
}
"""`range` is the mean of (high - low) / close.

`parkinson` is the square root of the mean of ln(high / low)**2 / (4 ln 2): Parkinson, "The Extreme
Value Method for Estimating the Variance of the Rate of Return", Journal of Business 53 (1980).
"""
