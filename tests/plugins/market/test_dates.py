"""Which time formats are recognised, which are refused, and what is parsed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hookbus_market.dates import LocalTime, UnknownTimeFormat, checked, parser, recognise
from hypothesis import given
from hypothesis import strategies as st

NEW_YORK = ZoneInfo("America/New_York")

EXAMPLES = [
    ("2017-04-19", "iso", "2017-04-19T00:00:00"),
    ("2017-04-19 09:30", "iso", "2017-04-19T09:30:00"),
    ("2017-04-19 09:30:15", "iso", "2017-04-19T09:30:15"),
    ("2017-04-19T09:30:15.250", "iso", "2017-04-19T09:30:15.250"),
    ("2017-04-19T09:30:15Z", "iso", "2017-04-19T09:30:15"),
    ("2017-04-19T09:30:15+02:00", "iso", "2017-04-19T07:30:15"),
    ("2017-04-19 09:30:15-0500", "iso", "2017-04-19T14:30:15"),
    ("2017-4-9 9:05", "%Y-%m-%d %H:%M", "2017-04-09T09:05:00"),
    ("2017/04/19", "%Y/%m/%d", "2017-04-19T00:00:00"),
    ("2017.04.19 09:30", "%Y.%m.%d %H:%M", "2017-04-19T09:30:00"),
    ("20170419", "%Y%m%d", "2017-04-19T00:00:00"),
    ("20170419 093015", "%Y%m%d %H%M%S", "2017-04-19T09:30:15"),
    ("20170419 09:30:15", "%Y%m%d %H:%M:%S", "2017-04-19T09:30:15"),
    ("201704190930", "%Y%m%d%H%M", "2017-04-19T09:30:00"),
    ("20170419093015", "%Y%m%d%H%M%S", "2017-04-19T09:30:15"),
    ("19.04.2017", "%d.%m.%Y", "2017-04-19T00:00:00"),
    ("19.04.2017 09:30:15.250", "%d.%m.%Y %H:%M:%S.%f", "2017-04-19T09:30:15.250"),
    ("19/04/17", "%d/%m/%y", "2017-04-19T00:00:00"),
    ("04/19/2017", "%m/%d/%Y", "2017-04-19T00:00:00"),
    ("4/19/2017 3:30:00 PM", "%m/%d/%Y %I:%M:%S %p", "2017-04-19T15:30:00"),
    ("19-Apr-2017", "%d-%b-%Y", "2017-04-19T00:00:00"),
    ("19 April 2017", "%d %B %Y", "2017-04-19T00:00:00"),
    ("Apr 19, 2017", "%b %d, %Y", "2017-04-19T00:00:00"),
    ("1492594215", "s", "2017-04-19T09:30:15"),
    ("1492594215.25", "s", "2017-04-19T09:30:15.250"),
    ("1492594215250", "ms", "2017-04-19T09:30:15.250"),
    ("1492594215250000", "us", "2017-04-19T09:30:15.250"),
    ("1492594215250000000", "ns", "2017-04-19T09:30:15.250"),
]


@pytest.mark.parametrize(("text", "name", "meaning"), EXAMPLES)
def test_formats_are_recognised_and_parsed(text: str, name: str, meaning: str) -> None:
    """The ways in which files write times need no setting."""
    assert recognise([text]) == name
    assert parser(name)(text) == datetime.fromisoformat(meaning).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "n/a", "12.5", "17", "2017", "12345678", "2017-13-01", "nan"])
def test_what_is_no_time_is_not_taken_for_one(text: str) -> None:
    """A column of prices, years or row numbers is an error, not a time in 1970."""
    with pytest.raises(UnknownTimeFormat, match="no time format that is recognised"):
        recognise([text])


def test_day_and_month_are_told_by_the_first_row_that_settles_it() -> None:
    """Rows are looked at until a day above twelve comes up, and no further."""
    rows = iter(["03/04/2017", "03/04/2017", "04/04/2017", "13/04/2017", "14/04/2017"])
    assert recognise(rows) == "%d/%m/%Y"
    assert list(rows) == ["14/04/2017"]


def test_an_order_of_day_and_month_that_stays_open_is_an_error() -> None:
    """Nobody's trades are moved by months on a guess; the error names both readings."""
    with pytest.raises(UnknownTimeFormat, match=r"'%d/%m/%Y' or '%m/%d/%Y', and no row settles it"):
        recognise(["03/04/2017", "04/04/2017"])


@given(st.lists(st.dates(date(1950, 1, 1), date(2050, 1, 1)), min_size=1), st.booleans())
def test_a_recognised_order_of_day_and_month_is_the_true_one(
    days: list[date], day_first: bool
) -> None:
    """Whatever the dates are, the answer is right or there is none."""
    pattern = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    texts = [day.strftime(pattern) for day in days]
    if all(day.day <= 12 for day in days):
        with pytest.raises(UnknownTimeFormat):
            recognise(texts)
    else:
        assert recognise(texts) == pattern


