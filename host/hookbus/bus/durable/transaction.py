"""Transactions: what a durable handler does that is to happen together with its acknowledgement."""

from __future__ import annotations

from typing import Any

from hookbus.contracts import Journal, Statement
from hookbus.errors import UsageError
from hookbus.events import Event, event_type


class Transaction:
    """Rows and events of one attempt, committed together with the end of its event, or not at all.

    Statements go to the journal's database, in tables of the plugin's own. They are carried out in
    order when the handler has returned; `query` therefore sees what was committed before. What a
    statement refuses is a failure of the attempt.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._open = True
        self.statements: list[Statement] = []
        self.events: list[Event] = []

    def execute(self, sql: str, *parameters: Any) -> None:
        """Have a statement carried out, with the values of its `?` parameters.

        Raises `UsageError` after the handler has returned.
        """
        self._check_open("execute")
        self.statements.append(Statement(sql, parameters))

    def publish(self, event: Event) -> None:
        """Have an event published after the commit, durably, as caused by the event in hand.

        Raises `UsageError` for what is no event, or after the handler has returned.
        """
        self._check_open("publish")
        if not isinstance(event, Event):
            raise UsageError(f"{event!r} is no hookbus.Event")
        event_type(type(event))
        self.events.append(event)

    async def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a SELECT; raises `TransactionRefused` for SQL that fails."""
        return await self._journal.query(Statement(sql, parameters))

    def close(self) -> None:
        """Take nothing more: the handler has returned."""
        self._open = False

    def _check_open(self, call: str) -> None:
        if not self._open:
            raise UsageError(f"{call}() after the handler has returned; it is not part of anything")
