"""Latencies are counted in little memory, and their percentiles are close to the true ones."""

from __future__ import annotations

import math

import pytest
from hookbus_fastpath.latency import Latencies, seconds_text
from hypothesis import given
from hypothesis import strategies as st


def counted(*durations: int) -> Latencies:
    """Latencies of these nanoseconds."""
    latencies = Latencies()
    for duration in durations:
        latencies.add(duration)
    return latencies


@given(st.lists(st.integers(0, 10**13), min_size=1), st.floats(0.1, 100))
def test_a_percentile_is_at_most_a_thirty_second_too_long(
    durations: list[int], percent: float
) -> None:
    """It is the nearest rank of the sorted durations, rounded up to the end of a bucket."""
    exact = sorted(durations)[math.ceil(len(durations) * percent / 100) - 1]
    found = counted(*durations).percentile(percent)
    assert exact <= found <= exact + exact / 32
    assert found <= max(durations)


def test_memory_depends_on_the_range_and_not_on_the_number() -> None:
    """A hundred thousand durations between 1 µs and 100 ms need a few hundred buckets."""
    latencies = counted(*range(1_000, 100_000_000, 1_000))
    assert len(latencies) == 99_999
    assert len(latencies.buckets) < 17 * 32


def test_nothing_counted_has_no_percentile() -> None:
    """No tick, no latency."""
    assert (len(Latencies()), Latencies().percentile(99)) == (0, 0)


def test_a_clock_that_was_set_back_makes_no_negative_latency() -> None:
    """The duration counts as none."""
    assert counted(-5).percentile(50) == 0


def test_parts_are_put_together() -> None:
    """The percentiles of all runners are those of all durations."""
    whole = Latencies([counted(1, 2), counted(3, 40)])
    assert (len(whole), whole.worst, whole.percentile(75)) == (4, 40, 3)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0.0 µs"), (1_500, "1.5 µs"), (2_500_000, "2.5 ms"), (3_000_000_000, "3.0 s")],
)
def test_durations_have_a_unit_that_suits_them(nanoseconds: int, text: str) -> None:
    """Nobody counts zeros."""
    assert seconds_text(nanoseconds) == text
