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

FULL: Final = "the disk is full; make room, and it goes on by itself"


class Committer:
    """Carries out tasks in transactions of the one connection that writes.

    `trouble` says why nothing can be stored at the moment, None while all is well; `on_trouble` is
    called when that changes. `levels` are the levels of sync for bookkeeping and for what must
    survive a power cut; `lasting=False` leaves out all syncs, for a simulation.
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
        self.reserve = reserve
        self.checkpoints = checkpoints
        self._on_trouble = on_trouble
        self.levels = ("NORMAL", "FULL") if lasting else ("OFF", "OFF")
        self._level = ""
        reserve.restore()

    def commit(self, batch: Sequence[Task]) -> list[Outcome]:
        """Carry out tasks in order, all in one transaction where that is possible."""
        try:
            return self._commit(batch)
        except Exception as error:  # noqa: BLE001 - nothing may end the writer
            self._note(_in_words(error))
            return self._refused(batch)

    def _commit(self, batch: Sequence[Task]) -> list[Outcome]:
        if self.reserve.spent:
            self.reserve.restore()
        if self.reserve.spent:
            self._note(FULL)
            outcomes = self._only_what_needs_no_room(batch)
        else:
            outcomes = self._tried(batch)
        self.checkpoints.make_if_due(soon=self.reserve.spent)
        return outcomes

    def _tried(self, batch: Sequence[Task]) -> list[Outcome]:
        try:
            outcomes = self._transaction(batch)
        except apsw.FullError:
            self._undo()
            self.reserve.release()
            self._note(FULL)
            return self._only_what_needs_no_room(batch)
        except ENVIRONMENT as error:
            self._undo()
            self._note(_in_words(error))
            return self._refused(batch)
        except Exception as error:  # noqa: BLE001 - a task may fail in ways that nobody thought of
            self._undo()
            return self._one_by_one(batch, error)
        self._note(None)
        return outcomes

    def _refused(self, batch: Sequence[Task]) -> list[Outcome]:
        refusal = JournalError(f"the journal cannot store anything: {self.trouble}")
        return [(task, None, refusal) for task in batch]

    def _one_by_one(self, batch: Sequence[Task], error: Exception) -> list[Outcome]:
        """Find the task that undid the transaction of all."""
        if len(batch) == 1:
            return [(batch[0], None, _told(error))]
        return [outcome for task in batch for outcome in self._tried([task])]

    def _only_what_needs_no_room(self, batch: Sequence[Task]) -> list[Outcome]:
        """On a full disk: refuse what adds, and carry out the rest one by one."""
        outcomes: list[Outcome] = []
        for task in batch:
            try:
                if task.growing:
                    raise JournalFull(FULL)
                outcomes += self._transaction([task])
            except Exception as error:  # noqa: BLE001 - told to whoever waits
                self._undo()
                outcomes.append((task, None, _told(error)))
        return outcomes

    def _transaction(self, batch: Sequence[Task]) -> list[Outcome]:
        self._set_level(self.levels[any(task.durable for task in batch)])
        if all(task.plain for task in batch):
            outcomes = self._perform(batch)
            self.store.write()
            return outcomes
        self._connection.execute("BEGIN IMMEDIATE")
        outcomes = []
        for task in batch:
            outcomes += [self._alone(task)] if task.alone else self._perform([task])
        self.store.flush()
        self._connection.execute("COMMIT")
        return outcomes

    def _set_level(self, level: str) -> None:
        if level != self._level:
            self._connection.execute(f"PRAGMA synchronous={level}")
            self._level = level

    def _perform(self, batch: Sequence[Task]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        store = self.store
        for task in batch:
            try:
                outcomes.append((task, task.perform(store), None))
            except HookbusError as error:
                outcomes.append((task, None, error))
        return outcomes

    def _alone(self, task: Task) -> Outcome:
        self.store.flush()
        self._connection.execute("SAVEPOINT task")
        try:
            value: Any = task.perform(self.store)
            self.store.flush()
        except HookbusError as error:
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


def _told(error: Exception) -> Exception:
    """The error as whoever waits for a task hears of it."""
    if isinstance(error, apsw.FullError):
        return JournalFull(FULL)
    return error if isinstance(error, HookbusError) else JournalError(_in_words(error))


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
