"""The committer: a batch of tasks becomes one transaction, or an error for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import apsw
from hookbus import HookbusError, JournalError, JournalFull, TransactionRefused

from hookbus_journal.checkpoints import Checkpoints
from hookbus_journal.guard import ENVIRONMENT
from hookbus_journal.reserve import Reserve
from hookbus_journal.store import Store
from hookbus_journal.tasks import Outcome, Task

FULL_MEND: Final = "make room, and it goes on by itself"


class Committer:
    """Carries out tasks in transactions of the one connection that writes.

    `trouble` says why nothing can be stored at the moment, None while all is well; `on_trouble` is
    called when that changes. `lasting=False` leaves out all syncs: for a simulation.
    """

    def __init__(
        self,
        store: Store,
        reserve: Reserve,
        checkpoints: Checkpoints,
        on_trouble: Callable[[str | None], None],
        *,
        lasting: bool = True,
    ) -> None:
        self.store = store
        self.trouble: str | None = None
        self._connection = store.connection
        self._reserve = reserve
        self._checkpoints = checkpoints
        self._on_trouble = on_trouble
        self._levels = ("NORMAL", "FULL") if lasting else ("OFF", "OFF")
        self._level = ""
        reserve.restore()

    def commit(self, batch: Sequence[Task]) -> list[Outcome]:
        """Carry out tasks in order, all in one transaction where that is possible."""
        if self.trouble is not None:
            self._reserve.restore()
        if self._reserve.spent:
            return self._commit_small(batch, self._full())
        outcomes = self._tried(batch)
        self._checkpoints.make_if_due()
        return outcomes

    def _tried(self, batch: Sequence[Task]) -> list[Outcome]:
        try:
            outcomes = self._transaction(batch)
        except apsw.FullError as error:
            self._undo()
            self._reserve.release()
            self._note(f"the disk is full: {error}")
            return self._commit_small(batch, self._full())
        except ENVIRONMENT as error:
            self._undo()
            self._note(f"{type(error).__name__}: {error}")
            refusal = JournalError(f"the journal cannot store anything: {self.trouble}")
            return [(task, None, refusal) for task in batch]
        except Exception as error:  # noqa: BLE001 - a task may fail in ways that nobody thought of
            self._undo()
            return self._one_by_one(batch, error)
        self._note(None)
        return outcomes

    def _one_by_one(self, batch: Sequence[Task], error: Exception) -> list[Outcome]:
        """Find the task that undid the transaction of all."""
        if len(batch) == 1:
            known = isinstance(error, HookbusError)
            told = error if known else JournalError(f"{type(error).__name__}: {error}")
            return [(batch[0], None, told)]
        return [outcome for task in batch for outcome in self._tried([task])]

    def _commit_small(self, batch: Sequence[Task], refusal: JournalFull) -> list[Outcome]:
        """On a full disk: refuse what needs room, and carry out the rest one by one."""
        outcomes = []
        for task in batch:
            outcome: Outcome = (task, None, refusal)
            if not task.growing:
                try:
                    outcome = self._transaction([task])[0]
                except Exception as error:  # noqa: BLE001 - told to whoever waits
                    self._undo()
                    outcome = (task, None, JournalFull(f"the disk is full: {error}"))
            outcomes.append(outcome)
        return outcomes

    def _full(self) -> JournalFull:
        return JournalFull(f"{self.trouble or 'the disk is full'}; {FULL_MEND}")

    def _transaction(self, batch: Sequence[Task]) -> list[Outcome]:
        self._set_level(self._levels[any(task.durable for task in batch)])
        if all(task.plain for task in batch):
            outcomes = [self._perform(task) for task in batch]
            self.store.write()
            return outcomes
        self._connection.execute("BEGIN IMMEDIATE")
        outcomes = [self._alone(task) if task.alone else self._perform(task) for task in batch]
        self.store.flush()
        self._connection.execute("COMMIT")
        return outcomes

    def _set_level(self, level: str) -> None:
        if level != self._level:
            self._connection.execute(f"PRAGMA synchronous={level}")
            self._level = level

    def _perform(self, task: Task) -> Outcome:
        try:
            return task, task.perform(self.store), None
        except HookbusError as error:
            return task, None, error

    def _alone(self, task: Task) -> Outcome:
        self.store.flush()
        self._connection.execute("SAVEPOINT task")
        try:
            value: Any = task.perform(self.store)
            self.store.flush()
        except HookbusError as error:
            self.store.forget()
            if not self._connection.in_transaction:
                raise TransactionRefused(f"{error}, and ended the transaction") from None
            self._connection.execute("ROLLBACK TO task; RELEASE task")
            self.store.forget()
            return task, None, error
        self._connection.execute("RELEASE task")
        return task, value, None

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self.store.forget()

    def _note(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            before, self.trouble = self.trouble, trouble
            if before is None or trouble is None:
                self._on_trouble(trouble)
