"""Recognise which column of a file is which field of a bar."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

__all__ = ["ColumnError", "Layout", "find_layout", "fit_to_row"]

REQUIRED = ("time", "open", "high", "low", "close")
"""The fields that every file must have."""

FIELDS = (*REQUIRED, "clock", "volume", "adjusted_close", "symbol")
"""The fields that columns are looked for; `clock` is the time of day beside a date."""

_KNOWN = {
    "time": (
        *("closetime", "datetime", "timestamp", "date", "time", "gmttime", "localtime", "utctime"),
        *("day", "dt", "ts", "dtyyyymmdd", "tradedate", "datadate", "unix", "unixtime", "epoch"),
        *("t", "opentime", "indexlevel0", "index", "unnamed0", ""),
    ),
    "open": ("open", "o", "openprice", "priceopen", "first", "openbid", "bidopen"),
    "high": ("high", "h", "highprice", "pricehigh", "max", "highbid", "bidhigh"),
    "low": ("low", "l", "lowprice", "pricelow", "min", "lowbid", "bidlow"),
    "close": (
        *("close", "c", "closeprice", "priceclose", "last", "closelast", "settle", "price"),
        *("closebid", "bidclose"),
    ),
    "volume": ("volume", "vol", "v", "qty", "basevolume", "totalvolume", "tickvolume", "tickvol"),
    "adjusted_close": ("adjclose", "adjustedclose", "closeadj", "adj", "closeadjusted"),
    "symbol": ("symbol", "ticker", "instrument", "pair", "sym", "name"),
}
_CLOCK = ("time", "timeofday", "clock", "hour", "timehhmmss")
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d\d(:\d\d(\.\d+)?)?|\d{6}|\d{4}")


class ColumnError(ValueError):
    """The columns of a file cannot be told; the text says which, and what there is."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a file has the fields of a bar.

    `names` has the name of each column, `fields` the position of each field, counted from 0.
    """

    names: tuple[str, ...]
    fields: Mapping[str, int]

    def column(self, field: str) -> str:
        """The name of the column that holds `field`, or the field's own where there is none."""
        return self.names[self.fields[field]] if field in self.fields else field


def find_layout(names: Sequence[str], wanted: Mapping[str, str | int] | None = None) -> Layout:
    """Find the fields of a bar among the column `names`.

    `wanted` has the name or the position (from 1) of columns that somebody has set; an empty name
    says that the file has no such column. Raises `ColumnError`.
    """
    wanted = wanted or {}
    fields = {field: _wanted(names, field, column) for field, column in wanted.items()}
    for field, known in _KNOWN.items():
        if field not in fields:
            fields[field] = _recognised(names, known, taken=fields.values())
    if "clock" not in fields:
        fields["clock"] = _recognised_clock(names, fields)
    found = {field: place for field, place in fields.items() if place is not None}
    return Layout(tuple(names), found)


def fit_to_row(layout: Layout, row: Sequence[str]) -> Layout:
    """Mend `layout` with the first row, where that has one column more than the header.

    Such a file has its date and time in two columns of which the header names only one, or begins
    with a column that the header leaves out. Raises `ColumnError` when a required field is missing.
    """
    if len(row) == len(layout.names) + 1:
        layout = _with_one_more(layout, row)
    missing = [field for field in REQUIRED if field not in layout.fields]
    if missing:
        raise ColumnError(
            f"no column for {' and '.join(missing)} among {', '.join(map(repr, layout.names))}"
        )
    return layout


def _with_one_more(layout: Layout, row: Sequence[str]) -> Layout:
    time = layout.fields.get("time")
    if time is None:
        shifted = _shifted(layout, 0, "")
        return replace(shifted, fields={**shifted.fields, "time": 0})
    if "clock" not in layout.fields and _TIME_OF_DAY.fullmatch(row[time + 1]):
        shifted = _shifted(layout, time + 1, f"{layout.names[time]} (time of day)")
        return replace(shifted, fields={**shifted.fields, "clock": time + 1})
    return layout


def _shifted(layout: Layout, place: int, name: str) -> Layout:
    names = (*layout.names[:place], name, *layout.names[place:])
    fields = {field: at + (at >= place) for field, at in layout.fields.items()}
    return Layout(names, fields)


def _wanted(names: Sequence[str], field: str, column: str | int) -> int | None:
    if isinstance(column, int):
        if 1 <= column <= len(names):
            return column - 1
        raise ColumnError(f"{field} is set to column {column}, but there are {len(names)} columns")
    if column in names:
        return names.index(column)
    if not column:
        return None
    plain = [_plain(name) for name in names]
    if _plain(column) in plain:
        return plain.index(_plain(column))
    near = difflib.get_close_matches(column, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, names))}"
    raise ColumnError(f"{field} is set to column {column!r}, which is not there; {hint}")


def _recognised(
    names: Sequence[str], known: Sequence[str], taken: Collection[int | None]
) -> int | None:
    plain = {}
    for place, name in reversed(list(enumerate(names))):
        plain[_plain(name)] = place
    places = (plain[name] for name in known if name in plain)
    return next((place for place in places if place not in taken), None)


def _recognised_clock(names: Sequence[str], fields: Mapping[str, int | None]) -> int | None:
    time = fields["time"]
    if time is None or _plain(names[time]) not in ("date", "day", "dtyyyymmdd", "tradedate"):
        return None
    return _recognised(names, _CLOCK, taken=fields.values())


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
