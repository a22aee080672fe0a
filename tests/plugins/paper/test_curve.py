"""The equity curve: one point per instant, peak and deepest fall, bounded memory."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hookbus_paper.portfolio.curve import EquityCurve
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.paper.makers import at

EQUITIES = st.lists(st.integers(1, 2000).map(Decimal), min_size=1, max_size=60)


def curve_of(equities: list[Decimal], limit: int = 10_000) -> EquityCurve:
    """A curve that starts at 1000, with one point a minute."""
    curve = EquityCurve(Decimal(1000), limit)
    for minute, equity in enumerate(equities):
        curve.record(at(minute), equity)
    return curve


@given(EQUITIES)
def test_the_deepest_fall_is_the_one_that_brute_force_finds(equities: list[Decimal]) -> None:
    """Over every pair of an earlier and a later point, the start included, none falls deeper."""
    way = [Decimal(1000), *equities]
    falls = [1 - later / earlier for start, earlier in enumerate(way) for later in way[start:]]
    curve = curve_of(equities)
    assert curve.maximum_drawdown == pytest.approx(max(falls), abs=Decimal("1e-11"))
    assert curve.drawdown == pytest.approx(1 - way[-1] / max(way), abs=Decimal("1e-11"))


@given(EQUITIES, st.lists(st.integers(1, 5000).map(Decimal), max_size=5))
def test_what_exists_only_within_an_instant_leaves_no_trace(
    equities: list[Decimal], passing: list[Decimal]
) -> None:
    """Equity between two fills of one instant is neither a peak nor a fall."""
    curve = EquityCurve(Decimal(1000))
    for minute, equity in enumerate(equities):
        for between in passing:
            curve.record(at(minute), between)
        curve.record(at(minute), equity)
    expected = curve_of(equities)
    assert curve.maximum_drawdown == expected.maximum_drawdown
    assert curve.points == expected.points


def test_a_record_from_the_past_belongs_to_the_open_point() -> None:
    """A late fill, or one without a time, corrects the last point and makes none of its own."""
    curve = curve_of([Decimal(1000), Decimal(1100)])
    curve.record(at(0), Decimal(1050))
    curve.record(None, Decimal(1060))
    assert curve.points == [(at(0), 1000), (at(1), 1060)]


@given(st.integers(1, 300), st.integers(2, 20))
def test_a_long_run_keeps_a_bounded_curve_with_even_steps(count: int, limit: int) -> None:
    """Points are thinned to the limit, evenly, and the open one is always there."""
    curve = curve_of([Decimal(minute) for minute in range(1, count + 1)], limit)
    points = curve.points
    assert len(points) <= limit + 1
    assert points[-1] == (at(count - 1), count)
    steps = {later[0] - earlier[0] for earlier, later in pairwise(points[:-1])}
    assert len(steps) <= 1
