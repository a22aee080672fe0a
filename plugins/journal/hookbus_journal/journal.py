"""The journal: the service that the host and other plugins use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import apsw
from hookbus import (
    Envelope,
    Event,
    JournalError,
    Statement,
    StoredEvent,
    TransactionRefused,
    UsageError,
)

from hookbus_journal import deadletters, history
from hookbus_journal.consumers import StoredConsumer, forget
from hookbus_journal.events import OWN_EVENTS
from hookbus_journal.readers import Readers
from hookbus_journal.recorder import Recorder
from hookbus_journal.store import Store
from hookbus_journal.tasks import Call, Effect, Note, Task
from hookbus_journal.writer import Writer


class StoredJournal:
    """The memory of a host; see `hookbus.Journal`.

    `durable` are the patterns of the settings, `known` the consumers of earlier runs and their
    types, `dead_letters` how many of these are kept. `recorder` records what is not durable, and
    `committed` counts what is.
    """

    recorder: Recorder

    def __init__(
        self,
        writer: Writer,
        readers: Readers,
        now_ns: Callable[[], int],
        durable: Sequence[str],
        known: dict[str, tuple[str, ...]],
        dead_letters: int,
    ) -> None:
        self.dead_letters = dead_letters
        self.now_ns = now_ns
        self.committed = 0
        self._writer = writer
        self._readers = readers
        self._durable = tuple(durable)
        self._wanted = dict(known)
        self._consumers: dict[str, StoredConsumer] = {}
        self._required: dict[type[Event], bool] = {}

    # Writing

    def requires(self, event_class: type[Event]) -> bool:
        """Whether events of this class must be committed before they are dispatched."""
        required = self._required.get(event_class)
        if required is None:
            required = self._required[event_class] = self._find_required(event_class)
        return required

    def _find_required(self, event_class: type[Event]) -> bool:
        declared = event_class.__event__
        if declared is None or event_class in OWN_EVENTS:
            return False
        patterns = (self._durable, *self._wanted.values())
        return any(fnmatchcase(declared.name, one) for some in patterns for one in some)

    def append(self, envelope: Envelope, done: Callable[[int, Exception | None], None]) -> None:
        """Commit an event that is to survive a crash, then call `done`."""

        self.recorder.hand_over()
        self._writer.submit(Append(self, envelope, done))

    def transact(
        self,
        statements: Sequence[Statement],
        envelopes: Sequence[Envelope] = (),
        landed: Callable[[list[int]], None] | None = None,
    ) -> Awaitable[list[int]]:
        """Commit statements on tables of one's own, and durable events with them."""
        return self.commit(_nothing, statements, envelopes, landed)

    def commit(
        self,
        perform: Callable[[Store], Any],
        statements: Sequence[Statement],
        envelopes: Sequence[Envelope],
        landed: Callable[[list[int]], None] | None = None,
    ) -> asyncio.Future[list[int]]:
        """Have the writer do something together with statements and events, all or nothing."""
        statements, envelopes = tuple(statements), tuple(envelopes)
        if not statements and not envelopes:
            return self.do(Note(perform))

        def work(store: Store) -> list[int]:
            store.guard.run(statements)
            perform(store)
            return [store.append(envelope) for envelope in envelopes]

        def note(future: asyncio.Future[list[int]]) -> None:
            if future.cancelled() or future.exception() is not None:
                self.recorder.record_after_all(envelopes)
            else:
                self.committed += len(envelopes)

        self.recorder.hand_over()
        self.recorder.leave_out(envelopes)
        future = self.do(Effect(work, landed))
        future.add_done_callback(note)
        return future

    def do(self, call: Call) -> asyncio.Future[Any]:
        """Have the writer carry out a call."""
        self._writer.submit(call)
        return call.future

    # Consumers

    def consumer(self, name: str, types: Sequence[str], *, beginning: bool) -> StoredConsumer:
        """The consumer of that name, which wants these types from now on."""
        self.recorder.hand_over()
        consumer = self._consumers.get(name)
        if consumer is None:
            consumer = self._consumers[name] = StoredConsumer(self, name, types)
        consumer.types = self._wanted[name] = tuple(types)
        consumer.beginning = beginning
        self._required.clear()
        self.recorder.forget_choices()
        self.do(Note(partial(consumer.connect, beginning=beginning)))
        return consumer

    async def forget(self, name: str) -> bool:
        """Forget a consumer of which nobody makes use any more; whether there was one.

        Raises `UsageError` where a subscription of this run uses it.
        """
        consumer = self._consumers.get(name)
        if consumer is not None and consumer.connected:
            raise UsageError(f"the consumer {name!r} is in use; disable its plugin first")
        self._consumers.pop(name, None)
        self._wanted.pop(name, None)
        self._required.clear()
        self.recorder.forget_choices()
        forgotten: bool = await self.do(Note(lambda store: forget(store.connection, name)))
        return forgotten

    async def retry(self, letters: Sequence[int]) -> int:
        """Have dead letters tried again, now or when their consumer is back; returns how many."""
        marked = await self.do(Note(lambda store: deadletters.retry(store.connection, letters)))
        for letter in marked:
            consumer = self._consumers.get(letter.consumer)
            if consumer is not None and consumer.retry is not None:
                consumer.retry(letter.id, letter.event)
        return len(marked)

    async def discard(self, letters: Sequence[int]) -> int:
        """Remove dead letters for good; returns how many there were."""
        removed: int = await self.do(
            Note(lambda store: deadletters.discard(store.connection, letters))
        )
        return removed

    # Reading

    async def query(self, statement: Statement) -> list[tuple[Any, ...]]:
        """The rows of a SELECT on what is committed."""
        sql, parameters = statement
        try:
            return await self._readers.run(lambda one: one.execute(sql, parameters).fetchall())
        except apsw.InterruptError:
            raise JournalError(f"{sql!r} took so long that it held up the journal") from None
        except (apsw.Error, TypeError, ValueError, OverflowError) as error:
            raise TransactionRefused(f"{sql!r} failed: {error}") from None

    async def history(
        self, types: Sequence[str], *, since_ns: int | None = None, after: int = 0
    ) -> AsyncIterator[StoredEvent]:
        """Kept events of some types, oldest first, up to now."""
        await self.flushed()
        async for event in history.walk(self._readers, types, since_ns, after):
            yield event

    def read(
        self, types: Sequence[str], after: int, most: int, *, since_ns: int | None = None
    ) -> Awaitable[list[StoredEvent]]:
        """Up to `most` stored events of some types beyond a position, oldest first."""
        page = partial(history.page, types=types, after=after, most=most, since_ns=since_ns)
        return self._readers.run_short(page)

    async def latest(
        self, types: Sequence[str], most: int, *, before: int | None = None
    ) -> list[StoredEvent]:
        """The newest events of some types, newest first, up to now or before a position."""
        if before is None:
            await self.flushed()
        page = partial(history.latest, types=types, before=before, most=most)
        return await self._readers.run_short(page)

    async def flushed(self) -> None:
        """Wait until what was published so far is stored, or counted as missing."""
        self.recorder.hand_over()
        await self.do(Note(_nothing))


def _nothing(_: Store) -> None:
    """Does nothing: whoever waits for it waits for what was submitted before."""


class Append(Task):
    """A durable event that is committed before it is dispatched."""

    __slots__ = ("_done", "_envelope", "_journal")

    plain = True

    def __init__(
        self,
        journal: StoredJournal,
        envelope: Envelope,
        done: Callable[[int, Exception | None], None],
    ) -> None:
        self._journal = journal
        self._envelope = envelope
        self._done = done

    def perform(self, store: Store) -> int:
        """Add the event; returns its position."""
        return store.append(self._envelope)

    def settle(self, value: Any, error: Exception | None) -> None:
        """Tell whoever appended."""
        if error is None:
            self._journal.committed += 1
            self._done(value, None)
        else:
            self._done(0, error)
