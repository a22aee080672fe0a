"""Bars that are made a block at a time: the same as those that are made one by one."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hookbus_market.blocks import blocks
from hookbus_market.columns import Layout
from hookbus_market.dates import parser
from hookbus_market.errors import BadRow, refuse
from hookbus_market.rows import RowReader
from hookbus_trading import Bar
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2024, 1, 1, tzinfo=UTC)
PLACES = ("time", "symbol", "open", "high", "low", "close", "volume", "adjusted_close")
LAYOUT = Layout(PLACES, {name: place for place, name in enumerate(PLACES)})


class OneByOne(RowReader):
    """A reader that checks every bar by itself."""

    def _at_once(self, rows: Any, times: Any) -> None:
        return None


class Counting(RowReader):
    """A reader that counts the bars that it checks by themselves."""

    checked = 0

    def _build(self, *arguments: Any) -> Bar | None:
        self.checked += 1
        return super()._build(*arguments)


def outcome(
    reader_class: type[RowReader],
    rows: Sequence[Sequence[Any]],
    layout: Layout = LAYOUT,
    wanted: Sequence[str] | None = None,
) -> list[tuple[str, ...]]:
    """Everything that there is to know of the bars of some rows, and of the bad ones."""
    story: list[tuple[str, ...]] = []
    constants: dict[str, Any] = {"interval_seconds": 60.0}
    if "symbol" not in layout.fields:
        constants["symbol"] = "CONST"

    def note(bad: BadRow) -> None:
        story.append((str(bad), bad.kind, str(bad.symbol), str(bad.time)))

    number = iter(range(1, len(rows) + 1))
    reader = reader_class("f.csv", layout, constants, parser("iso"), note, wanted)
    for bar in reader.read(rows, lambda: next(number)):
        given = ",".join(sorted(bar.model_fields_set))
        story.append((repr(bar), str(hash(bar)), bar.model_dump_json(), given))
        assert bar == Bar(**bar.model_dump())
    return story


def good_row(minute: int, symbol: str = "A") -> list[str]:
    """A row without movement."""
    time = (START + timedelta(minutes=minute)).isoformat()
    return [time, symbol, "2.5", "3", "2", "2.25", "100", "2.2"]


ODD = (
    *(
        "",
        " 2.5",
        "+1",
        ".5",
        "1.",
        "1_0",
        "\uff12",
        "1,2",
        "[1",
        "1]",
        "true",
        "null",
        '"1"',
        "-0",
    ),
    *("1e400", "NaN", "Infinity", "0x1", "1 2", "\udcff"),
)
cells = st.one_of(
    st.floats().map(str),
    st.floats(0.01, 1e6).map(lambda value: f"{value:.2f}"),
    st.integers(-5, 10**400).map(str),
    st.sampled_from(ODD),
)
symbols = st.sampled_from(["A", "B", "", "x" * 64, "x" * 65, "\udcff"])


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Rows most of which are good; some have a bad cell, time, symbol or width."""
    rows, minute = [], 0
    for _ in range(draw(st.integers(0, 40))):
        minute += draw(st.sampled_from([0, 1, 1, 1, 1, 1, -1]))
        row = good_row(minute, draw(st.sampled_from("AB")))
        if draw(st.integers(0, 9)) == 0:
            row[draw(st.integers(2, 7))] = draw(cells)
        if draw(st.integers(0, 19)) == 0:
            row[1] = draw(symbols)
        if draw(st.integers(0, 19)) == 0:
            row[0] = draw(st.sampled_from(["never", "", "2024-13-01", "2024-01-01T10:00:00+02:00"]))
        if draw(st.integers(0, 19)) == 0:
            row = draw(st.sampled_from([[], row[:-1], [*row, "1"]]))
        rows.append(row)
    return rows


@given(tables(), st.sampled_from([None, ["A"], ["A", "B"]]))
def test_blocks_and_single_rows_tell_the_same_story(
    rows: list[list[str]], wanted: list[str] | None
) -> None:
    """The same bars to the last byte, the same bad rows in the same words, in the same order."""
    assert outcome(RowReader, rows, wanted=wanted) == outcome(OneByOne, rows, wanted=wanted)


