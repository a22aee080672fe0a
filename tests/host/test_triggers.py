"""When jobs are due: known days on which clocks change, and arithmetic over long spans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hookbus.clock import SECOND, from_ns, to_ns
from hookbus.errors import UsageError
from hookbus.scheduler.triggers import (
    Cron,
    Interval,
    Once,
    Trigger,
    TriggerError,
    instant_of,
    zone_of,
)
from hypothesis import given
from hypothesis import strategies as st

HOUR = 3600 * SECOND
DAY = 24 * HOUR


def local_runs(line: str, zone: str, start: str, count: int) -> list[str]:
    """The next runs of a cron line as local times with their offset."""
    tz = ZoneInfo(zone)
    trigger = Cron(line, tz)
    begin = to_ns(datetime.fromisoformat(start).replace(tzinfo=tz))
    return [
        from_ns(due).astimezone(tz).isoformat(timespec="minutes")
        for due in islice(trigger.walk(begin), count)
    ]


@pytest.mark.parametrize(
    ("zone", "start", "line", "expected"),
    [
        (
            "Europe/Berlin",
            "2026-03-28T12:00",
            "30 2 * * *",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
        ),
        (
            "America/New_York",
            "2026-03-07T12:00",
            "30 2 * * *",
            ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"],
        ),
        (
            "Australia/Lord_Howe",
            "2026-10-03T12:00",
            "15 2 * * *",
            ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"],
        ),
        (
            "Africa/Cairo",
            "2026-04-23T12:00",
            "0 0 * * *",
            ["2026-04-24T01:00+03:00", "2026-04-25T00:00+03:00"],
        ),
    ],
)
def test_a_skipped_local_time_runs_at_the_first_valid_instant(
    zone: str, start: str, line: str, expected: list[str]
) -> None:
    """A daily job is not lost on the spring day; it runs when the gap ends."""
    assert local_runs(line, zone, start, 2) == expected


@pytest.mark.parametrize(
    ("zone", "start", "line", "expected"),
    [
        (
            "Europe/Berlin",
            "2026-10-24T12:00",
            "30 2 * * *",
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
        ),
        (
            "America/New_York",
            "2026-10-31T12:00",
            "30 1 * * *",
            ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"],
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-04T12:00",
            "45 1 * * *",
            ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"],
        ),
    ],
)
def test_a_repeated_local_time_runs_once_on_its_first_pass(
    zone: str, start: str, line: str, expected: list[str]
) -> None:
    """A daily job runs once on the autumn day."""
    assert local_runs(line, zone, start, 2) == expected


def test_several_skipped_times_make_one_run() -> None:
    """Every quarter of a skipped hour falls on the end of the gap, which is one run."""
    assert local_runs("*/15 2-3 * * *", "Europe/Berlin", "2026-03-29T00:00", 3) == [
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:15+02:00",
        "2026-03-29T03:30+02:00",
    ]


def test_a_step_over_hours_means_local_times() -> None:
    """A line every two hours neither loses nor doubles its run when clocks change."""
    spring = local_runs("0 */2 * * *", "Europe/Berlin", "2026-03-28T23:00", 3)
    assert [run[11:] for run in spring] == ["00:00+01:00", "03:00+02:00", "04:00+02:00"]
    autumn = local_runs("0 */2 * * *", "Europe/Berlin", "2026-10-24T23:00", 3)
    assert [run[11:] for run in autumn] == ["00:00+02:00", "02:00+02:00", "04:00+01:00"]


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Europe/Berlin", "2026-03-29T00:00"),
        ("Europe/Berlin", "2026-10-25T00:00"),
        ("Australia/Lord_Howe", "2026-10-04T00:00"),
        ("Australia/Lord_Howe", "2026-04-05T00:00"),
    ],
)
def test_a_line_open_to_every_hour_keeps_its_pace_through_the_change(zone: str, start: str) -> None:
    """Every ten minutes stays every ten minutes of elapsed time, spring and autumn."""
    tz = ZoneInfo(zone)
    begin = to_ns(datetime.fromisoformat(start).replace(tzinfo=tz))
    runs = list(islice(Cron("*/10 * * * *", tz).walk(begin), 60))
    assert {later - sooner for sooner, later in pairwise(runs)} == {600 * SECOND}


def test_an_hourly_line_sees_every_full_wall_hour_on_lord_howe() -> None:
    """A half-hour gap neither loses the later minutes nor shifts the following runs."""
    assert local_runs("45 * * * *", "Australia/Lord_Howe", "2026-10-04T01:00", 3) == [
        "2026-10-04T01:45+10:30",
        "2026-10-04T02:45+11:00",
        "2026-10-04T03:45+11:00",
    ]


def test_seconds_and_special_days_are_understood() -> None:
    """Six fields begin with seconds; L is the last day, LW the last weekday of a month."""
    assert local_runs("0 18 LW * *", "UTC", "2026-05-01T00:00", 1) == ["2026-05-29T18:00+00:00"]
    assert local_runs("0 18 L * *", "UTC", "2026-05-01T00:00", 1) == ["2026-05-31T18:00+00:00"]
    trigger = Cron("*/20 * * * * *", ZoneInfo("UTC"))
    assert [due // SECOND for due in islice(trigger.walk(0), 3)] == [20, 40, 60]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("61 * * * *", "bad minute field"),
        ("* 24 * * *", "The hour field takes 0-23"),
        ("* * * *", "five fields"),
        ("", "five fields"),
        ("@daily", "five fields"),
        ("0 0 30 2 *", "day-of-month"),
        ("0 0 31 2 LW", "day-of-week"),
        ("* * " + "9" * 5000 + " * *", "day-of-month"),
    ],
)
def test_a_bad_cron_line_says_what_to_write(line: str, words: str) -> None:
    """The error names the key, the value, the field and its range."""
    with pytest.raises(TriggerError, match="cron = ") as caught:
        Cron(line, ZoneInfo("UTC"))
    assert words in str(caught.value)
    assert caught.value.key == "cron"
    assert caught.value.value == line


@given(st.text("0123456789*/-,L#W @MONJAé²", max_size=24))
def test_no_text_gets_past_the_parser_with_another_error(line: str) -> None:
    """Whatever a cron line holds, it is either a trigger or a TriggerError."""
    try:
        trigger: Trigger | None = Cron(line, ZoneInfo("UTC"))
    except TriggerError:
        trigger = None
    assert trigger is None or trigger.next_after(0) is not None


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin ", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Lord_Howe", "Australia/Lord_Howe"),
        ("../etc/passwd", None),
        ("", None),
    ],
)
def test_an_unknown_zone_suggests_the_nearest(name: str, meant: str | None) -> None:
    """A mistyped zone is a usage error that names the zone that is meant."""
    with pytest.raises(UsageError, match="no such time zone") as caught:
        zone_of(name)
    assert (meant or "Europe/Berlin") in str(caught.value)


def test_an_interval_does_not_drift() -> None:
    """Due instants are exact multiples from the anchor, whenever one asks."""
    trigger = Interval(every_ns=SECOND // 3, anchor_ns=7)
    assert list(islice(trigger.walk(7), 3)) == [7 + n * (SECOND // 3) for n in (1, 2, 3)]
    assert trigger.next_after(-DAY) == 7 + SECOND // 3


def test_a_single_instant_is_due_once() -> None:
    """A one-shot has one due instant and then none."""
    trigger = Once(at_ns=5)
    assert list(trigger.walk(0)) == [5]
    assert trigger.next_after(5) is None
    assert trigger.latest(0, 10) == 5
    assert trigger.latest(5, 10) is None


def test_counting_decades_is_exact() -> None:
    """Fifty years of minutes are counted to the last one, as a wrong clock may demand."""
    start, end = to_ns(datetime(1976, 1, 1, tzinfo=UTC)), to_ns(datetime(2026, 1, 1, tzinfo=UTC))
    trigger = Cron("* * * * *", ZoneInfo("Europe/Berlin"))
    assert trigger.count(start, end) == (end - start) // (60 * SECOND)
    assert trigger.last(start, end, 2) == [end - 60 * SECOND, end]
    assert trigger.latest(start, end + 1) == end


def test_after_a_step_back_hours_are_not_repeated_but_intervals_go_on() -> None:
    """A clock set back an hour neither repeats a daily job nor stalls a frequent one."""
    now = to_ns(datetime(2026, 6, 1, 9, 30, tzinfo=UTC))
    done = now + HOUR
    daily, frequent = (Cron(line, ZoneInfo("UTC")) for line in ("0 10 * * *", "*/5 * * * *"))
    assert daily.set_back(done, now, HOUR) == (daily, done)
    assert daily.set_back(now + 4 * HOUR, now, 4 * HOUR) == (daily, now)
    assert frequent.set_back(done, now, HOUR) == (frequent, now)
    assert Interval(SECOND, 0).set_back(done, now, HOUR) == (Interval(SECOND, -HOUR), now)
    assert Once(done).set_back(done, now, HOUR) == (Once(done), done)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-29T02:30", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25T02:30", "2026-10-25T00:30:00+00:00"),
        ("2026-06-01T10:00:00.5", "2026-06-01T08:00:00.500000+00:00"),
        ("2026-06-01T10:00:00Z", "2026-06-01T10:00:00+00:00"),
        (datetime(2026, 6, 1, tzinfo=UTC), "2026-06-01T00:00:00+00:00"),
    ],
)
def test_a_single_instant_may_be_local(at: datetime | str, expected: str) -> None:
    """A naive instant is local to the zone and follows the rules for changing clocks."""
    assert from_ns(instant_of(at, ZoneInfo("Europe/Berlin"))).isoformat() == expected


def test_a_bad_instant_says_how_to_write_one() -> None:
    """Text that is no date and time is named in the error."""
    with pytest.raises(TriggerError, match=r"at = .noon.: no date and time\. Write"):
        instant_of("noon", ZoneInfo("UTC"))


def test_a_whole_skipped_day_makes_one_run() -> None:
    """Samoa had no 30 December 2011; its daily job runs at the first instant of the 31st."""
    runs = local_runs("0 9 * * *", "Pacific/Apia", "2011-12-29T10:00", 2)
    assert runs == ["2011-12-31T00:00+14:00", "2011-12-31T09:00+14:00"]
    begin = to_ns(datetime(2011, 12, 29, 10, tzinfo=ZoneInfo("Pacific/Apia")))
    trigger = Cron("0 9 * * *", ZoneInfo("Pacific/Apia"))
    assert trigger.count(begin, begin + 2 * DAY) == len(
        [due for due in islice(trigger.walk(begin), 5) if due <= begin + 2 * DAY]
    )


def test_a_day_is_a_day_in_any_case() -> None:
    """A week-day line agrees with the calendar over a whole year."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    runs = Cron("0 8 * * 1-5", ZoneInfo("UTC")).count(
        to_ns(begin), to_ns(begin + timedelta(days=365))
    )
    assert runs == sum((begin + timedelta(days=n)).weekday() < 5 for n in range(365))
