"""Blocks of rows, which become bars a column at a time where all of them are good.

Looking at a whole column of numbers at once takes a third of the time of checking bar by bar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice, repeat
from math import inf
from operator import le
from typing import Any

from hookbus_trading import Bar
from pydantic_core import from_json

__all__ = ["LONGEST_SYMBOL", "Row", "bars_at_once", "blocks"]

LONGEST_SYMBOL = 64
"""Characters of a symbol at most."""

_LARGEST = 256
_NUMBERS = ("open", "high", "low", "close", "volume", "adjusted_close")

Row = Sequence[Any]
"""The cells of one row: text from a CSV file, values from a Parquet file."""


def blocks(rows: Iterable[Row], line: Callable[[], int]) -> Iterator[list[tuple[Row, int]]]:
    """The rows with their numbers, in blocks, the first of a single row.

    `line` tells the number of the row that was taken last. What taking a row raises is raised
    after the rows before it.
    """
    left = iter(rows)
    size = 1
    failure = None
    while failure is None:
        block: list[tuple[Row, int]] = []
        try:
            block.extend(zip(islice(left, size), iter(line, None), strict=False))
        except Exception as error:  # noqa: BLE001 - raised below
            failure = error
        if not block:
            break
        yield block
        size = min(2 * size, _LARGEST)
    if failure is not None:
        raise failure


def bars_at_once(
    rows: Sequence[Row],
    times: Sequence[datetime],
    places: Mapping[str, int],
    sample: Bar,
    given: set[str],
) -> list[Bar] | None:
    """The bars of rows of the same width; None where one of them may not be good.

    `places` says where in a row each field is; what has no place is as in `sample`, a bar of the
    same file that has been checked. `given` names the fields that are not left to their defaults.
    """
    columns = list(zip(*rows, strict=True))
    try:
        numbers = {name: _numbers(columns[places[name]]) for name in _NUMBERS if name in places}
        symbols = _symbols(columns[places["symbol"]]) if "symbol" in places else None
    except (ValueError, TypeError, OverflowError):
        return None
    if not _are_good(numbers):
        return None
    fields: dict[str, Any] = {"symbol": symbols, "time": times, **numbers}
    fields.update((name, repeat(value)) for name, value in sample if fields.get(name) is None)
    return [
        Bar.trusted(
            {
                "symbol": symbol,
                "time": time,
                "open": first,
                "high": high,
                "low": low,
                "close": close,
                "volume": volume,
                "interval_seconds": interval,
                "adjusted_close": adjusted,
            },
            given,
        )
        for symbol, time, first, high, low, close, volume, interval, adjusted in zip(
            *(fields[name] for name in Bar.model_fields), strict=False
        )
    ]


def _numbers(column: Sequence[Any]) -> Sequence[float]:
    """A column as floats; raises `ValueError` or `TypeError` where a bar might not take it so."""
    if set(map(type, column)) == {str}:
        column = _parsed(column)
    kinds = set(map(type, column))
    if not kinds <= {float, int}:
        raise TypeError(f"numbers of {kinds}")
    return column if kinds == {float} else list(map(float, column))


def _parsed(column: Sequence[str]) -> list[float]:
    """Texts as numbers: as those of a JSON array, which is read five times as fast.

    There -0 is a whole number and has no sign, so a column with such a text is read cell by cell.
    """
    text = ",".join(column)
    if not text.isascii():
        raise ValueError("other digits than 0 to 9")
    if "-0" in text:
        return list(map(float, column))
    try:
        numbers: list[float] = from_json(f"[{text}]")
    except ValueError:
        return list(map(float, column))
    if len(numbers) != len(column):
        raise ValueError("a comma in a number")
    return numbers


def _symbols(column: Sequence[Any]) -> Sequence[str]:
    """A column as symbols; raises `ValueError` and others where a bar might not take it so."""
    different = set(column)
    "".join(different).encode()
    if not all(1 <= len(symbol) <= LONGEST_SYMBOL for symbol in different):
        raise ValueError("a symbol of another length")
    return column


def _are_good(numbers: Mapping[str, Sequence[float]]) -> bool:
    """Whether every row is consistent, and no number is too small, infinite, or none at all."""
    low, high = numbers["low"], numbers["high"]
    between = (
        all(map(le, low, numbers[name])) and all(map(le, numbers[name], high))
        for name in ("open", "close")
    )
    return (
        all(between)
        and min(low) > 0
        and max(high) < inf
        and all(0 <= volume < inf for volume in numbers.get("volume", ()))
        and all(0 < price < inf for price in numbers.get("adjusted_close", ()))
    )
