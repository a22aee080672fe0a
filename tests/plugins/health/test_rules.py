"""The rules over failures, queues and the machine, and the board that they report to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hookbus_health.board import SYSTEM, Board, Change
from hookbus_health.errors import ErrorRate
from hookbus_health.levels import SECOND, SEVERITY, Finding, Thresholds, worst
from hookbus_health.machine import MIB, Disk, LoopLag, Memory
from hookbus_health.queues import QueueFill
from hookbus_health.report import summary_rows
from hookbus_health.settings import ErrorSettings, QueueSettings
from hookbus_health.status import Damping
from hookbus_trading.fields import HealthLevel
from hypothesis import given
from hypothesis import strategies as st

ANY = Thresholds(degraded=0.0, degraded_leave=0.0, critical=1e9, critical_leave=1e9)
"""Whatever is above nothing is degraded."""


def errors(window: int = 60) -> ErrorRate:
    """The rule with its default thresholds."""
    return ErrorRate(ErrorSettings().thresholds, window)


def test_more_than_five_failures_a_minute_are_degraded() -> None:
    """The sixth within a minute is one too many, and the thirty-first is critical."""
    rule = errors()
    levels = [rule.failed("hookbus.job.failed", number * SECOND).level for number in range(31)]
    assert (levels.index("degraded"), levels.index("critical")) == (5, 30)


def test_failures_that_are_past_no_longer_count() -> None:
    """The rule says when the oldest failure leaves the window, second by second."""
    rule = errors()
    for number in range(6):
        rule.failed("runner.failed", number * SECOND)
    assert rule.due_ns == 60 * SECOND
    assert rule.look(60 * SECOND - 1) == []
    (still,) = rule.look(60 * SECOND)
    assert (
        still.reason
        == "the error rate is 5 a minute, not yet back at 4.5 a minute; the last: runner.failed"
    )
    (well,) = rule.look(61 * SECOND)
    assert (well.level, well.metrics["errors"], rule.due_ns) == ("healthy", 4, None)


def test_a_short_window_gives_a_rate_per_minute_too() -> None:
    """Two failures in ten seconds are twelve a minute."""
    rule = errors(window=10)
    rule.failed("x", 0)
    assert rule.failed("x", 1).metrics["errors_per_minute"] == 12


def test_a_flood_of_failures_is_counted_whole_and_costs_no_memory() -> None:
    """A handler that fails a hundred thousand times a minute is when it is needed most."""
    rule = errors()
    for number in range(100_000):
        finding = rule.failed("x", number * SECOND // 1000)
    assert finding.metrics["errors"] == 60_000
    assert len(rule._seconds) == 60


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(1, 60))
def test_the_count_is_that_of_the_window(gaps: Sequence[int], window: int) -> None:
    """As counted by somebody who keeps every failure."""
    rule, times, now = errors(window), [], 0
    for gap in gaps:
        now += gap
        times.append(now)
        finding = rule.failed("x", now * SECOND)
        assert finding.metrics["errors"] == sum(time > now - window for time in times)


def test_a_queue_is_as_full_as_it_warned_until_it_has_been_quiet() -> None:
    """Every queue is a component, with a recovery of its own."""
    rule = QueueFill(QueueSettings().thresholds, 60.0)
    orders = rule.warned("a.orders", 80, 100, 0)
    ring = rule.warned("b.on_bar", 1024, 1024, 10 * SECOND)
    assert (orders.component, orders.level) == ("queue:a.orders", "degraded")
    assert orders.reason == "the fill is 80%, above 75% (80 of 100)"
    assert (ring.component, ring.level) == ("queue:b.on_bar", "critical")
    assert rule.due_ns == 60 * SECOND
    assert [one.component for one in rule.look(60 * SECOND)] == ["queue:a.orders"]
    assert [one.level for one in rule.look(70 * SECOND)] == ["healthy"]
    assert rule.due_ns is None


def test_another_warning_lengthens_the_quiet() -> None:
    """A queue that fills again and again is not well in between."""
    rule = QueueFill(QueueSettings().thresholds, 60.0)
    rule.warned("a", 80, 100, 0)
    rule.warned("a", 80, 100, 50 * SECOND)
    assert rule.look(60 * SECOND) == []


def test_the_lag_names_who_blocked_the_loop() -> None:
    """What the host knows of the culprit is passed on."""
    rule = LoopLag(Thresholds(0.25, 0.2, 2.0, 1.8))
    assert rule.measured(-0.1).level == "healthy"
    assert rule.measured(0.3).reason == "the lag is 0.300 s, above 0.250 s"
    finding = rule.blocked(5.0, "strategy")
    assert finding.level == "critical"
    assert finding.reason.endswith("strategy blocked the event loop")


def test_the_memory_is_that_of_this_process() -> None:
    """Measured on the real process: as a fraction of the limit, with the figures."""
    ballast = bytearray(os.urandom(64 * MIB))
    report = Memory(Thresholds(0.5, 0.5, 1.0, 1.0), limit=32 * MIB).check()
    assert (report.level, report.metrics["limit_mib"]) == ("critical", 32.0)
    assert report.metrics["used_mib"] > len(ballast) / MIB
    assert Memory(Thresholds(0.999, 0.9, 1.0, 1.0), limit=None).check().level == "healthy"


def test_the_disk_is_that_of_the_path(tmp_path: Path) -> None:
    """Measured on the real disk."""
    report = Disk(ANY, tmp_path).check()
    assert report.level == "degraded"
    assert 0 < report.metrics["fraction"] <= 1
    assert str(tmp_path) in report.reason
    with pytest.raises(FileNotFoundError):
        Disk(ANY, tmp_path / "missing").check()


def finding(component: str, level: HealthLevel, reason: str = "so") -> Finding:
    """What somebody found."""
    return Finding(component, level, reason, {"x": 1.0})


def test_the_system_is_as_bad_as_its_worst_component() -> None:
    """It changes only when the worst does, and says which component it is."""
    board, now = Board(), Damping()
    assert board.report(finding("a", "healthy"), now, 0) == []
    assert board.report(finding("a", "degraded", "slow"), now, 0) == [
        Change("a", "degraded", "healthy", "slow", {"x": 1.0}),
        Change(SYSTEM, "degraded", "healthy", "a: slow", counts(1, degraded=1)),
    ]
    assert [one.component for one in board.report(finding("b", "degraded"), now, 0)] == ["b"]
    assert [one.component for one in board.report(finding("a", "healthy"), now, 0)] == ["a"]
    assert board.report(finding("b", "healthy"), now, 0)[-1] == Change(
        SYSTEM, "healthy", "degraded", "every component is healthy", counts(2, healthy=2)
    )


def counts(components: int, **levels: float) -> dict[str, float]:
    """The figures of the system."""
    return {"components": components, "healthy": 0, "degraded": 0, "critical": 0, **levels}


def test_several_bad_components_are_counted_in_the_reason() -> None:
    """A person reads the first and how many more there are."""
    board = Board()
    board.report(finding("a", "degraded"), Damping(), 0)
    board.report(finding("b", "degraded"), Damping(), 0)
    board.report(finding("c", "critical"), Damping(), 0)
    changes = board.report(finding("c", "healthy"), Damping(), 0)
    assert changes[-1].reason == "a and 1 more: so"


def test_the_same_again_changes_nothing() -> None:
    """A duplicate of an observation is no news."""
    board = Board()
    board.report(finding("a", "critical"), Damping(), 0)
    assert board.report(finding("a", "critical"), Damping(), 1) == []


def test_the_board_says_when_somebody_recovers() -> None:
    """The earliest of all recoveries is due, and is told with what was found last."""
    board = Board()
    for name, recovery in (("a", 50), ("b", 20)):
        board.report(finding(name, "critical"), Damping(1, recovery), 0)
        board.report(finding(name, "healthy", "fine again"), Damping(), 10)
    assert board.due_ns == 30
    assert board.settle(29) == []
    assert [(one.component, one.reason) for one in board.settle(30)] == [("b", "fine again")]
    assert [one.component for one in board.settle(60)] == ["a", SYSTEM]
    assert board.due_ns is None


def test_the_summary_has_the_worst_and_the_number_of_changes() -> None:
    """Components that were always well are counted, the others are named."""
    board = Board()
    assert summary_rows(board) == (("system", "always healthy"), ("Always healthy", "0 components"))
    for level in ("degraded", "critical", "healthy"):
        board.report(finding("a", level), Damping(), 0)
    board.report(finding("b", "healthy"), Damping(), 0)
    assert summary_rows(board) == (
        ("system", "worst critical, now healthy, 3 changes"),
        ("a", "worst critical, now healthy, 3 changes"),
        ("Always healthy", "1 component"),
    )


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(list(SEVERITY)), st.integers(0, 30)),
        max_size=60,
    )
)
def test_changes_tell_the_whole_story(steps: list[tuple[str, HealthLevel, int]]) -> None:
    """Whoever only hears the changes knows every status, and the system is the worst of them."""
    board, now = Board(), 0
    heard: dict[str, HealthLevel] = {}
    for name, level, gap in steps:
        now += gap
        for change in [
            *board.settle(now),
            *board.report(finding(name, level), Damping(1, 20), now),
        ]:
            assert change.previous == heard.get(change.component, "healthy")
            assert change.status != change.previous
            heard[change.component] = change.status
        known = {name: one.status.level for name, one in board.components.items()}
        assert known == {name: heard.get(name, "healthy") for name in known}
        assert heard.get(SYSTEM, "healthy") == worst(known.values())
