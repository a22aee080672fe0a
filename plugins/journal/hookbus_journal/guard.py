"""The guard: what statements of plugins may do in the journal's database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

import apsw
from hookbus import Statement, TransactionRefused

from hookbus_journal.schema import OWN_NAMES

_READING: Final = frozenset(
    (apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_FUNCTION, apsw.SQLITE_RECURSIVE)
)

_SIZES: Final = frozenset(("page_count", "freelist_count", "page_size"))

_CHANGING: Final = _READING | {
    *(apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE, apsw.SQLITE_REINDEX),
    *(apsw.SQLITE_CREATE_TABLE, apsw.SQLITE_DROP_TABLE, apsw.SQLITE_ALTER_TABLE),
    *(apsw.SQLITE_CREATE_INDEX, apsw.SQLITE_DROP_INDEX),
    *(apsw.SQLITE_CREATE_VIEW, apsw.SQLITE_DROP_VIEW),
    *(apsw.SQLITE_CREATE_TRIGGER, apsw.SQLITE_DROP_TRIGGER),
}

_WITH_COLUMN: Final = frozenset((apsw.SQLITE_READ, apsw.SQLITE_UPDATE))
"""Actions that are told with a table and a column of it."""

_APART: Final = apsw.SQLITE_PREPARE_PERSISTENT
"""Set for plugins' statements only, so that they share no prepared statement with the journal's."""

LIMIT: Final = 5.0
"""Seconds that the statements of one transaction may take."""

_STEPS: Final = 100_000
"""Instructions of SQLite between two looks at the clock: about a millisecond."""

ENVIRONMENT: Final = (
    *(apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.NoMemError),
    *(apsw.ReadOnlyError, apsw.CantOpenError),
)
"""Errors that are not the fault of a statement."""


class Guard:
    """Watches over the connection that writes, while it runs statements of plugins."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._watching = False
        connection.authorizer = self._judge

    def run(self, statements: Sequence[Statement]) -> None:
        """Run statements of a plugin; raises `TransactionRefused` when one fails."""
        with self._watched():
            for statement in statements:
                self._run(*statement)

    def _run(self, sql: str, parameters: Sequence[Any]) -> None:
        try:
            for _ in self._connection.execute(sql, parameters, prepare_flags=_APART):
                pass
        except ENVIRONMENT:
            raise
        except apsw.InterruptError:
            raise TransactionRefused(
                f"{sql!r} took longer than {LIMIT:g} s, and everybody waits for it"
            ) from None
        except apsw.AuthError:
            raise TransactionRefused(
                f"{sql!r} is not allowed: statements of plugins change tables of their own only, "
                "and begin, end or attach nothing"
            ) from None
        except (apsw.Error, TypeError, ValueError, OverflowError) as error:
            raise TransactionRefused(f"{sql!r} failed: {error}") from None

    @contextmanager
    def _watched(self) -> Iterator[None]:
        latest = monotonic() + LIMIT
        self._connection.set_progress_handler(lambda: monotonic() > latest, _STEPS)
        self._watching = True
        try:
            yield
        finally:
            self._watching = False
            self._connection.set_progress_handler(None)

    def _judge(
        self, action: int, one: str | None, two: str | None, _: str | None, __: str | None
    ) -> int:
        if not self._watching:
            return apsw.SQLITE_OK
        names = {(one or "").lower()}
        if action not in _WITH_COLUMN:
            names.add((two or "").lower())
        allowed = action in _CHANGING and not names & OWN_NAMES
        return apsw.SQLITE_OK if allowed else apsw.SQLITE_DENY


def let_read_only(connection: apsw.Connection) -> None:
    """Have a connection refuse everything but SELECT, and asking how large the database is."""
    connection.authorizer = _judge_reading


def _judge_reading(action: int, one: str | None, two: str | None, *_: str | None) -> int:
    asking = action == apsw.SQLITE_PRAGMA and one in _SIZES and two is None
    return apsw.SQLITE_OK if asking or action in _READING else apsw.SQLITE_DENY
