"""Silent feeds: measured in the intervals of each feed, within the hours that count."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hookbus_health.heartbeat import Heartbeat
from hookbus_health.hours import Always, Hours, Sessions
from hookbus_health.levels import SECOND
from hypothesis import given
from hypothesis import strategies as st

MINUTE = 60 * SECOND


def heartbeat(hours: Hours | None = None, **options: float) -> Heartbeat:
    """The rule for bars."""
    return Heartbeat("bars", 3.0, 10.0, hours or Always(), **options)


def test_a_feed_is_judged_in_intervals_of_its_bars() -> None:
    """Three intervals may pass; a moment later it is degraded, and after ten it is critical."""
    rule = heartbeat()
    rule.seen("BTC", 0, 60.0)
    assert rule.due_ns == 3 * MINUTE + 1
    (degraded,) = rule.look(3 * MINUTE + 1)
    assert (degraded.component, degraded.level) == ("bars:BTC", "degraded")
    assert degraded.reason == "nothing came for 180 s, more than 3 intervals of 60 s"
    assert rule.due_ns == 10 * MINUTE + 1
    (critical,) = rule.look(10 * MINUTE + 1)
    assert critical.level == "critical"
    assert rule.due_ns is None


def test_a_feed_that_comes_back_is_found_well_and_watched_again() -> None:
    """The next silence counts from there, also after a short one."""
    for silence in (4, 30):
        rule = heartbeat()
        rule.seen("BTC", 0, 60.0)
        rule.look(silence * MINUTE)
        finding = rule.seen("BTC", silence * MINUTE, 60.0)
        assert finding is not None
        assert (finding.level, finding.reason) == ("healthy", "something came")
        again = (silence + 3) * MINUTE + 1
        assert rule.look(again - 1) == []
        assert [one.level for one in rule.look(again)] == ["degraded"]


def test_a_feed_that_is_well_makes_no_findings() -> None:
    """Only the first bar is told, so that the feed is known; the rest costs nothing."""
    rule = heartbeat()
    findings = [rule.seen("BTC", minute * MINUTE, 60.0) for minute in range(100)]
    assert findings[0] is not None
    assert findings[1:] == [None] * 99
    assert rule.look(99 * MINUTE) == []


def test_each_symbol_has_an_interval_of_its_own() -> None:
    """An hourly feed beside one of minutes is not silent when that one is."""
    rule = heartbeat()
    rule.seen("FAST", 0, 60.0)
    rule.seen("SLOW", 0, 3600.0)
    assert [one.component for one in rule.look(3600 * SECOND)] == ["bars:FAST"]
    assert [one.component for one in rule.look(4 * 3600 * SECOND)] == ["bars:SLOW"]


def test_an_interval_that_is_set_counts_before_that_of_the_bars() -> None:
    """A person knows better."""
    rule = heartbeat(interval=10.0)
    rule.seen("BTC", 0, 60.0)
    assert rule.due_ns == 30 * SECOND + 1


def test_without_an_interval_the_usual_gap_is_learned() -> None:
    """Five gaps are needed; one long gap among them, such as a weekend, changes nothing."""
    rule = heartbeat()
    for hour in (0, 1, 2, 50, 51, 52):
        assert rule.due_ns is None
        rule.seen("BTC", hour * 3600 * SECOND)
    assert rule.due_ns == 55 * 3600 * SECOND + 1


def test_several_at_one_instant_teach_nothing() -> None:
    """Ticks in a burst must not make the interval zero."""
    rule = heartbeat()
    for _ in range(100):
        rule.seen("BTC", 0)
    assert rule.due_ns is None


def test_an_interval_is_at_least_the_shortest() -> None:
    """Ticks every few milliseconds must not make a second of silence a catastrophe."""
    rule = heartbeat(shortest=5.0)
    for tick in range(20):
        rule.seen("BTC", tick * SECOND // 1000)
    assert rule.due_ns == 19 * SECOND // 1000 + 15 * SECOND + 1 - 14 * SECOND // 1000


@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.integers(0, 40), st.sampled_from([1.0, 4.0])),
        max_size=60,
    ),
    st.integers(0, 60),
)
def test_the_level_is_that_of_the_silence_whenever_it_is_looked_at(
    steps: list[tuple[str, int, float]], rest: int
) -> None:
    """Being woken only when something is due, the rule knows what one knows who always looks."""
    rule, now = heartbeat(), 0
    last: dict[str, tuple[int, float]] = {}
    levels: dict[str, str] = {}

    def pass_time(until: int) -> None:
        while rule.due_ns is not None and rule.due_ns <= until:
            levels.update({one.component: one.level for one in rule.look(rule.due_ns)})
        for symbol, (seen, interval) in last.items():
            silent = (until - seen) / (interval * SECOND)
            expected = "critical" if silent > 10 else "degraded" if silent > 3 else "healthy"
            assert levels[f"bars:{symbol}"] == expected

    for symbol, gap, interval in steps:
        now += gap * SECOND
        pass_time(now)
        found = rule.seen(symbol, now, interval)
        if found is not None:
            levels[found.component] = found.level
        last[symbol] = (now, interval)
    pass_time(now + rest * SECOND)


def test_a_feed_that_comes_and_goes_costs_no_memory() -> None:
    """Deadlines that are out of date are dropped when their time has come, and not renewed."""
    rule = heartbeat()
    for number in range(500):
        rule.look(5 * number * MINUTE)
        rule.seen("BTC", 5 * number * MINUTE, 60.0)
    assert len(rule._dues) < 5


def ns(text: str) -> int:
    """An instant in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


