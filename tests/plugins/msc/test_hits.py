"""The hit rate: the last trades decide, as far as they prove anything."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
from hookbus_msc.hits import HitRate, wilson
from hookbus_msc.settings import HitRateSettings
from hypothesis import given
from hypothesis import strategies as st

Z = 1.645


def after(results: list[bool], **settings: Any) -> HitRate:
    """The hit rate after some trades."""
    hits = HitRate(HitRateSettings(**settings), 0.2)
    for won in results:
        hits.update(won=won)
    return hits


@given(st.integers(1, 400), st.data(), st.floats(0.1, 4))
def test_the_interval_solves_the_score_equation(trades: int, data: st.DataObject, z: float) -> None:
    """At both ends the observed rate is just z standard deviations of the end away."""
    won = data.draw(st.integers(0, trades))
    for end in wilson(won, trades, z):
        assert 0.0 <= end <= 1.0
        deviation = sqrt(end * (1 - end) / trades)
        assert abs(won / trades - end) == pytest.approx(z * deviation, abs=1e-6)


def test_published_figures_of_the_interval() -> None:
    """Newcombe (1998), method 3: 81 of 263 with z = 1.96 lies between 0.2553 and 0.3662."""
    low, high = wilson(81, 263, 1.959964)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@given(st.lists(st.booleans(), max_size=30), st.integers(10, 20))
def test_only_the_last_trades_count(results: list[bool], trades: int) -> None:
    """Older ones have no influence on any figure or level."""
    hits, last = after(results, trades=trades), after(results[-trades:], trades=trades)
    assert hits.metrics() == last.metrics()
    assert (hits.demand, hits.calm) == (last.demand, last.calm)
    if results:
        assert hits.metrics()["hit_rate"] == sum(results[-trades:]) / len(results[-trades:])


@pytest.mark.parametrize(
    ("won", "lost", "levels"),
    [
        (0, 0, (1, 1)),
        (9, 0, (1, 1)),
        (10, 0, (0, 0)),
        (6, 4, (0, 1)),
        (5, 5, (1, 1)),
        (1, 9, (1, 2)),
        (0, 9, (1, 1)),
        (0, 10, (2, 2)),
    ],
)
def test_few_trades_decide_nothing(won: int, lost: int, levels: tuple[int, int]) -> None:
    """Nine won or lost prove nothing; ten do, if they are clear enough."""
    hits = after([True] * won + [False] * lost)
    assert (hits.demand, hits.calm) == levels


def test_the_sentence_has_the_numbers() -> None:
    """Who reads it can check it."""
    assert after([]).sentence() == "hit rate is unknown: 0 of the 10 trades that it takes"
    assert after([True] * 3 + [False] * 7).sentence() == (
        "hit rate is 3 of 10 trades, between 12.7% and 55.8% (normal while the lower is below "
        "35.0%, defensive while the upper is below 30.0%)"
    )


def test_going_on_from_a_state_is_going_on() -> None:
    """A restart forgets no trade, and a smaller window drops the oldest."""
    hits = after([False] * 20 + [True] * 5)
    late = HitRate(HitRateSettings(), 0.2)
    late.restore(hits.state())
    assert (late.metrics(), late.demand, late.calm) == (hits.metrics(), hits.demand, hits.calm)
    smaller = HitRate(HitRateSettings(trades=8, minimum_trades=1), 0.2)
    smaller.restore(hits.state())
    assert smaller.metrics()["hit_rate"] == 5 / 8
