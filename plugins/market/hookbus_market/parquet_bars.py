"""Bars from Parquet files, one batch of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from hookbus_market.columns import Layout
from hookbus_market.dates import LocalTime, parser
from hookbus_market.errors import OnBadRow
from hookbus_market.files import FileBars
from hookbus_market.rows import Bars

__all__ = ["ParquetBars"]

_BATCH = 4_096
_EPOCH = datetime(1970, 1, 1)

_Take = Callable[[Any], list[Any]]


class ParquetBars(FileBars):
    """The bars of one Parquet file; it needs `pyarrow`, which is imported when a file is opened.

    The file is looked at when the estimate or the first bar is asked for, and then raises
    `FeedError` when it is missing, or has columns or times that cannot be told.
    """

    @property
    def estimated_bars(self) -> int:
        """How many rows there are."""
        with self._open() as file:
            self._time_reader(file, self._chosen_layout(file.schema_arrow.names))
            return int(file.metadata.num_rows)

    def read(self, on_bad_row: OnBadRow) -> Bars:
        """The bars in the order of the file, which must be that of time."""
        with self._open() as file:
            layout = self._chosen_layout(file.schema_arrow.names)
            column, parse_time = self._time_reader(file, layout)
            reader = self._row_reader(layout, parse_time, on_bad_row)
            rows = _Rows(file, layout, column)
            yield from reader.read(rows, rows.number)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        import pyarrow  # type: ignore[import-untyped]
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(self.path, pre_buffer=False) as file:
                yield file
        except (OSError, pyarrow.ArrowException) as error:
            raise self._read_problem(error) from None

    def _chosen_layout(self, names: Sequence[str]) -> Layout:
        """The layout of the columns that are read, which are those that hold a field."""
        layout = self._fit_layout(self._find_layout(names), names)
        places = sorted(set(layout.fields.values()))
        fields = {field: places.index(place) for field, place in layout.fields.items()}
        return Layout(tuple(names[place] for place in places), fields)

    def _time_reader(self, file: Any, layout: Layout) -> tuple[_Take, Callable[[Any], datetime]]:
        """How to take the column of the time out of a batch, and how to parse what is in it."""
        import pyarrow

        kind = file.schema_arrow.field(layout.column("time")).type
        if "clock" in layout.fields or not pyarrow.types.is_temporal(kind):
            time_format = self._time_format(_texts(file, layout), layout) if _any(file) else "iso"
            return _as_text, parser(time_format, self.settings.zone)
        if self.settings.time_format is not None:
            raise self._problem(
                f"`time_format` is set, but column {layout.column('time')!r} holds times, not text",
                "unset it",
            )
        local = getattr(kind, "tz", None) is None and self.settings.zone is not UTC
        return _as_micros, _naive_parser(LocalTime(self.settings.zone)) if local else parser("us")


class _Rows:
    """The rows of an open Parquet file, and the number of the last one."""

    def __init__(self, file: Any, layout: Layout, time: _Take) -> None:
        self._file = file
        self._names = layout.names
        self._takes: list[_Take] = [_as_values] * len(layout.names)
        self._takes[layout.fields["time"]] = time
        self._number = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for batch in _batches(self._file, self._names):
            columns = [
                take(batch.column(name))
                for take, name in zip(self._takes, self._names, strict=True)
            ]
            for row in zip(*columns, strict=True):
                self._number += 1
                yield row

    def number(self) -> int:
        """The number of the row that was read last, counted from 1."""
        return self._number


def _batches(file: Any, names: Sequence[str]) -> Iterator[Any]:
    yield from file.iter_batches(batch_size=_BATCH, columns=list(names), use_threads=False)


def _any(file: Any) -> bool:
    return bool(file.metadata.num_rows)


def _texts(file: Any, layout: Layout) -> Iterator[str]:
    names = [layout.column(field) for field in ("time", "clock") if field in layout.fields]
    for batch in _batches(file, names):
        for parts in zip(*(_as_text(batch.column(name)) for name in names), strict=True):
            yield " ".join(map(str, parts))


def _as_values(column: Any) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


def _as_text(column: Any) -> list[Any]:
    return [None if value is None else str(value) for value in column.to_pylist()]


def _as_micros(column: Any) -> list[Any]:
    import pyarrow

    kind = pyarrow.timestamp("us", tz=getattr(column.type, "tz", None))
    return _as_values(column.cast(kind, safe=False).cast(pyarrow.int64()))


def _naive_parser(localise: LocalTime) -> Callable[[Any], datetime]:
    return lambda micros: localise(_EPOCH + timedelta(microseconds=micros))