WEEK = Sessions(frozenset(range(5)), time(0), time(0), UTC)
NEW_YORK = Sessions(frozenset(range(5)), time(9, 30), time(16), ZoneInfo("America/New_York"))
FOREX = Sessions(frozenset({6, 0, 1, 2, 3}), time(17), time(17), ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    ("hours", "begin", "end", "expected"),
    [
        (WEEK, "2024-01-05 22:00", "2024-01-08 01:00", 3.0),
        (WEEK, "2024-01-06 10:00", "2024-01-07 10:00", 0.0),
        (WEEK, "2024-01-02 10:00", "2024-01-03 11:00", 25.0),
        (WEEK, "2024-01-03 11:00", "2024-01-02 10:00", 0.0),
        (NEW_YORK, "2024-01-05 20:00", "2024-01-08 15:00", 1.5),
        (NEW_YORK, "2024-07-05 20:00", "2024-07-08 15:00", 1.5),
        (NEW_YORK, "2024-01-01 00:00", "2024-01-08 00:00", 5 * 6.5),
        (FOREX, "2024-01-05 21:00", "2024-01-07 23:00", 2.0),
    ],
)
def test_only_time_in_sessions_counts(
    hours: Sessions, begin: str, end: str, expected: float
) -> None:
    """A weekend or a night is no silence, in summer and in winter."""
    assert hours.between(ns(begin), ns(end)) == expected * 3600 * SECOND


@given(
    st.sampled_from([WEEK, NEW_YORK, FOREX]),
    st.integers(ns("2024-03-01 00:00") // SECOND, ns("2024-04-10 00:00") // SECOND),
    st.integers(1, 10**6),
)
def test_later_is_the_inverse_of_between(hours: Sessions, begin: int, length: int) -> None:
    """When it is said to be due, exactly so much open time has passed; a day of summer time too."""
    due = hours.later(begin * SECOND, length * SECOND)
    assert hours.between(begin * SECOND, due) == length * SECOND


def test_a_closed_market_is_no_dead_feed() -> None:
    """Friday evening to Monday morning is silence only where the hours say so."""
    friday, monday = ns("2024-01-05 23:00"), ns("2024-01-08 00:00")
    for hours, due in ((Always(), friday + 3 * 3600 * SECOND), (WEEK, monday + 2 * 3600 * SECOND)):
        rule = heartbeat(hours)
        rule.seen("EURUSD", friday, 3600.0)
        assert rule.due_ns == due + 1


def test_gaps_are_learned_in_hours_that_count() -> None:
    """A feed of daily closes learns one day, over weekends as well."""
    rule = heartbeat(WEEK)
    start = datetime(2024, 1, 1, 21, tzinfo=UTC)
    days = [start + timedelta(days=day) for day in range(12)]
    for day in (one for one in days if one.weekday() < 5):
        rule.seen("NVDA", int(day.timestamp()) * SECOND)
    assert rule.due_ns is not None
    gap = (rule.due_ns - 1 - int(days[7].timestamp()) * SECOND) / (3 * 24 * 3600 * SECOND)
    assert gap == 1.0
