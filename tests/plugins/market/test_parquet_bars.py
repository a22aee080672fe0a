"""Bars from Parquet files: what is read, and what is said of rows that are no good."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hookbus_market.errors import BadRow, FeedError
from hookbus_market.feed import open_file
from hookbus_market.settings import FileSettings
from hookbus_trading import Bar
from hypothesis import given
from pyarrow import parquet as pq

from tests.plugins.market.makers import START, make_bar, read, read_and_skip, series

PRICES = {"open": [1.0], "high": [3.0], "low": [1.0], "close": [2.0]}
MIDNIGHT = datetime(2024, 1, 1)


def save(folder: Path, columns: dict[str, Any], **options: Any) -> Path:
    """A Parquet file of some columns."""
    path = folder / "bars.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


@given(series())
def test_what_is_written_is_read(bars: list[Bar]) -> None:
    """Bars of several symbols come back from a Parquet file as they were, to the last digit."""
    fields = ("symbol", "open", "high", "low", "close", "volume")
    columns: dict[str, Any] = {name: [getattr(bar, name) for bar in bars] for name in fields}
    columns["time"] = pa.array([bar.time for bar in bars], pa.timestamp("us", "UTC"))
    with TemporaryDirectory() as folder:
        assert read(save(Path(folder), columns, row_group_size=7)) == bars


TIMES = {
    "aware": pa.array([MIDNIGHT], pa.timestamp("us", "Europe/Berlin")),
    "nanoseconds": pa.array([MIDNIGHT], pa.timestamp("ns")),
    "seconds": pa.array([MIDNIGHT], pa.timestamp("s")),
    "date32": pa.array([date(2024, 1, 1)]),
    "date64": pa.array([MIDNIGHT], pa.date64()),
    "text": pa.array(["2024-01-01 00:00:00"]),
    "dictionary": pa.array(["01-Jan-2024"]).dictionary_encode(),
    "epoch": pa.array([1704067200000]),
    "float": pa.array([1704067200.0]),
    "number": pa.array([20240101]),
}


@pytest.mark.parametrize("kind", TIMES)
def test_times_of_every_type_are_read(tmp_path: Path, kind: str) -> None:
    """A time may be a timestamp, a date, a text or a number."""
    (bar,) = read(save(tmp_path, {"Date": TIMES[kind], **PRICES}))
    assert bar.time == START


def test_date_and_time_in_two_columns(tmp_path: Path) -> None:
    """A date and a time of day, as types or as text, are one time."""
    clock = {"date": [date(2024, 1, 1)], "time": [time(9, 1)]}
    (bar,) = read(save(tmp_path, {**clock, **PRICES}))
    assert bar.time == START + timedelta(hours=9, minutes=1)


def test_naive_times_are_in_the_zone_that_is_set(tmp_path: Path) -> None:
    """Wall-clock times become UTC, and times with a zone of their own stay as they are."""
    zone = "America/New_York"
    (bar,) = read(save(tmp_path, {"time": TIMES["seconds"], **PRICES}), time_zone=zone)
    assert bar.time == START + timedelta(hours=5)
    (bar,) = read(save(tmp_path, {"time": TIMES["aware"], **PRICES}), time_zone=zone)
    assert bar.time == START


def test_numbers_of_other_types_are_read(tmp_path: Path) -> None:
    """Integers and decimals are prices too."""
    prices = {**PRICES, "open": [1], "high": [Decimal("3.0")]}
    (bar,) = read(save(tmp_path, {"time": TIMES["aware"], **prices}))
    assert (bar.open, bar.high, bar.symbol) == (1.0, 3.0, "bars")


def test_other_columns_are_left_alone(tmp_path: Path) -> None:
    """Columns that are no field are not even decoded."""
    columns = {"note": [{"a": 1}], "time": TIMES["aware"], **PRICES, "more": [b"x"]}
    assert [bar.close for bar in read(save(tmp_path, columns))] == [2.0]


def test_a_bad_row_names_file_row_column_and_value(tmp_path: Path) -> None:
    """Rows count from 1 over all batches, and missing values are bad values."""
    count = 5_000
    minutes = [MIDNIGHT + timedelta(minutes=n) for n in range(count)]
    columns: dict[str, list[Any]] = {name: value * count for name, value in PRICES.items()}
    columns["close"][4_999] = None
    path = save(tmp_path, {"time": minutes, **columns})
    with pytest.raises(BadRow) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:5000: column 'close' is None: Input should be")
    bars, bad = read_and_skip(path)
    assert (len(bars), len(bad)) == (4_999, 1)


@pytest.mark.parametrize("kind", ["aware", "text", "epoch"])
def test_a_missing_time_is_a_bad_row(tmp_path: Path, kind: str) -> None:
    """A row without time is skipped or refused like any other bad row."""
    times = pa.concat_arrays([TIMES[kind], pa.nulls(1, TIMES[kind].type)])
    prices = {name: value * 2 for name, value in PRICES.items()}
    bars, bad = read_and_skip(save(tmp_path, {"time": times, **prices}))
    assert [bar.time for bar in bars] == [START]
    assert [(each.line, each.column, each.value) for each in bad] == [(2, "time", "None")]


def test_rows_out_of_order_are_bad_rows(tmp_path: Path) -> None:
    """The order of time is checked as in a CSV file."""
    times = [MIDNIGHT, MIDNIGHT - timedelta(days=1)]
    path = save(tmp_path, {"time": times, **{name: value * 2 for name, value in PRICES.items()}})
    with pytest.raises(BadRow, match="it is earlier than 2024-01-01T00:00:00Z"):
        read(path)


def test_a_file_that_is_no_parquet_says_so(tmp_path: Path) -> None:
    """A wrong ending, or a truncated download, is an error of the file."""
    path = tmp_path / "bars.parquet"
    path.write_text("Date,Open\n")
    with pytest.raises(FeedError, match="cannot be read"):
        read(path)
    with pytest.raises(FeedError, match="no column for high"):
        read(path, format="csv")


def test_a_missing_column_or_file_says_so(tmp_path: Path) -> None:
    """The mistakes are found before the first bar is asked for."""
    path = save(tmp_path, {"time": TIMES["aware"], "open": [1.0]})
    for settings, message in (
        (FileSettings(path=path), "no column for high and low and close"),
        (FileSettings(path=tmp_path / "no.pq"), "cannot be read: .*No such file"),
    ):
        with pytest.raises(FeedError, match=message):
            _ = open_file(settings).estimated_bars


def test_a_time_format_for_a_column_that_needs_none_is_refused(tmp_path: Path) -> None:
    """A setting that could not have any effect is a mistake."""
    path = save(tmp_path, {"time": TIMES["aware"], **PRICES})
    with pytest.raises(FeedError, match="holds times, not text; unset it"):
        read(path, time_format="iso")


def test_an_empty_table_is_a_file_without_bars(tmp_path: Path) -> None:
    """A feed that has not begun yet is no mistake."""
    kinds = pa.schema([(name, pa.float64()) for name in PRICES] + [("time", pa.string())])
    path = tmp_path / "bars.parquet"
    pq.write_table(kinds.empty_table(), path)
    assert read(path) == []


def test_the_number_of_bars_is_known(tmp_path: Path) -> None:
    """The file itself says how many rows it has."""
    source = open_file(FileSettings(path=save(tmp_path, {"time": TIMES["aware"], **PRICES})))
    assert source.estimated_bars == 1


def test_a_feed_that_is_closed_early_closes_its_file(tmp_path: Path) -> None:
    """An abandoned replay leaves nothing open."""
    rows = [make_bar(minute) for minute in range(3)]
    columns: dict[str, Any] = {name: [getattr(bar, name) for bar in rows] for name in PRICES}
    path = save(tmp_path, {"time": [bar.time.astimezone(UTC) for bar in rows], **columns})
    bars = open_file(FileSettings(path=path)).read(lambda bad: None)
    assert next(bars).time == START
    bars.close()
    assert list(bars) == []
