"""Drawdown and loss of the day: what a look at the whole history gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hookbus_msc.equity import Equity
from hookbus_msc.settings import DailyLossSettings, DrawdownSettings
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.msc.makers import START, at

ZERO = Decimal(0)
CURVES = st.lists(
    st.tuples(st.decimals(-100, 10_000, places=2), st.integers(0, 30 * 60)), min_size=1, max_size=40
)


def make() -> Equity:
    """Equity with the thresholds of the defaults."""
    return Equity(DrawdownSettings(), DailyLossSettings(), 0.2)


def timed(curve: list[tuple[Decimal, int]]) -> list[tuple[Decimal, datetime]]:
    """Equities with their times, each some minutes after the one before."""
    time, found = START, []
    for equity, minutes in curve:
        time += timedelta(minutes=minutes)
        found.append((equity, time))
    return found


def slow_fall(start: Decimal, now: Decimal) -> float:
    """A loss as a fraction, worked out from scratch."""
    if now <= 0:
        return 1.0
    return 0.0 if start <= now else float(1 - now / start)


@given(CURVES)
def test_falls_are_those_of_the_whole_curve(curve: list[tuple[Decimal, int]]) -> None:
    """The peak is the maximum so far; the day begins with the last equity of the day before."""
    points, equity = timed(curve), make()
    for now, time in points:
        equity.update(now, ZERO, time)
    last, end = points[-1]
    earlier = [one for one, time in points if time.date() < end.date()]
    start = earlier[-1] if earlier else points[0][0]
    drawdown = equity.drawdown.metrics()["drawdown"]
    assert drawdown == pytest.approx(slow_fall(max(one for one, _ in points), last))
    assert equity.daily_loss.metrics()["daily_loss"] == pytest.approx(slow_fall(start, last))


def test_what_the_portfolio_knows_better_counts() -> None:
    """A portfolio that has seen a higher peak tells a deeper drawdown."""
    equity = make()
    equity.update(Decimal(100), Decimal("0.07"), START)
    assert equity.drawdown.metrics() == {"drawdown": 0.07}
    assert (equity.drawdown.demand, equity.daily_loss.demand) == (1, 0)


def test_thresholds_and_hysteresis() -> None:
    """10 % is defensive; back at 9 % it demands normal only, but is calm enough at 7.9 %."""
    equity, seen = make(), []
    for now in ("1000", "900", "910", "921", "951", "961"):
        equity.update(Decimal(now), ZERO, START)
        seen.append((equity.drawdown.demand, equity.drawdown.calm))
    assert seen == [(0, 0), (2, 2), (1, 2), (1, 1), (0, 1), (0, 0)]


def test_an_earlier_time_begins_no_day() -> None:
    """What comes late belongs to the day that is already under way."""
    equity = make()
    equity.update(Decimal(100), ZERO, at(30))
    equity.update(Decimal(95), ZERO, at(2))
    equity.update(Decimal(90), ZERO, at(31))
    assert equity.daily_loss.metrics() == {"daily_loss": 0.1}


def test_nothing_is_known_before_the_first_portfolio() -> None:
    """Without a portfolio the mode is at most normal, and the sentence says why."""
    equity = make()
    assert (equity.drawdown.demand, equity.daily_loss.calm) == (1, 1)
    assert equity.drawdown.sentence().startswith("drawdown is unknown")
    assert equity.drawdown.metrics() == equity.daily_loss.metrics() == {}


def test_sentences_have_the_numbers() -> None:
    """Who reads them can check them."""
    equity = make()
    equity.update(Decimal(100_000), ZERO, START)
    equity.update(Decimal(96_500), ZERO, START)
    assert equity.drawdown.sentence() == (
        "drawdown is 3.50% of the peak 100,000.00 (normal from 5.00%, defensive from 10.00%)"
    )
    assert equity.daily_loss.sentence() == (
        "daily loss is 3.50% of the first equity of the day, 100,000.00 "
        "(normal from 1.50%, defensive from 3.00%)"
    )


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_amount_is_too_large_or_too_small(amount: Decimal) -> None:
    """Any finite amount gives a fraction between nothing and all."""
    equity = make()
    for now in (amount, Decimal(1), amount):
        equity.update(now, ZERO, START)
        assert 0.0 <= equity.drawdown.metrics()["drawdown"] <= 1.0
