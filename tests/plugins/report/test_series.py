"""Thinning: whatever is left out, no extreme is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hookbus_report.series import Thinned
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.report.makers import START

SECOND = timedelta(seconds=1)

numbers = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=300)


def thinned(values: list[float], limit: int) -> Thinned:
    """A series with one value a second."""
    series = Thinned(limit)
    for at, value in enumerate(values):
        series.add(START + at * SECOND, value)
    return series


@given(numbers, st.integers(4, 40))
def test_what_is_kept_was_there_in_order_and_has_both_ends(values: list[float], limit: int) -> None:
    """Points are genuine, in the order of time, and never many more than the limit."""
    points = thinned(values, limit).points()
    given = [(START + at * SECOND, value) for at, value in enumerate(values)]
    assert set(points) <= set(given)
    assert [time for time, _ in points] == sorted({time for time, _ in points})
    assert (points[0], points[-1]) == (given[0], given[-1])
    assert len(points) <= limit + 4


@given(numbers, st.integers(4, 40))
def test_every_bucket_keeps_its_extremes(values: list[float], limit: int) -> None:
    """Within each group of neighbours the lowest and the highest value are kept."""
    series = thinned(values, limit)
    points = series.points()
    for start in range(0, len(values), series.size):
        bucket = values[start : start + series.size]
        times = {START + at * SECOND for at in range(start, start + len(bucket))}
        kept = [value for time, value in points if time in times]
        assert (min(kept), max(kept)) == (min(bucket), max(bucket))


def test_a_short_series_is_kept_whole() -> None:
    """Nothing is thinned that fits."""
    series = thinned([1.0, 3.0, 2.0, 5.0], 100)
    assert [value for _, value in series.points()] == [1.0, 3.0, 2.0, 5.0]
    assert not series.thinned


def test_a_single_spike_in_a_long_series_stays() -> None:
    """One bar in a hundred thousand is what a reader looks for."""
    values = [100.0] * 100_000
    values[54_321] = 250.0
    series = thinned(values, 2_000)
    assert (START + 54_321 * SECOND, 250.0) in series.points()
    assert len(series.points()) <= 2_004
    assert series.thinned
    assert series.count == 100_000


def test_an_empty_series_has_no_points() -> None:
    """A run without bars can be drawn."""
    assert Thinned(100).points() == []


@pytest.mark.parametrize("values", [[5.0, 1.0], [1.0, 5.0]])
def test_the_order_within_a_bucket_is_kept(values: list[float]) -> None:
    """A low before a high is drawn before it, and the other way round."""
    many = values * 100
    points = thinned(many, 4).points()
    assert [time for time, _ in points] == sorted(time for time, _ in points)
