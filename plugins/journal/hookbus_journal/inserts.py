"""Inserts: many rows in one statement, which is one call of SQLite.

Other threads may run during a call, but each end of one waits until Python is free again, so that
the number of calls is what counts.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from hookbus_journal.rows import COLUMNS

MOST: Final = 256
"""Rows of one statement at the most."""

_ROW: Final = f"({','.join('?' * COLUMNS)})"


@cache
def insert(rows: int) -> str:
    """The statement for `rows` rows, of which those without a position are left out."""
    if rows == 1:
        return f"INSERT INTO events VALUES {_ROW}"
    values = ",".join([_ROW] * rows)
    return f"INSERT INTO events SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL"


def padded(values: list[Any]) -> tuple[str, list[Any]]:
    """A statement for the values of up to `MOST` rows, and its parameters.

    There are statements for 1, 2, 4, 8 ... rows, so that each is prepared once.
    """
    rows = len(values) // COLUMNS
    size = 1 << (rows - 1).bit_length()
    return insert(size), values + [None] * ((size - rows) * COLUMNS)
