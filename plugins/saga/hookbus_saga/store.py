"""The store: sagas in the tables of the journal's database."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, Protocol

from hookbus import Journal, Saga, SagaState, SagaStep, Statement, StepState, UsageError

__all__ = ["Reader", "Store", "as_json"]

_TABLES = (
    """CREATE TABLE IF NOT EXISTS saga_sagas (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        data TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        begun_ns INTEGER NOT NULL,
        changed_ns INTEGER NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS saga_steps (
        saga TEXT NOT NULL,
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        data TEXT NOT NULL,
        reason TEXT NOT NULL,
        begun_ns INTEGER,
        ended_ns INTEGER,
        PRIMARY KEY (saga, place)
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS saga_states ON saga_sagas (state, changed_ns)",
)
_COLUMNS = "id, name, data, state, reason, begun_ns, changed_ns"
_ENDED = tuple(state for state in SagaState if state.ended)
_OPEN = tuple(state for state in SagaState if not state.ended)


class Readable(Protocol):
    """What reading sagas needs of a journal."""

    def query(self, statement: Statement) -> Awaitable[list[tuple[Any, ...]]]:
        """The rows of a SELECT."""


class Reader:
    """Reads the sagas that a journal has kept."""

    def __init__(self, journal: Readable) -> None:
        self._readable = journal

    async def find(self, saga_id: str) -> Saga | None:
        """A saga by its id."""
        found = await self._read("id = ?", (saga_id,))
        return found[0] if found else None

    async def left(self) -> list[Saga]:
        """The sagas that have not ended, the oldest first."""
        return await self._read(_among(_OPEN), _OPEN)

    async def latest(self, states: tuple[SagaState, ...], most: int) -> list[Saga]:
        """Up to `most` sagas in some states, the newest of them, the oldest first."""
        where = f"number IN (SELECT number FROM saga_sagas WHERE {_among(states)} "
        return await self._read(f"{where} ORDER BY number DESC LIMIT ?)", (*states, most))

    async def _read(self, where: str, values: tuple[Any, ...]) -> list[Saga]:
        sagas = f"SELECT {_COLUMNS} FROM saga_sagas WHERE {where} ORDER BY number"
        rows = await self._readable.query(Statement(sagas, values))
        if not rows:
            return []
        steps = (
            "SELECT saga, name, state, attempts, data, reason, begun_ns, ended_ns FROM saga_steps "
            f"WHERE saga IN (SELECT id FROM saga_sagas WHERE {where}) ORDER BY saga, place"
        )
        found: dict[str, list[SagaStep]] = {}
        for saga, *row in await self._readable.query(Statement(steps, values)):
            found.setdefault(saga, []).append(_step_of(*row))
        return [_saga_of(found.get(row[0], []), *row) for row in rows]


class Store(Reader):
    """Reads and writes sagas; what is awaited has been committed.

    Raises `JournalError` when the journal cannot store at the moment, and `TransactionRefused`
    where a statement of a step fails: then nothing has changed.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self._journal = journal

    async def prepare(self) -> None:
        """Make the tables where they are missing."""
        await self._journal.transact([Statement(sql) for sql in _TABLES])

    async def write(
        self, before: Saga | None, after: Saga, statements: Iterable[Statement] = ()
    ) -> None:
        """Record a saga as it is after a change, and with it what a step wants committed."""
        head = _insert(after) if before is None else _update(after)
        known = dict(enumerate(() if before is None else before.steps))
        steps = [
            _step(after, place)
            for place, step in enumerate(after.steps)
            if step is not known.get(place)
        ]
        await self._journal.transact([head, *steps, *statements])

    async def forget(self, before_ns: int) -> None:
        """Delete what ended before an instant."""
        old = f"{_among(_ENDED)} AND changed_ns < ?"
        steps = f"DELETE FROM saga_steps WHERE saga IN (SELECT id FROM saga_sagas WHERE {old})"
        sagas = f"DELETE FROM saga_sagas WHERE {old}"
        values = (*_ENDED, before_ns)
        await self._journal.transact([Statement(steps, values), Statement(sagas, values)])


def as_json(data: Mapping[str, Any]) -> str:
    """Data as it is stored; raises `UsageError` for what JSON cannot express."""
    try:
        return json.dumps(dict(data), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the data of a saga or a step must be fit for JSON: {error}") from None


def _among(states: tuple[SagaState, ...]) -> str:
    return f"state IN ({', '.join('?' * len(states))})"


def _insert(saga: Saga) -> Statement:
    values = (saga.id, saga.name, as_json(saga.data), saga.state, saga.reason)
    return Statement(
        f"INSERT INTO saga_sagas ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*values, saga.begun_ns, saga.changed_ns),
    )


def _update(saga: Saga) -> Statement:
    return Statement(
        "UPDATE saga_sagas SET state = ?, reason = ?, changed_ns = ? WHERE id = ?",
        (saga.state, saga.reason, saga.changed_ns, saga.id),
    )


def _step(saga: Saga, place: int) -> Statement:
    step = saga.steps[place]
    values = (step.name, step.state, step.attempts, as_json(step.data), step.reason)
    return Statement(
        "INSERT OR REPLACE INTO saga_steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (saga.id, place, *values, step.begun_ns, step.ended_ns),
    )


def _saga_of(
    steps: list[SagaStep],
    saga_id: str,
    name: str,
    data: str,
    state: str,
    reason: str,
    begun_ns: int,
    changed_ns: int,
) -> Saga:
    return Saga(
        id=saga_id,
        name=name,
        data=json.loads(data),
        steps=tuple(steps),
        begun_ns=begun_ns,
        changed_ns=changed_ns,
        state=SagaState(state),
        reason=reason,
    )


def _step_of(
    name: str,
    state: str,
    attempts: int,
    data: str,
    reason: str,
    begun_ns: int | None,
    ended_ns: int | None,
) -> SagaStep:
    return SagaStep(name, StepState(state), attempts, json.loads(data), reason, begun_ns, ended_ns)
