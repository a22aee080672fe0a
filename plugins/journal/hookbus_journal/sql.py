"""SQL: what a statement finds, whole, so that no read stays open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw


def rows(connection: apsw.Connection, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
    """Every row that a statement finds."""
    return connection.execute(sql, parameters).fetchall()


def row(connection: apsw.Connection, sql: str, parameters: Sequence[Any] = ()) -> Any:
    """The first row that it finds, None where there is none."""
    found = rows(connection, sql, parameters)
    return found[0] if found else None


def value(connection: apsw.Connection, sql: str, parameters: Sequence[Any] = ()) -> Any:
    """The first value of the first row, None where there is none."""
    found = row(connection, sql, parameters)
    return None if found is None else found[0]
