"""Cron lines against a reference that walks through time minute by minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from hookbus.clock import to_ns
from hookbus.scheduler.triggers import Cron
from hypothesis import given, settings
from hypothesis import strategies as st

MINUTE = timedelta(minutes=1)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Apia",
)


@dataclass(frozen=True)
class Line:
    """A cron line together with the values that its fields allow."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def matches(self, wall: datetime) -> bool:
        """Whether a local minute is one of the line's."""
        day, weekday = wall.day in self.days, wall.isoweekday() % 7 in self.weekdays
        right_day = day or weekday if self.either_day else day and weekday
        return wall.minute in self.minutes and wall.hour in self.hours and right_day


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> tuple[str, frozenset[int]]:
    """One field: a star, a step, a list or a range, with the values it means."""
    every = range(low, high + 1)
    kind = draw(st.sampled_from(("star", "step", "list", "range")))
    if kind == "star":
        return "*", frozenset(every)
    if kind == "step":
        step = draw(st.integers(1, high))
        return f"*/{step}", frozenset(every[::step])
    if kind == "range":
        first, last = sorted((draw(st.sampled_from(every)), draw(st.sampled_from(every))))
        return f"{first}-{last}", frozenset(range(first, last + 1))
    chosen = draw(st.sets(st.sampled_from(every), min_size=1, max_size=4))
    return ",".join(map(str, sorted(chosen))), frozenset(chosen)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """A cron line over all months."""
    minute, hour = draw(fields(0, 59)), draw(fields(0, 23))
    day, weekday = draw(st.just(("*", frozenset(range(1, 32)))) | fields(1, 31)), draw(fields(0, 6))
    text = f"{minute[0]} {hour[0]} {day[0]} * {weekday[0]}"
    either = not (day[0].startswith("*") or weekday[0].startswith("*"))
    return Line(text, minute[1], hour[1], day[1], weekday[1], either)


@st.composite
def moments(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A zone and an instant, more often than not shortly before its clocks change."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    year = draw(st.integers(1995, 2036))
    changes = clock_changes(zone, year)
    near: bool = draw(st.booleans())
    if changes and near:
        start = draw(st.sampled_from(changes)) - timedelta(minutes=draw(st.integers(0, 2000)))
    else:
        start = datetime(year, 1, 1, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 525_000)))
    return zone, start + timedelta(seconds=draw(st.integers(0, 59)))


@cache
def clock_changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """The hours of a year at which the zone's offset changes."""
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(8760)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    return [hours[n] for n in range(1, 8760) if offsets[n] != offsets[n - 1]]


def reference(line: Line, zone: ZoneInfo, start: datetime, end: datetime) -> list[int]:
    """The due instants in `(start, end]`, found by looking at the wall every minute."""
    instant = start.replace(second=0, microsecond=0)
    found = []
    while (instant := instant + MINUTE) <= end:
        if is_due(line, (instant - MINUTE).astimezone(zone), instant.astimezone(zone)):
            found.append(to_ns(instant))
    return found


def is_due(line: Line, before: datetime, wall: datetime) -> bool:
    """Whether a line is due when the wall shows `wall`, a minute after it showed `before`."""
    if len(line.hours) == 24:
        return line.matches(wall)
    return (line.matches(wall) and wall.fold == 0) or skipped(line, before, wall)


def skipped(line: Line, before: datetime, wall: datetime) -> bool:
    """Whether the wall clock jumped over a minute of the line between two looks."""
    passed = before.replace(tzinfo=None) + MINUTE
    while passed < wall.replace(tzinfo=None):
        if line.matches(passed):
            return True
        passed += MINUTE
    return False


@settings(max_examples=300, deadline=None)
@given(lines(), moments())
def test_due_instants_agree_with_the_reference(
    line: Line, moment: tuple[ZoneInfo, datetime]
) -> None:
    """For any line, zone and instant the runs of the next three days are those on the wall."""
    zone, start = moment
    end = start + timedelta(days=3)
    walk = Cron(line.text, zone).walk(to_ns(start))
    assert list(takewhile(lambda due: due <= to_ns(end), walk)) == reference(line, zone, start, end)


@settings(max_examples=300, deadline=None)
@given(lines(), moments(), st.integers(0, 4000), st.integers(1, 10))
def test_arithmetic_agrees_with_the_walk(
    line: Line, moment: tuple[ZoneInfo, datetime], minutes: int, limit: int
) -> None:
    """Count, latest and last answer without visiting what the walk visits one by one."""
    zone, start = moment
    low, high = to_ns(start), to_ns(start + timedelta(minutes=minutes))
    trigger = Cron(line.text, zone)
    visited = list(takewhile(lambda due: due <= high, trigger.walk(low)))
    assert trigger.count(low, high) == len(visited)
    assert trigger.latest(low, high) == (visited[-1] if visited else None)
    assert trigger.last(low, high, limit) == visited[-limit:]
