"""What feeds from files have in common, whatever the format of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hookbus_market.columns import ColumnError, Layout, find_layout, fit_to_row
from hookbus_market.dates import UnknownTimeFormat, recognise
from hookbus_market.errors import FeedError, OnBadRow
from hookbus_market.rows import RowReader
from hookbus_market.settings import FileSettings

__all__ = ["FileBars"]


class FileBars:
    """A file of bars: where it is, what is set for it, and `name`, as errors and logs call it."""

    def __init__(self, path: Path, settings: FileSettings) -> None:
        self.path = path
        self.name = str(settings.path)
        self.settings = settings

    def _find_layout(self, names: Sequence[str]) -> Layout:
        try:
            layout = find_layout(names, self.settings.columns.wanted())
        except ColumnError as error:
            raise self._column_problem(error) from None
        if "symbol" in layout.fields and self.settings.symbol is not None:
            raise self._problem(
                f"`symbol` is set to {self.settings.symbol!r}, but the column "
                f"{layout.column('symbol')!r} names the symbols",
                'unset it, or set columns.symbol = "" to ignore the column',
            )
        return layout

    def _fit_layout(self, layout: Layout, row: Sequence[str]) -> Layout:
        try:
            return fit_to_row(layout, row)
        except ColumnError as error:
            raise self._column_problem(error) from None

    def _time_format(self, times: Iterable[str], layout: Layout) -> str:
        """The format that is set, or the one that `times` are in."""
        if self.settings.time_format is not None:
            return self.settings.time_format
        try:
            return recognise(times)
        except UnknownTimeFormat as error:
            raise self._problem(
                f"column {layout.column('time')!r}: {error}",
                "set `time_format`, such as '%d/%m/%Y' where the day comes first",
            ) from None

    def _row_reader(
        self, layout: Layout, parse_time: Callable[[Any], datetime], on_bad_row: OnBadRow
    ) -> RowReader:
        constants: dict[str, Any] = {"interval_seconds": self.settings.interval}
        if "symbol" not in layout.fields:
            constants["symbol"] = self.settings.symbol or self.path.stem
            self._check_symbol(constants["symbol"])
        parse = self._shifted(parse_time)
        return RowReader(self.name, layout, constants, parse, on_bad_row, self.settings.symbols)

    def _check_symbol(self, symbol: str) -> None:
        wanted = self.settings.symbols
        if wanted is not None and symbol not in wanted:
            raise self._problem(
                f"all its bars are of {symbol!r}, which is not among `symbols` "
                f"({', '.join(wanted)})",
                "set `symbol`, or take `symbols` out",
            )

    def _shifted(self, parse_time: Callable[[Any], datetime]) -> Callable[[Any], datetime]:
        if not self.settings.time_shift:
            return parse_time
        shift = timedelta(seconds=self.settings.time_shift)
        return lambda value: parse_time(value) + shift

    def _column_problem(self, error: ColumnError) -> FeedError:
        return self._problem(
            str(error),
            "set names or positions in `columns`, or `header = false` where a CSV file has none",
        )

    def _read_problem(self, error: OSError | ValueError) -> FeedError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return self._problem(
            f"cannot be read: {reason}", f"check `path`, which leads to {self.path.absolute()}"
        )

    def _problem(self, reason: str, mend: str) -> FeedError:
        return FeedError(self.name, reason, mend)
