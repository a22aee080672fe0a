"""The ratchet: never less defensive than demanded, one step per dwell, and no flapping."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hookbus_msc.levels import AGGRESSIVE, DEFENSIVE, NORMAL, Thresholds
from hookbus_msc.ratchet import Ratchet
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.msc.makers import SECOND


class Look(NamedTuple):
    """One observation, and the level after it."""

    time_ns: int
    demand: int
    calm: int
    level: int


LEVELS = st.integers(AGGRESSIVE, DEFENSIVE)
STEPS = st.lists(
    st.tuples(st.integers(0, 40), LEVELS, LEVELS).map(lambda s: (s[0], s[1], max(s[1], s[2]))),
    max_size=60,
)


def make(dwell: float, enough: int, level: int = NORMAL) -> Ratchet:
    """A ratchet at a level."""
    ratchet = Ratchet(dwell, enough)
    ratchet.level = level
    return ratchet


def play(ratchet: Ratchet, steps: list[tuple[int, int, int]]) -> list[Look]:
    """The history of a ratchet over some (seconds, demand, calm)."""
    now, looks = 0, []
    for seconds, demand, calm in steps:
        now += seconds * SECOND
        before = ratchet.level
        changed = ratchet.observe(demand, calm, now)
        assert changed == (ratchet.level != before)
        looks.append(Look(now, demand, calm, ratchet.level))
    return looks


def calm_run(looks: list[Look], end: int, level: int) -> list[Look]:
    """The observations in one stretch up to `end`, all at `level` and calm below it."""
    start = end
    while start > 0 and looks[start].calm < level and looks[start - 1].level == level:
        start -= 1
    first = start if looks[start].calm < level else start + 1
    return looks[first : end + 1]


@given(STEPS, st.integers(0, 60), st.integers(1, 6), LEVELS)
def test_what_holds_for_any_sequence(
    steps: list[tuple[int, int, int]], dwell: int, enough: int, before: int
) -> None:
    """Looking back over the whole history, every level is the one that the rules ask for."""
    looks = play(make(dwell, enough, before), steps)
    for index, look in enumerate(looks):
        assert look.level >= look.demand
        if look.demand > before:
            assert look.level == look.demand
        else:
            run = calm_run(looks, index, before)
            lasted = run[-1].time_ns - run[0].time_ns if run else 0
            due = len(run) >= enough and lasted >= dwell * SECOND
            assert look.level == (before - 1 if due else before)
        before = look.level


@given(STEPS, st.integers(1, 60), st.integers(1, 6), LEVELS)
def test_it_does_not_flap(
    steps: list[tuple[int, int, int]], dwell: int, enough: int, start: int
) -> None:
    """A relaxation comes a whole dwell after any other change, so there are few of them."""
    looks = play(make(dwell, enough, start), steps)
    changes = [(looks[0].time_ns, start)] if looks else []
    relaxed = 0
    for look in looks:
        time_ns, level = changes[-1]
        if look.level < level:
            relaxed += 1
            assert look.level == level - 1
            assert look.time_ns - time_ns >= dwell * SECOND
        if look.level != level:
            changes.append((look.time_ns, look.level))
    if looks:
        assert relaxed <= (looks[-1].time_ns - looks[0].time_ns) // (dwell * SECOND)


@given(st.lists(st.floats(0.081, 0.0999), min_size=1, max_size=50))
def test_within_the_hysteresis_nothing_changes(values: list[float]) -> None:
    """A figure that wanders between a threshold and its calm one moves the mode neither way."""
    limits = Thresholds.of(0.05, 0.10, 0.2)
    for level in (NORMAL, DEFENSIVE):
        looks = play(
            make(0, 1, level), [(60, limits.demand(one), limits.calm(one)) for one in values]
        )
        assert {look.level for look in looks} == {level}


@given(st.floats(0, 2), st.floats(0.01, 1), st.floats(0, 0.99))
def test_calm_is_never_below_demand(value: float, normal: float, hysteresis: float) -> None:
    """Whatever the thresholds, a level that is demanded now is not one to relax from."""
    limits = Thresholds.of(normal, normal * 2, hysteresis)
    assert limits.calm(value) >= limits.demand(value)


def test_a_threshold_that_is_reached_counts() -> None:
    """From 10 % on means at 10 % too."""
    limits = Thresholds.of(0.05, 0.10, 0.2)
    assert [limits.demand(one) for one in (0.0499, 0.05, 0.0999, 0.10)] == [0, 1, 1, 2]


def test_a_restart_goes_on_with_the_dwell_but_not_with_the_time_between() -> None:
    """Forty calm seconds before, a day without the host, and twenty after it make a minute."""
    ratchet = Ratchet(60, 1)
    ratchet.restore(DEFENSIVE, 5, 40.0, now_ns=86_400 * SECOND)
    assert ratchet.calm_seconds(86_400 * SECOND) == pytest.approx(40.0)
    assert not ratchet.observe(AGGRESSIVE, AGGRESSIVE, (86_400 + 19) * SECOND)
    assert ratchet.observe(AGGRESSIVE, AGGRESSIVE, (86_400 + 20) * SECOND)
    assert ratchet.level == NORMAL


def test_a_clock_that_is_set_back_only_delays() -> None:
    """Time that goes backwards makes no dwell longer than it was."""
    ratchet = make(60, 1, DEFENSIVE)
    assert not ratchet.observe(0, 0, 100 * SECOND)
    assert not ratchet.observe(0, 0, 50 * SECOND)
    assert ratchet.calm_seconds(50 * SECOND) == 0.0
    assert ratchet.observe(0, 0, 160 * SECOND)
