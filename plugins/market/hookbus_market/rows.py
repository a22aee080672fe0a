"""Turn the rows of a file into bars in the order of time, and say what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter, le, lt
from typing import Any

from hookbus_trading import Bar
from hookbus_trading.fields import DataDoubt
from pydantic import ValidationError

from hookbus_market.blocks import LONGEST_SYMBOL, Row, bars_at_once, blocks
from hookbus_market.columns import Layout
from hookbus_market.errors import BadRow, OnBadRow

__all__ = ["Bars", "RowReader"]

Bars = Generator[Bar, None, None]
"""A stream of bars; close it to release the file behind it."""


class RowReader:
    """Builds bars from the rows of one file, and hands every bad row to `on_bad_row`.

    `constants` are the fields that no column holds. A bar must be later than the bar before it, or
    at the same time but of another symbol, and its symbol one of `wanted`, if that is given.
    """

    def __init__(
        self,
        file: str,
        layout: Layout,
        constants: Mapping[str, Any],
        parse_time: Callable[[Any], datetime],
        on_bad_row: OnBadRow,
        wanted: Collection[str] | None = None,
    ) -> None:
        self._file = file
        self._layout = layout
        self._constants = constants
        self._parse_time = parse_time
        self._on_bad_row = on_bad_row
        self._wanted = wanted
        self._clocked = "clock" in layout.fields
        self._names = tuple(layout.fields)
        self._pick = itemgetter(*layout.fields.values())
        self._given = {*layout.fields, *constants} - {"clock"}
        self._sample: Bar | None = None
        self._last: datetime | None = None
        self._symbols: set[str] = set()

    def read(self, rows: Iterable[Row], line: Callable[[], int]) -> Bars:
        """The bars of `rows`; `line` tells the number of the row that was taken last."""
        for block in blocks(rows, line):
            taken = [row for row, _ in block]
            times = self._times(taken)
            yield from self._at_once(taken, times) or self._one_by_one(block, times)

    def _times(self, rows: Iterable[Row]) -> list[Any]:
        """The time of each row, or what is wrong with it; None for a row of another width.

        Every time is parsed once, in the order of the file: a parser may depend on the one before.
        """
        width, parse = len(self._layout.names), self._parse_time
        place, clock = self._layout.fields["time"], self._layout.fields.get("clock")
        times: list[Any] = []
        for row in rows:
            if len(row) != width:
                times.append(None)
                continue
            try:
                times.append(parse(row[place] if clock is None else f"{row[place]} {row[clock]}"))
            except (ValueError, OverflowError, TypeError) as error:
                times.append(error)
        return times

    def _at_once(self, rows: Sequence[Row], times: list[Any]) -> list[Bar] | None:
        """The bars of a block; None where a row may be bad, or is not in the order of time."""
        if self._sample is None or set(map(type, times)) != {datetime}:
            return None
        bars = bars_at_once(rows, times, self._layout.fields, self._sample, self._given)
        return bars if bars and self._are_later(bars, times) else None

    def _are_later(self, bars: list[Bar], times: list[datetime]) -> bool:
        """Whether every bar may follow the one before it, which is then noted; else nothing is."""
        symbols = [bar.symbol for bar in bars]
        if self._wanted is not None and not set(self._wanted).issuperset(symbols):
            return False
        if not all(map(lt, times, islice(times, 1, None))) and not _are_distinct(times, symbols):
            return False
        last, known = self._last, self._symbols
        if last is not None and times[0] <= last:
            same = {symbol for time, symbol in zip(times, symbols, strict=True) if time == last}
            if times[0] < last or same & known:
                return False
        self._last = times[-1]
        final = {bar.symbol for bar in bars if bar.time == self._last}
        self._symbols = final | known if last == self._last else final
        return True

    def _one_by_one(self, block: list[tuple[Row, int]], times: list[Any]) -> Bars:
        width = len(self._layout.names)
        for (row, line), time in zip(block, times, strict=True):
            if len(row) != width:
                self._refuse_width(row, line)
            elif (bar := self._build(row, line, time)) and self._is_later(bar, row, line):
                self._sample = bar
                yield bar

    def _build(self, row: Row, line: int, time: datetime | Exception) -> Bar | None:
        if isinstance(time, Exception):
            self._refuse(row, line, "time", f"it is no time: {time}")
            return None
        fields = dict(zip(self._names, self._pick(row), strict=True))
        fields.pop("clock", None)
        try:
            return Bar.model_validate({**fields, "time": time, **self._constants})
        except ValidationError as error:
            self._refuse(row, line, *_first_problem(error))
        return None

    def _is_later(self, bar: Bar, row: Row, line: int) -> bool:
        time, symbol = bar.time, bar.symbol
        if self._wanted is not None and symbol not in self._wanted:
            listed = ", ".join(self._wanted)
            reason = f"it is not among `symbols` ({listed})"
            self._refuse(row, line, "symbol", reason, "unknown_symbol", time)
            return False
        if self._last is None or time > self._last:
            self._last = time
            self._symbols = {symbol}
            return True
        if time == self._last and symbol not in self._symbols:
            self._symbols.add(symbol)
            return True
        if time == self._last:
            reason = f"there is already a bar of {symbol} at {time:%Y-%m-%dT%H:%M:%SZ}"
            self._refuse(row, line, "time", reason, "duplicate", time)
        else:
            reason = f"it is earlier than {self._last:%Y-%m-%dT%H:%M:%SZ} in a row before it"
            self._refuse(row, line, "time", reason, "out_of_order", time)
        return False

    def _refuse(
        self,
        row: Row,
        line: int,
        field: str,
        why: str,
        kind: DataDoubt = "bad_row",
        time: datetime | None = None,
    ) -> None:
        layout = self._layout
        place = layout.fields.get(field)
        value = None if place is None else row[place]
        if field == "time" and self._clocked:
            value = f"{value} {row[layout.fields['clock']]}"
        column, symbol = layout.column(field), self._symbol(row)
        self._on_bad_row(BadRow(self._file, line, column, value, why, kind, symbol, time))

    def _symbol(self, row: Row) -> str | None:
        """The symbol of a bad row, where it has one."""
        place = self._layout.fields.get("symbol")
        symbol = self._constants["symbol"] if place is None else row[place]
        return symbol if isinstance(symbol, str) and 1 <= len(symbol) <= LONGEST_SYMBOL else None

    def _refuse_width(self, row: Row, line: int) -> None:
        if not any(str(cell).strip() for cell in row):
            return
        names = self._layout.names
        column = names[min(len(row), len(names) - 1)]
        reason = f"the row has {len(row)} fields instead of {len(names)}"
        value = row[-1] if len(row) > len(names) else None
        symbol = self._constants.get("symbol")
        self._on_bad_row(BadRow(self._file, line, column, value, reason, symbol=symbol))


def _are_distinct(times: list[datetime], symbols: list[str]) -> bool:
    """Whether times do not go back, and no symbol comes twice at the same one."""
    pairs = set(zip(times, symbols, strict=True))
    return len(pairs) == len(times) and all(map(le, times, islice(times, 1, None)))


def _first_problem(error: ValidationError) -> tuple[str, str]:
    problem = error.errors(include_url=False, include_input=False)[0]
    place = problem["loc"]
    return str(place[0]) if place else "low", problem["msg"]
