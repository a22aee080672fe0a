"""Tasks: the work of the writer, each with somebody who is told how it went."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from hookbus import JournalError

from hookbus_journal.store import Store


class Task(ABC):
    """Work in a transaction: `perform` does it in the writer, `settle` hears of it on the loop.

    `durable`: the commit must survive a power cut. `growing`: it is refused while the disk is full,
    so that consumers can still store what they have finished. `alone`: it may fail alone, and is
    undone alone then. `plain`: it only adds events. `weight` is how many.
    """

    __slots__ = ()

    durable: ClassVar[bool] = True
    growing: ClassVar[bool] = True
    alone: ClassVar[bool] = False
    plain: bool = False
    weight: int = 1

    @abstractmethod
    def perform(self, store: Store) -> Any:
        """Do the work; raises `HookbusError` where it must not be done."""

    @abstractmethod
    def settle(self, value: Any, error: Exception | None) -> None:
        """Hear how it went."""


Outcome = tuple[Task, Any, Exception | None]
"""What became of a task: its result, or the error."""


def settle_all(outcomes: list[Outcome]) -> None:
    """Tell everybody how it went, in the order of the tasks, also when somebody's ear fails."""
    for task, value, error in outcomes:
        try:
            task.settle(value, error)
        except Exception as failure:  # noqa: BLE001 - others must hear as well
            asyncio.get_running_loop().call_exception_handler(
                {"message": "telling what became of a commit failed", "exception": failure}
            )


class Call(Task):
    """A function that is called in a transaction, and a future for what it returns."""

    __slots__ = ("_call", "future")

    def __init__(self, call: Callable[[Store], Any]) -> None:
        self._call = call
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def perform(self, store: Store) -> Any:
        """Call the function."""
        return self._call(store)

    def settle(self, value: Any, error: Exception | None) -> None:
        """Settle the future; whoever does not wait for it does not want to hear of an error."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)
            self.future.exception()


class Note(Call):
    """Bookkeeping, which a power cut may undo and a full disk does not refuse."""

    __slots__ = ()

    durable = False
    growing = False


class Effect(Call):
    """Something that others are told of, and that may be refused for reasons of its own.

    `landed` hears of the result at once, before those whose tasks come later hear of theirs.
    """

    __slots__ = ("_landed",)

    alone = True

    def __init__(
        self, call: Callable[[Store], Any], landed: Callable[[Any], None] | None = None
    ) -> None:
        super().__init__(call)
        self._landed = landed

    def settle(self, value: Any, error: Exception | None) -> None:
        """Tell `landed`, then settle the future."""
        if error is None and self._landed is not None:
            self._landed(value)
        super().settle(value, error)


CLOSED = JournalError("the journal is closed")
