"""Thresholds with hysteresis, and damping: quick to get worse, slow to get better."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hookbus_health.levels import SEVERITY, Finding, Ladder, Thresholds, worst
from hookbus_health.status import Damping
from hookbus_health.status import Status as FindingStatus
from hookbus_trading.fields import HealthLevel
from hypothesis import given
from hypothesis import strategies as st

THRESHOLDS = Thresholds(degraded=3.0, degraded_leave=2.0, critical=5.0, critical_leave=4.0)
LEVELS = st.sampled_from(list(SEVERITY))


class Status(FindingStatus):
    """A status that is told levels, for tests that care for nothing else."""

    def __init__(self, damping: Damping) -> None:
        super().__init__("x", damping)

    def see(self, level: HealthLevel, now_ns: int) -> bool:
        """Take a finding of that level."""
        return self.observe(Finding("x", level, f"{level} at {now_ns}", {}), now_ns)


def ladder() -> Ladder:
    """A ladder over plain numbers."""
    return Ladder(THRESHOLDS, "the load", lambda value: f"{value:g}")


def climb(values: Sequence[float]) -> list[HealthLevel]:
    """The levels after each of some values."""
    one, levels = ladder(), []
    for value in values:
        one.judge(value)
        levels.append(one.level)
    return levels


def changes(levels: Sequence[HealthLevel], start: HealthLevel = "healthy") -> int:
    """How many times a level differs from the one before it."""
    return sum(one != before for one, before in zip(levels, [start, *levels], strict=False))


def test_a_level_is_entered_above_its_threshold_and_left_at_the_other() -> None:
    """A threshold itself is still good enough; on the way back the other threshold counts."""
    values = [3.0, 3.1, 2.1, 2.0, 5.0, 5.1, 4.1, 4.0, 2.1, 2.0]
    assert climb(values) == [
        *("healthy", "degraded", "degraded", "healthy", "degraded"),
        *("critical", "critical", "degraded", "degraded", "healthy"),
    ]


def test_from_critical_it_can_be_healthy_at_once() -> None:
    """The ladder has no memory but its level; being slow is the damping's task."""
    assert climb([9.0, 0.0]) == ["critical", "healthy"]


def test_reasons_have_the_numbers() -> None:
    """A person reads which value crossed which threshold, and why it is still not well."""
    one = ladder()
    assert one.judge(5.5) == "the load is 5.5, above 5"
    assert one.judge(4.5) == "the load is 4.5, not yet back at 4"
    assert one.judge(2.5) == "the load is 2.5, not yet back at 2"
    assert one.judge(1.0) == "the load is 1"


TIMES = st.integers(1, 20)
"""Time between two observations, in nanoseconds."""


def follow(
    values: Sequence[float], gaps: Sequence[int], damping: Damping
) -> list[tuple[int, HealthLevel]]:
    """The status after each of some values, with the time of each."""
    one, status, now, followed = ladder(), Status(damping), 0, []
    for value, gap in zip(values, gaps, strict=True):
        now += gap
        one.judge(value)
        status.see(one.level, now)
        followed.append((now, status.level))
    return followed


@given(
    st.lists(st.tuples(st.floats(2.0, 4.0, exclude_min=True), TIMES), max_size=80),
    st.builds(Damping, st.integers(1, 4), st.integers(0, 100)),
)
def test_a_value_that_oscillates_around_a_threshold_changes_the_status_at_most_once(
    steps: list[tuple[float, int]], damping: Damping
) -> None:
    """However often it crosses 3: while it does not come back to 2, nothing gets better."""
    followed = follow([value for value, _ in steps], [gap for _, gap in steps], damping)
    assert changes([level for _, level in followed]) <= 1


@given(
    st.lists(st.tuples(st.floats(4.0, 9.0, exclude_min=True), TIMES), max_size=80),
    st.builds(Damping, st.just(1), st.integers(0, 100)),
)
def test_the_same_holds_around_the_upper_threshold(
    steps: list[tuple[float, int]], damping: Damping
) -> None:
    """Once critical, it stays so while the value does not come back to 4."""
    followed = follow(
        [9.0, *(value for value, _ in steps)], [1, *(gap for _, gap in steps)], damping
    )
    assert changes([level for _, level in followed]) == 1


@given(st.lists(st.tuples(st.floats(0.0, 9.0), TIMES), max_size=80), st.integers(1, 100))
def test_two_improvements_are_never_closer_than_the_recovery(
    steps: list[tuple[float, int]], recovery: int
) -> None:
    """Whatever a value does, its status cannot get better more often than once per recovery."""
    values, gaps = [value for value, _ in steps], [gap for _, gap in steps]
    before: HealthLevel = "healthy"
    improved = -recovery
    for now, level in follow(values, gaps, Damping(1, recovery)):
        if SEVERITY[level] < SEVERITY[before]:
            assert now - improved >= recovery
            improved = now
        before = level


@given(st.lists(st.tuples(LEVELS, TIMES), min_size=1, max_size=80), st.integers(0, 100))
def test_a_status_is_never_better_than_what_was_seen_within_the_recovery(
    steps: list[tuple[HealthLevel, int]], recovery: int
) -> None:
    """Good news must hold for as long as the recovery, and bad news counts at once."""
    status, now = Status(Damping(1, recovery)), 0
    seen: list[tuple[int, HealthLevel]] = []
    for level, gap in steps:
        now += gap
        status.see(level, now)
        seen.append((now, level))
        recent = [level for time, level in seen if time > now - recovery] or [level]
        assert SEVERITY[status.level] >= SEVERITY[worst(recent)]
    status.settle(now + recovery)
    status.settle(now + 2 * recovery)
    assert status.level == steps[-1][0]


def test_it_gets_better_to_the_worst_that_was_seen_meanwhile() -> None:
    """A short time of being healthy, then degraded, proves no more than degraded."""
    status = Status(Damping(1, 10))
    status.see("critical", 0)
    status.see("healthy", 1)
    status.see("degraded", 5)
    assert not status.settle(10)
    assert status.settle(11)
    assert (status.level, status.finding.reason) == ("degraded", "degraded at 5")


def test_it_goes_on_getting_better_by_itself() -> None:
    """An observation holds until the next one: with no more news the last good news counts."""
    status = Status(Damping(1, 10))
    status.see("critical", 0)
    status.see("degraded", 1)
    status.see("healthy", 2)
    assert status.due_ns == 11
    assert status.settle(11)
    assert (status.level, status.due_ns) == ("degraded", 21)
    assert status.settle(21)
    assert (status.level, status.due_ns) == ("healthy", None)


def test_a_relapse_begins_the_recovery_anew() -> None:
    """What was good for a while and then was not has proved nothing."""
    status = Status(Damping(1, 10))
    status.see("degraded", 0)
    status.see("healthy", 1)
    status.see("degraded", 9)
    status.see("healthy", 10)
    assert not status.settle(19)
    assert status.settle(20)


@pytest.mark.parametrize(("worse_after", "first"), [(1, 0), (2, 3), (3, 4)])
def test_it_may_take_several_bad_observations_in_a_row(worse_after: int, first: int) -> None:
    """A good one in between begins the count anew."""
    status = Status(Damping(worse_after, 0))
    levels: list[HealthLevel] = ["degraded", "healthy", "degraded", "degraded", "degraded"]
    changed = [status.see(level, now) for now, level in enumerate(levels)]
    assert changed.index(True) == first