def test_rows_that_are_no_time_do_not_hide_the_format() -> None:
    """A bad first row is left to the policy for bad rows."""
    assert recognise(["n/a", "null", "2017-04-19"]) == "iso"


def test_a_file_without_any_time_is_given_up_early() -> None:
    """A million rows of something else are not all tried."""
    rows = iter(["n/a"] * 1_000)
    with pytest.raises(UnknownTimeFormat):
        recognise(rows)
    assert len(list(rows)) > 800


@given(
    st.datetimes(datetime(1971, 1, 2), datetime(2099, 12, 31)),
    st.sampled_from(
        ["iso", "%Y-%m-%d %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S.%f", "%Y%m%d %H%M%S", "us", "ns"]
    ),
)
def test_a_parser_reads_what_was_written(time: datetime, name: str) -> None:
    """Every format is read back to the precision it has."""
    stamp = time.replace(tzinfo=UTC)
    micros = (stamp - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    written = {"iso": time.isoformat(), "us": str(micros), "ns": str(micros * 1_000)}
    text = written.get(name) or time.strftime(name)
    if name.endswith("%S"):
        stamp = stamp.replace(microsecond=0)
    assert parser(name)(text) == stamp


@pytest.mark.parametrize("name", ["iso", "%d.%m.%Y", "%d.%m.%Y %H:%M:%S.%f", "s", "ns"])
@pytest.mark.parametrize("text", ["", "soon", "31.02.2017", "2017-02-31", "nan"])
def test_a_parser_refuses_what_does_not_fit(name: str, text: str) -> None:
    """A text in another form is a `ValueError`, never another time."""
    with pytest.raises(ValueError, match=r"."):
        parser(name)(text)


def test_separated_numbers_need_no_leading_zero_and_joined_ones_do() -> None:
    """`1.2.2017` is a date, but `2017012` is not cut up by guessing."""
    assert parser("%d.%m.%Y")("1.2.2017") == datetime(2017, 2, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="does not match"):
        parser("%Y%m%d")("2017012")


def test_times_without_an_offset_are_in_the_zone() -> None:
    """Wall-clock times become UTC by the rules of their day; an offset wins over the zone."""
    parse = parser("iso", NEW_YORK)
    assert parse("2024-01-15 09:30") == datetime(2024, 1, 15, 14, 30, tzinfo=UTC)
    assert parse("2024-07-15 09:30") == datetime(2024, 7, 15, 13, 30, tzinfo=UTC)
    assert parse("2024-07-15 09:30+00:00") == datetime(2024, 7, 15, 9, 30, tzinfo=UTC)
    numbers = parser("%d.%m.%Y %H:%M", NEW_YORK)
    assert numbers("15.07.2024 09:30") == datetime(2024, 7, 15, 13, 30, tzinfo=UTC)


def test_the_repeated_hour_is_told_by_the_order_of_rows() -> None:
    """When clocks go back, the second pass through the hour is an hour later, not a step back."""
    local = LocalTime(NEW_YORK)
    walls = [datetime(2024, 11, 3, 0, 30) + timedelta(minutes=30 * step) for step in range(3)]
    repeated = [datetime(2024, 11, 3, 1, 0), datetime(2024, 11, 3, 1, 30), datetime(2024, 11, 3, 2)]
    instants = [local(wall) for wall in walls + repeated]
    assert instants == [
        datetime(2024, 11, 3, 4, 30, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(6)
    ]


def test_a_time_that_is_left_out_is_refused() -> None:
    """When clocks go forward, a time in the missing hour is a mistake in the file."""
    with pytest.raises(ValueError, match="clocks are put forward"):
        LocalTime(NEW_YORK)(datetime(2024, 3, 10, 2, 30))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_a_local_time_leads_back_to_itself(instant: datetime) -> None:
    """Outside of the repeated hour, zone and back is the identity."""
    wall = instant.astimezone(NEW_YORK)
    if wall.fold == 0:
        assert LocalTime(NEW_YORK)(wall.replace(tzinfo=None)) == instant


@pytest.mark.parametrize("name", ["iso", "s", "ns", "%d.%m.%Y", "%m/%d/%y %I:%M %p", "%c"])
def test_formats_that_can_be_set(name: str) -> None:
    """A name or any pattern with a full date is taken as it is."""
    assert checked(name) == name


@pytest.mark.parametrize("name", ["", "ISO", "%H:%M", "%d/%m", "%Y", "%Y-%m", "%Y %Y", "%Q%Y", "%"])
def test_formats_that_cannot_be_set(name: str) -> None:
    """A pattern that leaves the date open is refused with an example of a good one."""
    with pytest.raises(ValueError, match="is no time format: write iso"):
        checked(name)
