"""Bars from CSV files, one row at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import TextIO

from hookbus_market.columns import Layout
from hookbus_market.dates import parser
from hookbus_market.errors import OnBadRow
from hookbus_market.files import FileBars
from hookbus_market.rows import Bars

__all__ = ["CsvBars"]

_DELIMITERS = ",;\t|"
_NUMBERS = ("open", "high", "low", "close", "volume", "adjusted_close")
_SAMPLED_LINES = 50


class CsvBars(FileBars):
    """The bars of one CSV file.

    The file is looked at when the estimate or the first bar is asked for, and then raises
    `FeedError` when it is missing, or has columns or times that cannot be told.
    """

    @property
    def estimated_bars(self) -> int:
        """How many bars there are, guessed from the size of the file."""
        return self._shape.rows

    def read(self, on_bad_row: OnBadRow) -> Bars:
        """The bars in the order of the file, which must be that of time."""
        shape, settings = self._shape, self.settings
        parse_time = parser(shape.time_format, settings.zone)
        reader = self._row_reader(shape.layout, parse_time, on_bad_row)
        with self._open(shape.delimiter) as rows:
            if settings.header:
                next(rows, None)
            points = rows if settings.decimal == "." else _with_points(rows, shape.layout)
            yield from reader.read(points, rows.line)

    @cached_property
    def _shape(self) -> _Shape:
        delimiter, estimate = self._sample()
        with self._open(delimiter) as rows:
            head = next(rows, None)
            if head is None:
                raise self._problem("it is empty", "give it a header and rows of bars")
            if self.settings.header:
                layout = self._find_layout(head)
                head = next(filter(None, rows), None)
            else:
                layout = self._find_layout([str(place + 1) for place in range(len(head))])
            layout = self._fit_layout(layout, layout.names if head is None else head)
            first = [] if head is None else [head]
            times = _times(chain(first, rows), layout)
            time_format = self._time_format(times, layout) if first else "iso"
        return _Shape(delimiter, layout, time_format, estimate)

    def _sample(self) -> tuple[str, int]:
        """The delimiter, and an estimate of the number of rows."""
        try:
            with self.path.open("rb") as file:
                lines = list(islice(file, self.settings.skip_lines, _SAMPLED_LINES))
            size = self.path.stat().st_size
        except OSError as error:
            raise self._read_problem(error) from None
        head, body = lines[0] if lines else b"", lines[1:]
        text = head.decode(errors="replace")
        delimiter = self.settings.delimiter or max(_DELIMITERS, key=text.count)
        length = sum(map(len, body)) / len(body) if body else 1
        return delimiter, round((size - len(head)) / length)

    @contextmanager
    def _open(self, delimiter: str) -> Iterator[_Rows]:
        try:
            file = self.path.open(encoding="utf-8-sig", errors="replace", newline="")
        except OSError as error:
            raise self._read_problem(error) from None
        with file:
            rows = _Rows(file, delimiter, self.settings.skip_lines)
            try:
                yield rows
            except csv.Error as error:
                raise self._problem(f"line {rows.line()}: {error}", "mend its quotes") from None


@dataclass(frozen=True, slots=True)
class _Shape:
    delimiter: str
    layout: Layout
    time_format: str
    rows: int


class _Rows:
    """The rows of an open CSV file, and the line of the last one."""

    def __init__(self, file: TextIO, delimiter: str, skipped: int) -> None:
        for _ in range(skipped):
            file.readline()
        self._reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
        self._skipped = skipped

    def __iter__(self) -> Iterator[list[str]]:
        return self._reader

    def __next__(self) -> list[str]:
        return next(self._reader)

    def line(self) -> int:
        """The number of the line that was read last."""
        return self._reader.line_num + self._skipped


def _times(rows: Iterable[Sequence[str]], layout: Layout) -> Iterator[str]:
    time, clock, width = layout.fields["time"], layout.fields.get("clock"), len(layout.names)
    for row in rows:
        if len(row) == width:
            yield row[time] if clock is None else f"{row[time]} {row[clock]}"


def _with_points(rows: Iterable[list[str]], layout: Layout) -> Iterator[list[str]]:
    numbers = [layout.fields[field] for field in _NUMBERS if field in layout.fields]
    for row in rows:
        if len(row) == len(layout.names):
            for place in numbers:
                row[place] = row[place].replace(",", ".")
        yield row
