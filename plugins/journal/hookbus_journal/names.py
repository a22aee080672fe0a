"""Names: runs, types and sources, which events hold as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import apsw

from hookbus_journal.sql import rows, value


class Names:
    """The numbers of the names in one table; a new name gets one when it is first asked for."""

    def __init__(self, connection: apsw.Connection, table: str) -> None:
        self._connection = connection
        self._insert = f"INSERT INTO {table} (name) VALUES (?) RETURNING id"
        self._select = f"SELECT name, id FROM {table}"
        self._numbers: dict[str, int] = {}
        self.reload()

    def number(self, name: str) -> int:
        """The number of a name."""
        number = self._numbers.get(name)
        return self._add(name) if number is None else number

    def known(self, name: str) -> int | None:
        """The number of a name that is there; None for one that is not."""
        return self._numbers.get(name)

    def _add(self, name: str) -> int:
        number: int = value(self._connection, self._insert, (name,))
        self._numbers[name] = number
        return number

    def reload(self) -> None:
        """Forget what a transaction added that was undone."""
        self._numbers = dict(rows(self._connection, self._select))


def matching(names: Sequence[tuple[int, str]], patterns: Sequence[str]) -> list[int]:
    """The numbers of the names that fit any of some patterns, in order."""
    return sorted(
        number for number, name in names if any(fnmatchcase(name, one) for one in patterns)
    )
