"""Answers: what the journal of a running host does for the commands that ask it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hookbus_journal import retention
from hookbus_journal.journal import StoredJournal
from hookbus_journal.tasks import Note


def answers(journal: StoredJournal) -> dict[str, Callable[..., Any]]:
    """The functions that answer, by the names of the requests."""

    async def prune(before_ns: int, keep_bytes: int) -> int:
        """Remove some of the oldest events; returns how many, 0 when there is no more to do."""
        step = partial(retention.prune, before_ns=before_ns, keep_bytes=keep_bytes)
        removed: int = await journal.do(Note(step))
        return removed

    async def retry(letters: Sequence[int]) -> int:
        return await journal.retry(letters)

    async def discard(letters: Sequence[int]) -> int:
        return await journal.discard(letters)

    async def forget(consumer: str) -> bool:
        return await journal.forget(consumer)

    return {"prune": prune, "retry": retry, "discard": discard, "forget": forget}
