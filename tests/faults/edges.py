"""Edges: the places in which a kill is worst, each a call of the host or the journal.

A process dies at an edge because the real method is wrapped; nothing in the product knows of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from itertools import count
from typing import Any

from hookbus.bus.durable.commits import Commits
from hookbus_journal.committer import Committer
from hookbus_journal.consumers import StoredConsumer
from hookbus_journal.guard import Guard
from hookbus_journal.store import Store


@dataclass(frozen=True)
class Edge:
    """Before or after a method; after one that returns a future is when that is done."""

    name: str
    owner: type
    method: str
    after: bool = False
    rare: bool = False
    """Whether it may be passed only once in a life."""


def _both(what: str, owner: type, method: str, *, rare: bool = False) -> tuple[Edge, Edge]:
    return (
        Edge(f"before {what}", owner, method, rare=rare),
        Edge(f"after {what}", owner, method, after=True, rare=rare),
    )


EDGES = (
    *_both("the commit", Committer, "commit"),
    *_both("rows are written inside a commit", Store, "flush"),
    *_both("an effect inside a commit", Guard, "run"),
    *_both("the dispatch", Commits, "_forward"),
    *_both("an answer goes from the outbox to the bus", Commits, "land"),
    *_both("a consumer is opened", StoredConsumer, "opened", rare=True),
    *_both("an attempt is stored", StoredConsumer, "begin"),
    *_both("a failure is stored", StoredConsumer, "failed"),
    *_both("the offset is stored", StoredConsumer, "finish"),
    *_both("an event is dead-lettered", StoredConsumer, "bury"),
)


@dataclass(frozen=True)
class Death:
    """SIGKILL to oneself when an edge is passed for the `passing`th time."""

    edge: Edge
    passing: int

    def __call__(self) -> None:
        """Wrap the method of the edge in this process."""
        method = getattr(self.edge.owner, self.edge.method)
        setattr(self.edge.owner, self.edge.method, self._wrapped(method))

    def _wrapped(self, method: Callable[..., Any]) -> Callable[..., Any]:
        numbers = count(1)

        def step(*_: object) -> None:
            if next(numbers) == self.passing:
                os.kill(os.getpid(), signal.SIGKILL)

        @wraps(method)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            if not self.edge.after:
                step()
                return method(*arguments, **options)
            result = method(*arguments, **options)
            if isinstance(result, asyncio.Future):
                result.add_done_callback(step)
            else:
                step()
            return result

        return wrapped
