"""Kept sagas: what a journal holds while no host runs that could be asked."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from hookbus import JournalError, Saga, SagaState, Statement, UsageError
from hookbus.commands import Given, state_folder

from hookbus_saga.store import Reader
from hookbus_saga.texts import described, unknown

__all__ = ["find", "listed"]

T = TypeVar("T")


class _File:
    """A journal's database, opened to be read only: nothing of it can be changed through this."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def query(self, statement: Statement) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        return self._connection.execute(*statement).fetchall()


def listed(given: Given, ended: int) -> list[dict[str, Any]]:
    """What is open, and the last of what has ended, as the running host would tell it."""

    async def read(reader: Reader) -> list[Saga]:
        states = tuple(state for state in SagaState if state.ended)
        return [*(await reader.latest(states, ended) if ended else []), *await reader.left()]

    return [described(one) for one in _read(given, read)]


def find(given: Given, saga_id: str) -> dict[str, Any]:
    """One saga with its data and steps; raises `UsageError` where there is none of that id."""
    found = _read(given, lambda reader: reader.find(saga_id))
    if found is None:
        raise unknown(saga_id)
    return described(found, whole=True)


def _read(given: Given, read: Callable[[Reader], Awaitable[T]]) -> T:
    simulated = given.config().clock.mode == "simulated"
    path = state_folder(given, "journal") / ("simulation.db" if simulated else "journal.db")
    if not path.exists():
        raise UsageError(f"there is no journal {path}; a run with the plugin journal makes one")

    async def reading(connection: sqlite3.Connection) -> T:
        return await read(Reader(_File(connection)))

    try:
        with closing(sqlite3.connect(_read_only(path), uri=True)) as connection:
            return asyncio.run(reading(connection))
    except sqlite3.Error as error:
        raise JournalError(f"{path} holds no sagas that can be read: {error}") from None


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"
