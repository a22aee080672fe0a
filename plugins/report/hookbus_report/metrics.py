"""Metrics as pure functions: numbers in, a number out, or the reason why there is none.

Returns and other ratios are fractions (0.1 is 10 %). `periods` are returns of periods of equal
length, one day each in a report, and `per_year` is how many of them make a year. What every metric
means, its formula and its source are in `hookbus_report.glossary`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

__all__ = [
    "DAYS_IN_YEAR",
    "Figure",
    "Undefined",
    "cagr",
    "calmar",
    "excess_returns",
    "finite",
    "mean",
    "period_returns",
    "profit_factor",
    "sharpe",
    "sortino",
    "total_return",
    "turnover",
    "volatility",
]

DAYS_IN_YEAR = 365
"""Days in a year where time is meant and not a number of periods: actual/365."""

_NO_DEVIATION = 1e-12
"""Deviations of returns below this are what rounding leaves of none at all."""


class Undefined(str):
    """Why a metric has no value, for people to read."""

    __slots__ = ()


TOO_LARGE = Undefined("the numbers are too large")

Figure = float | Undefined
"""The value of a metric, finite, or why it has none."""


def finite(value: Figure) -> Figure:
    """A number as it is, unless it is as good as infinite, or none at all."""
    if isinstance(value, Undefined) or abs(value) < 1e300:
        return value
    return TOO_LARGE


def period_returns(equity: Sequence[float]) -> list[float] | Undefined:
    """What each value gained on the one before it."""
    if len(equity) < 2:
        return Undefined("there is no equity to compare")
    if min(equity[:-1]) <= 0:
        return Undefined("equity fell to zero or below")
    returns = [after / before - 1 for before, after in pairwise(equity)]
    return returns if _small(returns) else TOO_LARGE


def total_return(first: float, last: float) -> Figure:
    """What `last` has gained on `first`."""
    if first <= 0:
        return Undefined("equity was not above zero")
    return finite(last / first - 1)


def cagr(first: float, last: float, days: float) -> Figure:
    """The yearly growth that leads from `first` to `last` in `days`."""
    if days < 1:
        return Undefined("the run is shorter than one day")
    if first <= 0 or last <= 0:
        return Undefined("equity was not above zero")
    try:
        return finite(math.pow(last / first, DAYS_IN_YEAR / days) - 1)
    except OverflowError:
        return Undefined("the run is too short to be extrapolated to a year")


def excess_returns(periods: Sequence[float], risk_free: float, per_year: float) -> list[float]:
    """Returns above the yearly rate `risk_free`, which is compounded over the periods of a year."""
    rate = (1 + risk_free) ** (1 / per_year) - 1
    return [value - rate for value in periods]


def mean(values: Sequence[float], otherwise: str) -> Figure:
    """The arithmetic mean; `otherwise` is why there is none of no values."""
    if not values:
        return Undefined(otherwise)
    return math.fsum(values) / len(values) if _small(values) else TOO_LARGE


def volatility(periods: Sequence[float], per_year: float) -> Figure:
    """The sample standard deviation, scaled to a year."""
    if len(periods) < 2:
        return Undefined("it takes returns of two days")
    return finite(_deviation(periods) * math.sqrt(per_year))


def sharpe(excess: Sequence[float], per_year: float) -> Figure:
    """The mean excess return over its sample standard deviation, scaled to a year."""
    if len(excess) < 2:
        return Undefined("it takes returns of two days")
    deviation = _deviation(excess)
    if deviation < _NO_DEVIATION:
        return Undefined("returns did not vary")
    return finite(_mean(excess) / deviation * math.sqrt(per_year))


def sortino(excess: Sequence[float], per_year: float) -> Figure:
    """The mean excess return over its downside deviation, scaled to a year."""
    if len(excess) < 2:
        return Undefined("it takes returns of two days")
    downside = math.sqrt(math.fsum(min(value, 0) ** 2 for value in excess) / len(excess))
    if downside < _NO_DEVIATION:
        return Undefined("no day was below the risk-free rate")
    return finite(_mean(excess) / downside * math.sqrt(per_year))


def calmar(growth: Figure, drawdown: Figure) -> Figure:
    """The yearly growth over the deepest drawdown."""
    if isinstance(growth, Undefined):
        return growth
    if isinstance(drawdown, Undefined):
        return drawdown
    if drawdown <= 0:
        return Undefined("equity was never below a peak")
    return finite(growth / drawdown)


def profit_factor(gains: float, losses: float) -> Figure:
    """What the winning trades gained over what the losing ones lost, both positive."""
    if losses <= 0:
        return Undefined("no trade lost money" if gains > 0 else "no trade won or lost money")
    return finite(gains / losses)


def turnover(traded: float, average_equity: Figure, days: float) -> Figure:
    """The value traded in a year over the average equity."""
    if isinstance(average_equity, Undefined):
        return average_equity
    if average_equity <= 0:
        return Undefined("average equity was not above zero")
    if days < 1:
        return Undefined("the run is shorter than one day")
    return finite(traded / average_equity * DAYS_IN_YEAR / days)


def _small(values: Sequence[float]) -> bool:
    """Whether the squares of all values, and the sum of these, are finite."""
    return all(abs(value) < 1e100 for value in values)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    """The sample standard deviation, with one less than the number of values as divisor."""
    centre = _mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))
