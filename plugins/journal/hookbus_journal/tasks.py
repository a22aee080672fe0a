"""Tasks: the work of the writer, each with somebody who is told how it went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from hookbus import JournalError

from hookbus_journal.store import Store


@dataclass(slots=True, eq=False)
class Task:
    """Work in a transaction: `perform` does it in the writer, `settle` hears of it on the loop.

    `durable`: the commit must survive a power cut. `growing`: it is refused while the disk is full,
    so that consumers can still store what they have finished. `alone`: it may fail alone, and is
    undone alone then. `weight` is how many events it brings.
    """

    perform: Callable[[Store], Any]
    settle: Callable[[Any, Exception | None], None]
    durable: bool = True
    growing: bool = True
    alone: bool = False
    weight: int = 1


class Outcome(NamedTuple):
    """What became of a task: its result, or the error."""

    task: Task
    value: Any = None
    error: Exception | None = None


def settle_all(outcomes: list[Outcome]) -> None:
    """Tell everybody how it went, in the order of the tasks."""
    for task, value, error in outcomes:
        task.settle(value, error)


def future_for(loop: asyncio.AbstractEventLoop) -> tuple[asyncio.Future[Any], Callable[..., None]]:
    """A future, and what settles it."""
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
            future.exception()  # whoever does not wait does not want to hear of it

    return future, settle


def nobody(_: Any, __: Exception | None) -> None:
    """Settles a task that nobody waits for."""


CLOSED = JournalError("the journal is closed")