@pytest.mark.parametrize("cell", [*ODD, "-1", "0", "1e-400", "2.5"])
@pytest.mark.parametrize("place", range(2, 8))
def test_one_odd_cell_is_read_as_a_single_row_is(cell: str, place: int) -> None:
    """Whatever a number may look like, in whichever column, between good rows."""
    rows = [good_row(minute) for minute in range(20)]
    rows[11][place] = cell
    assert outcome(RowReader, rows) == outcome(OneByOne, rows)


@pytest.mark.parametrize("symbol", ["", "x" * 64, "x" * 65, "\udcff", "B"])
@pytest.mark.parametrize("minute", [9, 10, 11])
def test_one_odd_symbol_or_time_is_read_as_a_single_row_is(symbol: str, minute: int) -> None:
    """Also at a time that there has been already."""
    rows = [good_row(minute) for minute in range(20)]
    rows[11:11] = [good_row(minute, symbol)]
    assert outcome(RowReader, rows) == outcome(OneByOne, rows)


@given(st.lists(st.floats(1e-300, 1e300).map(repr), min_size=1, max_size=50))
def test_every_float_is_read_to_the_last_digit(prices: list[str]) -> None:
    """Reading a column as JSON rounds no differently from Python."""
    layout = Layout(("time", "price"), {"time": 0, "open": 1, "high": 1, "low": 1, "close": 1})
    times = [(START + timedelta(minutes=minute)).isoformat() for minute in range(len(prices) + 1)]
    rows = list(zip(times, ["1", *prices], strict=True))
    assert outcome(RowReader, rows, layout) == outcome(OneByOne, rows, layout)


@pytest.mark.parametrize("value", [2.25, 2, True, None, "2.25", b"2.25", START, 10**400])
def test_values_of_every_type_are_read_as_single_cells_are(value: Any) -> None:
    """A Parquet file has typed columns."""
    rows: list[list[Any]] = [good_row(minute) for minute in range(8)]
    for row in rows[3:]:
        row[5] = value
    assert outcome(RowReader, rows) == outcome(OneByOne, rows)


@pytest.mark.parametrize("names", ["A", "AB"])
def test_good_rows_are_not_checked_one_by_one(names: str) -> None:
    """Of one symbol or of several at each time, all but the first row come in blocks."""
    rows = [good_row(minute, symbol) for minute in range(1_000) for symbol in names]
    reader = Counting("f.csv", LAYOUT, {"interval_seconds": None}, parser("iso"), refuse)
    assert len(list(reader.read(rows, lambda: 0))) == len(rows)
    assert reader.checked == 1


def test_one_bad_row_sends_no_more_than_its_block_the_careful_way() -> None:
    """A file with a mistake is read as fast as one without."""
    rows = [good_row(minute) for minute in range(2_000)]
    rows[1_000][2] = "9"
    reader = Counting("f.csv", LAYOUT, {"interval_seconds": None}, parser("iso"), lambda bad: None)
    assert len(list(reader.read(rows, lambda: 0))) == 1_999
    assert reader.checked <= 300


@given(st.integers(0, 20))
def test_what_cannot_be_read_is_told_after_the_rows_before_it(good: int) -> None:
    """A file that is cut off in a quotation has given all bars before that."""

    def rows() -> Iterator[list[str]]:
        yield from (good_row(minute) for minute in range(good))
        raise OSError("gone")

    taken: list[object] = []

    def take() -> None:
        for block in blocks(rows(), lambda: 0):
            taken.extend(block)

    with pytest.raises(OSError, match="gone"):
        take()
    assert len(taken) == good


def test_no_more_rows_are_taken_than_are_needed_for_the_first_bar() -> None:
    """The time of the first bar is asked for before the run; the file is not read for that."""
    rows = iter([good_row(minute) for minute in range(100)])
    reader = RowReader("f.csv", LAYOUT, {"interval_seconds": None}, parser("iso"), refuse)
    next(reader.read(rows, lambda: 0))
    assert len(list(rows)) == 99


def test_a_bar_from_a_block_can_be_copied_and_pickled() -> None:
    """It has everything that a checked bar has."""
    rows = [good_row(minute) for minute in range(3)]
    reader = RowReader("f.csv", LAYOUT, {"interval_seconds": None}, parser("iso"), refuse)
    *_, bar = reader.read(rows, lambda: 0)
    assert pickle.loads(pickle.dumps(bar)) == copy.deepcopy(bar) == bar.model_copy() == bar
    assert bar.model_copy(update={"close": 2.5}).model_fields_set == bar.model_fields_set
