"""Turn the rows of a file into bars in the order of time, and say what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from hookbus_trading import Bar
from hookbus_trading.fields import DataDoubt
from pydantic import ValidationError

from hookbus_market.columns import Layout
from hookbus_market.errors import BadRow, OnBadRow

__all__ = ["Bars", "RowReader"]

_LONGEST_SYMBOL = 64

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
        self._last: datetime | None = None
        self._symbols: set[str] = set()

    def read(self, rows: Iterable[Sequence[Any]], line: Callable[[], int]) -> Bars:
        """The bars of `rows`; `line` tells the number of the row that was taken last."""
        width = len(self._layout.names)
        for row in rows:
            if len(row) != width:
                self._refuse_width(row, line)
            elif (bar := self._build(row, line)) is not None and self._is_later(bar, row, line):
                yield bar

    def _build(self, row: Sequence[Any], line: Callable[[], int]) -> Bar | None:
        fields = dict(zip(self._names, self._pick(row), strict=True))
        try:
            if self._clocked:
                fields["time"] = f"{fields['time']} {fields.pop('clock')}"
            fields["time"] = self._parse_time(fields["time"])
            fields.update(self._constants)
            return Bar.model_validate(fields)
        except ValidationError as error:
            self._refuse(row, line, *_first_problem(error))
        except (ValueError, OverflowError, TypeError) as error:
            self._refuse(row, line, "time", f"it is no time: {error}")
        return None

    def _is_later(self, bar: Bar, row: Sequence[Any], line: Callable[[], int]) -> bool:
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
        row: Sequence[Any],
        line: Callable[[], int],
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
        self._on_bad_row(BadRow(self._file, line(), column, value, why, kind, symbol, time))

    def _symbol(self, row: Sequence[Any]) -> str | None:
        """The symbol of a bad row, where it has one."""
        place = self._layout.fields.get("symbol")
        symbol = self._constants["symbol"] if place is None else row[place]
        return symbol if isinstance(symbol, str) and 1 <= len(symbol) <= _LONGEST_SYMBOL else None

    def _refuse_width(self, row: Sequence[Any], line: Callable[[], int]) -> None:
        if not any(str(cell).strip() for cell in row):
            return
        names = self._layout.names
        column = names[min(len(row), len(names) - 1)]
        reason = f"the row has {len(row)} fields instead of {len(names)}"
        value = row[-1] if len(row) > len(names) else None
        symbol = self._constants.get("symbol")
        self._on_bad_row(BadRow(self._file, line(), column, value, reason, symbol=symbol))


def _first_problem(error: ValidationError) -> tuple[str, str]:
    problem = error.errors(include_url=False, include_input=False)[0]
    place = problem["loc"]
    return str(place[0]) if place else "low", problem["msg"]
