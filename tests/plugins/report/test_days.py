"""Daily and monthly equity from whatever times it is known at."""

from __future__ import annotations

from datetime import date

import pytest
from hookbus_report.days import calendar_days, daily_equity, monthly_returns, trading_days
from hypothesis import given
from hypothesis import strategies as st

MONDAY = date(2024, 1, 1)


def day(number: int) -> date:
    """A day of January 2024, whose first is a Monday."""
    return date(2024, 1, number)


def test_a_day_without_an_update_carries_the_last_equity_forward() -> None:
    """Before the first update it is the equity of the beginning."""
    closes = {day(2): 110.0, day(4): 90.0}
    daily = list(daily_equity(100.0, closes, calendar_days(day(1), day(5))))
    assert daily == [
        (day(1), 100.0), (day(2), 110.0), (day(3), 110.0), (day(4), 90.0), (day(5), 90.0)
    ]  # fmt: skip


def test_what_happened_on_a_day_that_does_not_count_shows_on_the_next_that_does() -> None:
    """With trading days alone, the equity of a Sunday is that of the Monday after it."""
    closes = {day(5): 110.0, day(7): 120.0}
    days = trading_days(day(5), day(8), {day(5), day(8)})
    assert list(daily_equity(100.0, closes, days)) == [(day(5), 110.0), (day(8), 120.0)]


def test_trading_days_are_those_with_a_bar_and_the_last() -> None:
    """The end of the run is never left out, and without any bar it is Monday to Friday."""
    assert trading_days(day(1), day(7), {day(2), day(3)}) == [day(2), day(3), day(7)]
    assert trading_days(day(1), day(10), ()) == [day(n) for n in (1, 2, 3, 4, 5, 8, 9, 10)]


def test_months_follow_one_another() -> None:
    """January from the first equity, February from the end of January, together the whole."""
    daily = [(date(2024, 1, 31), 110.0), (date(2024, 2, 1), 99.0), (date(2024, 2, 29), 121.0)]
    january, february = monthly_returns(100.0, daily)
    assert january == (2024, 1, pytest.approx(0.1))
    assert february == (2024, 2, pytest.approx(0.1))


@given(st.dictionaries(st.integers(0, 400), st.floats(1, 1000), max_size=30), st.floats(1, 1000))
def test_months_together_are_the_whole_return(updates: dict[int, float], start: float) -> None:
    """Whatever days have updates, the product of all months is what was gained in all."""
    days = calendar_days(MONDAY, date.fromordinal(MONDAY.toordinal() + 400))
    closes = {days[number]: value for number, value in updates.items()}
    daily = list(daily_equity(start, closes, days))
    product = 1.0
    for month in monthly_returns(start, daily):
        assert isinstance(month.value, float)
        product *= 1 + month.value
    assert product == pytest.approx(daily[-1][1] / start)
    assert len(daily) == 401
