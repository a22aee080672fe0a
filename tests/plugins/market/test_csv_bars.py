"""Bars from CSV files: what is read, and what is said of rows that are no good."""

from __future__ import annotations

import csv
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hookbus_market.errors import BadRow, FeedError
from hookbus_market.feed import open_file
from hookbus_market.settings import FileSettings
from hookbus_trading import Bar
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.market.makers import HEADER, START, read, read_and_skip, series, write

GOOD = "2024-01-01,1,3,1,2,5"
LATER = "2024-01-02,2,4,2,3,6"
FIELDS = ("symbol", "time", "open", "high", "low", "close", "volume")


@given(series(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_is_read(bars: list[Bar], delimiter: str, end: str) -> None:
    """Bars of several symbols come back from a CSV file as they were, to the last digit."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bars.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
            writer.writerow(FIELDS)
            writer.writerows(
                [bar.time.isoformat() if name == "time" else getattr(bar, name) for name in FIELDS]
                for bar in bars
            )
        assert read(path) == bars


def test_the_name_of_the_file_is_the_symbol_unless_set(tmp_path: Path) -> None:
    """A file without a column of symbols is one symbol's."""
    path = write(tmp_path, HEADER, GOOD, name="EURUSD.csv")
    assert [bar.symbol for bar in read(path)] == ["EURUSD"]
    assert [bar.symbol for bar in read(path, symbol="EUR")] == ["EUR"]


def test_a_symbol_beside_a_column_of_symbols_is_refused(tmp_path: Path) -> None:
    """Several symbols are never given one name by accident; leaving the column out works."""
    path = write(tmp_path, "Ticker," + HEADER, "X," + GOOD)
    assert [bar.symbol for bar in read(path)] == ["X"]
    with pytest.raises(FeedError, match=r"column 'Ticker' names the symbols; .*columns.symbol"):
        read(path, symbol="Y")
    assert [bar.symbol for bar in read(path, symbol="Y", columns={"symbol": ""})] == ["Y"]


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    """Without columns for them, the volume is zero and there is no adjusted close."""
    (bar,) = read(write(tmp_path, "Date,Open,High,Low,Close", "2024-01-01,1,3,1,2"), interval=60)
    assert (bar.volume, bar.adjusted_close, bar.interval_seconds) == (0.0, None, 60.0)


@pytest.mark.parametrize(
    ("lines", "settings"),
    [
        (["# made by hand", "", HEADER, GOOD], {"skip_lines": 2}),
        (["2024-01-01,1,3,1,2,5"], {"header": False, "columns": dict(
            zip(["time", "open", "high", "low", "close", "volume"], range(1, 7), strict=True))}),
        (["\ufeff" + HEADER, GOOD], {}),
        (["Date;Open;High;Low;Close;Volume", "2024-01-01;1,0;3,0;1,0;2,0;5,0"], {"decimal": ","}),
        (["Date Open High Low Close Volume", "2024-01-01 1 3 1 2 5"], {"delimiter": " "}),
        (['"Date","Open","High","Low","Close","Volume"', '"2024-01-01","1","3","1","2","5"'], {}),
        (["Date, Open, High, Low, Close, Volume", "2024-01-01, 1, 3, 1, 2, 5"], {}),
        ([HEADER, "", GOOD, "", ""], {}),
        (["Day,A,B,C,D,E", "01.01.2024,1,3,1,2,5"], {"time_format": "%d.%m.%Y", "columns": {
            "open": "A", "high": "B", "low": "C", "close": "D", "volume": 6}}),
    ],
    ids=["comment", "no header", "bom", "comma", "blank", "quoted", "spaced", "empty", "set"],
)  # fmt: skip
def test_forms_of_a_file(tmp_path: Path, lines: list[str], settings: dict[str, Any]) -> None:
    """The same bar is read from every usual form of a CSV file."""
    (bar,) = read(write(tmp_path, *lines), **settings)
    assert (bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume) == (START, 1, 3, 1, 2, 5)


def test_times_are_moved_to_where_the_bar_is_known(tmp_path: Path) -> None:
    """A file with the time at which bars begin is put right by their length."""
    (bar,) = read(write(tmp_path, HEADER, GOOD), time_shift=86_400)
    assert bar.time == START + timedelta(days=1)


def test_times_are_in_the_zone_that_is_set(tmp_path: Path) -> None:
    """Wall-clock times of an exchange become UTC."""
    path = write(tmp_path, HEADER, "2024-07-01 09:30,1,3,1,2,5")
    (bar,) = read(path, time_zone="America/New_York")
    assert bar.time == datetime(2024, 7, 1, 13, 30, tzinfo=UTC)


BAD_ROWS = [
    ("2024-01-02,1,3,1,x,5", "Close", "'x'", "Input should be a valid number"),
    ("2024-01-02,1,3,1,,5", "Close", "''", "Input should be a valid number"),
    ("2024-01-02,1,3,1,nan,5", "Close", "'nan'", "Input should be a finite number"),
    ("2024-01-02,0,3,0,2,5", "Open", "'0'", "Input should be greater than 0"),
    ("2024-01-02,1,3,1,2,-5", "Volume", "'-5'", "Input should be greater than or equal to 0"),
    ("2024-01-02,1,1.5,1,2,5", "Low", "'1'", "must lie between low and high"),
    ("soon,1,3,1,2,5", "Date", "'soon'", "it is no time"),
    (",1,3,1,2,5", "Date", "''", "it is no time"),
    ("2024-01-02,1,3,1,2", "Volume", "None", "the row has 5 fields instead of 6"),
    ("2024-01-02,1,3,1,2,5,6", "Volume", "'6'", "the row has 7 fields instead of 6"),
    ("2024-01-01,1,3,1,2,5", "Date", "'2024-01-01'", "already a bar of bars at 2024-01-01T00:00"),
    ("2023-12-31,1,3,1,2,5", "Date", "'2023-12-31'", "it is earlier than 2024-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"), BAD_ROWS, ids=[r[0] for r in BAD_ROWS]
)
def test_a_bad_row_is_an_error_that_names_its_place(
    tmp_path: Path, row: str, column: str, value: str, reason: str
) -> None:
    """File, line, column, value and reason are all in the text."""
    path = write(tmp_path, HEADER, GOOD, row)
    with pytest.raises(BadRow) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:3: column {column!r} is {value}: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("row", [row for row, *_ in BAD_ROWS])
def test_a_bad_row_can_be_skipped(tmp_path: Path, row: str) -> None:
    """One bad row costs one bar, and the feed goes on."""
    bars, bad = read_and_skip(write(tmp_path, HEADER, GOOD, row, LATER))
    assert [bar.time.day for bar in bars] == [1, 2]
    assert [each.line for each in bad] == [3]


def test_a_bad_first_row_can_be_skipped(tmp_path: Path) -> None:
    """Columns and time format are recognised although the first row is no good."""
    bars, bad = read_and_skip(write(tmp_path, HEADER, "null,null,null,null,null,null", GOOD))
    assert (len(bars), [each.column for each in bad]) == (1, ["Date"])


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """Skipped lines, the header, blank lines and quoted line ends all count."""
    head = "Note," + HEADER
    path = write(tmp_path, "# one", head, "a," + GOOD, "", '"b\nc",' + LATER, "d,2024-01-03,0,0")
    _, bad = read_and_skip(path, skip_lines=1)
    assert [each.line for each in bad] == [7]


def test_the_clock_is_part_of_the_value_in_an_error(tmp_path: Path) -> None:
    """With date and time in two columns, both are shown."""
    path = write(tmp_path, "Date,Time,Open,High,Low,Close", "2024-01-01,9:00,1,3,1,2",
                 "2024-01-01,25:00,1,3,1,2")  # fmt: skip
    with pytest.raises(BadRow, match="column 'Date' is '2024-01-01 25:00': it is no time"):
        read(path)


def test_symbols_may_share_a_time_but_no_symbol_may_repeat_it(tmp_path: Path) -> None:
    """In a file of several symbols the order is that of time, and each bar is there once."""
    path = write(tmp_path, "symbol," + HEADER, "A," + GOOD, "B," + GOOD, "A," + GOOD, "A," + LATER)
    bars, bad = read_and_skip(path)
    assert [bar.symbol for bar in bars] == ["A", "B", "A"]
    assert [each.line for each in bad] == [4]


def test_bytes_that_are_no_text_are_a_bad_row(tmp_path: Path) -> None:
    """A broken byte in a number is the number's problem, and one in a note is nobody's."""
    path = tmp_path / "bars.csv"
    rows = ["Note," + HEADER, "\xff," + GOOD, "x,2024-01-02,1,3,1,\xff,5"]
    path.write_bytes("\n".join(rows).encode("latin-1"))
    bars, bad = read_and_skip(path)
    assert (len(bars), [each.column for each in bad]) == (1, ["Close"])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "it is empty; give it a header"),
        (["Date,Open,High,Low,Foo", GOOD], "no column for close among .*; set names or positions"),
        ([GOOD, LATER], "no column for time and open and high and low and close"),
        ([HEADER, "03/04/2024,1,3,1,2,5"], "no row settles it; set `time_format`"),
        ([HEADER, "soon,1,3,1,2,5"], "column 'Date': 'soon' is in no time format"),
        ([HEADER, GOOD, '2024-01-02,"' + "x" * 200_000], "line 3: field larger than"),
    ],
)
def test_a_file_that_is_no_good_is_an_error_that_says_what_to_do(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    """Before any bar, or where it becomes unreadable, a file says what is wrong as a whole."""
    path = write(tmp_path, *lines)
    with pytest.raises(FeedError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_missing_says_where_it_was_looked_for(tmp_path: Path) -> None:
    """A relative path may lead elsewhere than its author thought."""
    source = open_file(FileSettings(path=Path("no.csv")), tmp_path.joinpath)
    with pytest.raises(FeedError) as caught:
        _ = source.estimated_bars
    assert str(caught.value).startswith("no.csv: cannot be read: No such file or directory")
    assert str(tmp_path / "no.csv") in str(caught.value)


def test_a_header_alone_is_a_file_without_bars(tmp_path: Path) -> None:
    """A feed that has not begun yet is no mistake."""
    assert read(write(tmp_path, HEADER)) == []


def test_the_number_of_bars_is_estimated(tmp_path: Path) -> None:
    """The progress bar has an end before the file is read."""
    rows = [f"{(START + timedelta(days=day)):%Y-%m-%d},1,3,1,2,5" for day in range(3_000)]
    source = open_file(FileSettings(path=write(tmp_path, HEADER, *rows)))
    assert source.estimated_bars == pytest.approx(3_000, rel=0.02)


def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    """Memory does not grow with the file: a file of megabytes is read with some kilobytes."""
    rows = [f"{(START + timedelta(minutes=n)).isoformat()},1,3,1,2,5" for n in range(60_000)]
    path = write(tmp_path, HEADER, *rows)
    del rows
    source = open_file(FileSettings(path=path))
    tracemalloc.start()
    try:
        count = sum(1 for _ in source.read(lambda bad: None))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 60_000
    assert peak < path.stat().st_size / 5


def test_a_feed_that_is_closed_early_closes_its_file(tmp_path: Path) -> None:
    """An abandoned replay leaves no file open; an open one would be a warning, thus an error."""
    bars = open_file(FileSettings(path=write(tmp_path, HEADER, GOOD, LATER))).read(lambda bad: None)
    next(bars)
    bars.close()
    assert list(bars) == []
