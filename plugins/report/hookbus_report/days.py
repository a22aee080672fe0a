"""Daily and monthly equity from whatever times it is known at. Days and months are those of UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from hookbus_report.metrics import Figure, total_return

__all__ = ["Month", "calendar_days", "daily_equity", "monthly_returns", "trading_days"]


class Month(NamedTuple):
    """The return of one month as a fraction, or why it has none."""

    year: int
    month: int
    value: Figure


def calendar_days(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def trading_days(first: date, last: date, with_bars: Iterable[date]) -> list[date]:
    """The days with at least one bar, and the last day in any case, so that nothing is left out.

    Without any bar: Monday to Friday.
    """
    known = set(with_bars)
    days = calendar_days(first, last)
    if not known:
        known = {day for day in days if day.weekday() < 5}
    return [day for day in days if day in known or day == last]


def daily_equity(
    start: float, closes: Mapping[date, float], days: Iterable[date]
) -> Iterator[tuple[date, float]]:
    """The last equity known at the end of each of `days`, in order.

    `closes` has the last equity of each day that has one; other days carry the last one forward,
    also that of a day that is not among `days`. Before the first it is `start`.
    """
    known = sorted(closes)
    at, equity = 0, start
    for day in days:
        while at < len(known) and known[at] <= day:
            equity = closes[known[at]]
            at += 1
        yield day, equity


def monthly_returns(start: float, daily: Iterable[tuple[date, float]]) -> list[Month]:
    """What equity gained from the end of each month to the end of the next, from `start` on."""
    months = []
    before = start
    for (year, month), days in groupby(daily, key=lambda one: (one[0].year, one[0].month)):
        *_, (_, after) = days
        months.append(Month(year, month, total_return(before, after)))
        before = after
    return months
