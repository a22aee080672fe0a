"""Drawdowns, against a definition that looks at every pair of points."""

from __future__ import annotations

from datetime import timedelta

from hookbus_report.drawdown import Drawdown, Drawdowns
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.report.makers import START, after

DAY = timedelta(days=1)

some_equity = st.lists(st.integers(1, 12).map(float), min_size=1, max_size=40)


def followed(values: list[float]) -> Drawdowns:
    """Drawdowns of one value a day."""
    drawdowns = Drawdowns()
    for day, value in enumerate(values):
        drawdowns.add(START + day * DAY, value)
    return drawdowns


def test_a_fall_and_its_recovery_by_hand() -> None:
    """From 120 to 90 is a quarter; it is over on the first day at 120 or more."""
    drawdowns = followed([100, 120, 110, 90, 100, 125, 124])
    assert drawdowns.deepest == Drawdown(0.25, after(days=1), after(days=3), after(days=5))
    assert drawdowns.longest(after(days=6)) == 4 * DAY


def test_a_fall_without_recovery_lasts_to_the_end() -> None:
    """What has not been made good has no recovery, and its length counts up to the end."""
    drawdowns = followed([100, 80, 90])
    assert drawdowns.deepest == Drawdown(0.2, START, after(days=1), None)
    assert drawdowns.longest(after(days=10)) == 10 * DAY


def test_a_plateau_is_no_drawdown() -> None:
    """The fall begins on the last day at the peak, not on the first."""
    drawdowns = followed([100, 100, 100, 95, 100])
    assert drawdowns.deepest == Drawdown(0.05, after(days=2), after(days=3), after(days=4))


def test_equity_that_only_rises_has_none() -> None:
    """No fall, no length."""
    drawdowns = followed([100, 101, 102])
    assert drawdowns.deepest is None
    assert drawdowns.longest(after(days=10)) == timedelta(0)


def test_a_debt_has_no_peak_to_fall_from() -> None:
    """While nothing was above zero there is no fraction of it."""
    drawdowns = followed([-5, -10])
    assert (drawdowns.deepest, drawdowns.has_peak) == (None, False)


def test_a_fall_below_zero_is_more_than_all() -> None:
    """With borrowed money more can be lost than there was."""
    deepest = followed([100, -50]).deepest
    assert deepest is not None
    assert deepest.depth == 1.5


def deepest_by_pairs(values: list[float]) -> float:
    """The largest fall from any point to a later one, as a fraction of the first."""
    pairs = [(a, b) for at, a in enumerate(values) for b in values[at:]]
    return max((a - b) / a for a, b in pairs)


def longest_by_pairs(values: list[float]) -> int:
    """The most days from a point to the next that is as high, all between being lower."""
    longest = 0
    for at, peak in enumerate(values):
        if peak < max(values[: at + 1]) or values[at + 1 : at + 2] == [peak]:
            continue
        later = [day for day in range(at + 1, len(values)) if values[day] >= peak]
        end = later[0] if later else len(values) - 1
        if end > at + 1 or (end == at + 1 and not later):
            longest = max(longest, end - at)
    return longest


@given(some_equity)
def test_depth_and_length_are_those_of_the_definition(values: list[float]) -> None:
    """The walk finds what comparing every pair of points finds."""
    drawdowns = followed(values)
    depth = drawdowns.deepest.depth if drawdowns.deepest else 0.0
    assert depth == deepest_by_pairs(values)
    end = START + (len(values) - 1) * DAY
    assert drawdowns.longest(end) == longest_by_pairs(values) * DAY


@given(some_equity)
def test_the_deepest_fall_leads_from_its_peak_to_its_trough(values: list[float]) -> None:
    """Its three instants are those of genuine points with the values that it speaks of."""
    deepest = followed(values).deepest
    if deepest is None:
        return
    at = {START + day * DAY: value for day, value in enumerate(values)}
    peak, trough = at[deepest.peak], at[deepest.trough]
    assert deepest.depth == (peak - trough) / peak
    assert deepest.peak < deepest.trough
    if deepest.recovery is not None:
        assert at[deepest.recovery] >= peak
        assert all(v < peak for t, v in at.items() if deepest.peak < t < deepest.recovery)
