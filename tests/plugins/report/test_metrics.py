"""The metrics, against computation by hand, by other ways, and by other libraries."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from hookbus_report import metrics
from hookbus_report.metrics import Undefined
from hypothesis import given
from hypothesis import strategies as st

RETURNS = [0.01, -0.02, 0.015, 0.0, -0.005, 0.03, -0.01]

some_returns = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=50)
any_number = st.floats(allow_nan=False, allow_infinity=False)


def test_returns_are_what_each_value_gained_on_the_one_before() -> None:
    """100, 110, 99: first ten per cent up, then ten per cent down."""
    assert metrics.period_returns([100, 110, 99]) == pytest.approx([0.1, -0.1])


def test_returns_need_something_to_compare_with() -> None:
    """One value has no return, and what follows zero or a debt has none either."""
    assert isinstance(metrics.period_returns([100]), Undefined)
    assert isinstance(metrics.period_returns([100, 0, 50]), Undefined)
    assert metrics.period_returns([100, 0]) == [-1.0]


def test_growth_is_compounded_over_the_year() -> None:
    """Doubling in half a year is growth of 300 per cent a year; 21 per cent in two are 10."""
    assert metrics.cagr(100, 200, 182.5) == pytest.approx(3.0)
    assert metrics.cagr(100, 121, 730) == pytest.approx(0.1)


def test_growth_that_cannot_be_told_says_why() -> None:
    """Too short, ruined, or so fast that a year of it is no number."""
    assert metrics.cagr(100, 110, 0.5) == "the run is shorter than one day"
    assert metrics.cagr(100, -1, 100) == "equity was not above zero"
    assert metrics.cagr(1, 1e9, 1) == "the run is too short to be extrapolated to a year"


def test_sharpe_by_hand() -> None:
    """Mean 0.02, sample deviation 0.01: two, times the root of 365."""
    assert metrics.sharpe([0.01, 0.02, 0.03], 365) == pytest.approx(2 * math.sqrt(365))


def test_the_sharpe_ratio_divides_by_one_less_than_the_number_of_days() -> None:
    """The deviation is that of a sample: with the one of a population this would be larger."""
    assert metrics.sharpe([0.0, 0.02], 1) == pytest.approx(0.01 / math.sqrt(0.0002))


def test_sortino_by_hand() -> None:
    """Mean 0.01; one day of four is 0.02 below: its square is shared by all four."""
    excess = [0.03, -0.02, 0.03, 0.0]
    downside = math.sqrt(0.02**2 / 4)
    assert metrics.sortino(excess, 252) == pytest.approx(0.01 / downside * math.sqrt(252))


def test_the_risk_free_rate_is_compounded_over_the_year() -> None:
    """365 days at the daily rate make the yearly rate."""
    (rate,) = metrics.excess_returns([0.0], 0.05, 365)
    assert (1 - rate) ** 365 == pytest.approx(1.05)


@pytest.mark.parametrize("ratio", [metrics.sharpe, metrics.sortino])
def test_ratios_without_a_deviation_say_why(ratio: Callable[[list[float], float], object]) -> None:
    """The same return every day is no reason to divide by what rounding left of zero."""
    equity = [100 * 1.001**day for day in range(100)]
    returns = metrics.period_returns(equity)
    assert isinstance(returns, list)
    assert isinstance(ratio(returns, 365), Undefined)
    assert isinstance(ratio([0.01], 365), Undefined)


def test_calmar_by_hand() -> None:
    """Growth of 30 per cent with a fall of 20 is 1.5; without a fall there is none."""
    assert metrics.calmar(0.3, 0.2) == pytest.approx(1.5)
    assert metrics.calmar(0.3, 0.0) == "equity was never below a peak"
    assert metrics.calmar(Undefined("no"), 0.2) == "no"


def test_profit_factor_by_hand() -> None:
    """300 won and 200 lost is 1.5; nothing lost is no number, not infinity."""
    assert metrics.profit_factor(300, 200) == pytest.approx(1.5)
    assert metrics.profit_factor(300, 0) == "no trade lost money"
    assert metrics.profit_factor(0, 0) == "no trade won or lost money"


def test_turnover_by_hand() -> None:
    """50,000 traded in 73 days on 10,000 is five times in a fifth of a year: 25 in a year."""
    assert metrics.turnover(50_000, 10_000, 73) == pytest.approx(25)
    assert isinstance(metrics.turnover(50_000, 10_000, 0.2), Undefined)
    assert isinstance(metrics.turnover(50_000, -1.0, 10), Undefined)


@given(some_returns)
def test_volatility_is_that_of_the_standard_library(returns: list[float]) -> None:
    """The deviation agrees with exact arithmetic."""
    expected = statistics.stdev(returns) * math.sqrt(365)
    assert metrics.volatility(returns, 365) == pytest.approx(expected, abs=1e-12)


@given(some_returns, st.floats(0.1, 10))
def test_ratios_do_not_depend_on_how_much_is_risked(returns: list[float], factor: float) -> None:
    """Sharpe and Sortino ratios of a multiple of the returns are the same."""
    more = [value * factor for value in returns]
    for ratio in (metrics.sharpe, metrics.sortino):
        one, two = ratio(returns, 252), ratio(more, 252)
        if not isinstance(one, Undefined) and not isinstance(two, Undefined):
            assert two == pytest.approx(one, rel=1e-6, abs=1e-9)


@given(st.lists(any_number, max_size=8), any_number, any_number)
def test_nothing_is_ever_infinite(equity: list[float], first: float, last: float) -> None:
    """Whatever goes in, a metric is a finite number or says why it is none."""
    returns = metrics.period_returns(equity)
    found: list[metrics.Figure] = [
        metrics.total_return(first, last),
        metrics.cagr(first, last, 3),
        metrics.mean(equity, "none"),
        metrics.profit_factor(first, last),
        metrics.turnover(first, last, 3),
        metrics.calmar(first, last),
    ]
    if not isinstance(returns, Undefined):
        found += [metrics.volatility(returns, 365), metrics.sharpe(returns, 365)]
        found += [metrics.sortino(returns, 365)]
    assert all(isinstance(one, Undefined) or math.isfinite(one) for one in found)


# What empyrical-reloaded 0.7.1 makes of RETURNS, with 252 days in a year and 2 % risk-free.
EMPYRICAL = {
    "volatility": 0.2666458325194677,
    "sharpe": 2.6259423895880585,
    "sortino": 5.06658754875074,
}


def by_us(risk_free: float) -> dict[str, Any]:
    """Our metrics of RETURNS."""
    excess = metrics.excess_returns(RETURNS, risk_free, 252)
    return {
        "volatility": metrics.volatility(RETURNS, 252),
        "sharpe": metrics.sharpe(excess, 252),
        "sortino": metrics.sortino(excess, 252),
    }


def test_metrics_agree_with_what_empyrical_said() -> None:
    """Another library, whose definitions are the same, found the same numbers."""
    assert by_us(0.02) == pytest.approx(EMPYRICAL, rel=1e-12)


def test_metrics_agree_with_empyrical() -> None:
    """The same, where it is installed, of other returns too."""
    empyrical = pytest.importorskip("empyrical", reason="empyrical-reloaded is not installed")
    numpy = pytest.importorskip("numpy")
    returns = list(numpy.random.default_rng(5).normal(0.0005, 0.02, 500))
    daily = 1.02 ** (1 / 252) - 1
    excess = metrics.excess_returns(returns, 0.02, 252)
    array = numpy.array(returns)
    assert metrics.volatility(returns, 252) == pytest.approx(empyrical.annual_volatility(array))
    assert metrics.sharpe(excess, 252) == pytest.approx(empyrical.sharpe_ratio(array, daily))
    assert metrics.sortino(excess, 252) == pytest.approx(empyrical.sortino_ratio(array, daily))
