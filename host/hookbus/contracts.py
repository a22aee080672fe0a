"""Contracts: what a plugin may provide to the host, or to another plugin, as a service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from hookbus.cloudevents import careful_text, format_time
from hookbus.envelope import Envelope
from hookbus.events import Event


class Statement(NamedTuple):
    """An SQL statement for the journal's database, with the values of its `?` parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as a journal keeps it.

    `position` is its place in the journal, from 1; `run` and `sequence` make its id; `data` is its
    fields as JSON, `version` the schema version that they were written with.
    """

    position: int
    run: str
    sequence: int
    type: str
    version: int
    source: str
    time_ns: int
    key: str | None
    correlation_id: str
    causation_id: str | None
    depth: int
    data: str

    def to_json(self) -> str:
        """One line of CloudEvents 1.0 JSON, as `Envelope.to_json`; its type need not be known."""
        try:
            data = json.loads(self.data)
        except ValueError:
            data = {"text": self.data}
        record: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"{self.run}-{self.sequence}",
            "source": f"/hookbus/{self.source}",
            "type": self.type,
            "time": format_time(self.time_ns),
            "datacontenttype": "application/json",
            "dataversion": self.version,
            "sequence": self.sequence,
            "correlationid": self.correlation_id,
        }
        if self.causation_id is not None:
            record["causationid"] = self.causation_id
        if self.key is not None:
            record["subject"] = self.key
        record["data"] = data
        return careful_text(record)


@dataclass(frozen=True, slots=True)
class Attempts:
    """What a consumer has tried with one event: how often it failed, how often it took the process
    down with it."""

    failures: int = 0
    crashes: int = 0


class Delivery(NamedTuple):
    """One event on its way to a consumer; `letter` is the dead letter that is tried again."""

    position: int
    letter: int | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a consumer gave up: why, and after how much."""

    envelope: str
    """The event as CloudEvents 1.0 JSON."""
    error: str
    traceback: str
    attempts: Attempts
    time_ns: int


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """Where a consumer stands when it is opened.

    `head` is the last position of the journal at that moment. Everything up to `offset` is
    finished, and so is what `finished` names beyond it. `attempts` is kept by position for what is
    not finished; `retrying` are dead letters that are to be tried again, by their number.
    """

    head: int
    offset: int
    finished: frozenset[int]
    attempts: dict[int, Attempts]
    retrying: dict[int, StoredEvent]


Landed = Callable[[list[int]], None]
"""Hears the positions of what has been committed, on the event loop's thread."""


class Consumer(Protocol):
    """The memory of one durable subscription.

    A call takes its place in line at once; what is awaited has been stored. Methods raise
    `JournalError` when the journal cannot store at the moment: nothing has changed, and the call
    may be made again.
    """

    name: str

    def opened(self) -> Awaitable[ConsumerState]:
        """Its state; an attempt that had begun and never ended counts as a crash."""

    def read(self, after: int, most: int) -> Awaitable[list[StoredEvent]]:
        """Up to `most` events for it beyond a position, oldest first, also finished ones."""

    def begin(self, delivery: Delivery) -> Awaitable[None]:
        """An attempt begins: from now on, the end of the process counts against the event."""

    def failed(self, delivery: Delivery) -> Awaitable[None]:
        """The attempt has failed."""

    def released(self, delivery: Delivery) -> Awaitable[None]:
        """The attempt was cancelled: it counts neither as handled nor as failed."""

    def finish(
        self,
        delivery: Delivery,
        offset: int,
        statements: Sequence[Statement] = (),
        envelopes: Sequence[Envelope] = (),
        landed: Landed | None = None,
    ) -> Awaitable[list[int]]:
        """Commit that an event is handled, with its effects, all or nothing.

        `offset` is up to where everything is finished now. Returns the positions of `envelopes`,
        which become durable events; `landed` is called with them as `append` calls `done`, so that
        all durable events can be dispatched in the order of their positions. Raises
        `TransactionRefused` when a statement fails.
        """

    def bury(self, delivery: Delivery, offset: int, letter: DeadLetter) -> Awaitable[None]:
        """Move an event to the dead letters; raises `DeadLettersFull` where they are full."""

    def on_retry(self, retry: Callable[[int, StoredEvent], None]) -> None:
        """Have `retry(letter, event)` called when somebody wants a dead letter tried again."""

    def close(self) -> None:
        """The subscription is closed; its state remains, and events go on being kept for it."""


@runtime_checkable
class Journal(Protocol):
    """The memory of a host: every event in order, durable ones before they are dispatched.

    Under a simulated clock all of it happens at once, so that a run stays deterministic: callbacks
    are called before a function returns, and nothing that is awaited here waits.
    """

    def requires(self, event_class: type[Event]) -> bool:
        """Whether events of this class must be committed before they are dispatched."""

    def append(self, envelope: Envelope, done: Callable[[int, Exception | None], None]) -> None:
        """Commit an event that is to survive a crash.

        Calls `done(position, None)` on the event loop's thread after the commit, in the order in
        which `append` was called, or `done(0, error)` with a `JournalError` when it is not stored.
        """

    def consumer(self, name: str, types: Sequence[str], *, beginning: bool) -> Consumer:
        """The consumer of that name, which wants these wire names or patterns from now on.

        A new one begins at the next event, or with all that is kept if `beginning`. One that is
        there already is returned again, and wants these types instead.
        """

    def transact(
        self,
        statements: Sequence[Statement],
        envelopes: Sequence[Envelope] = (),
        landed: Landed | None = None,
    ) -> Awaitable[list[int]]:
        """Commit statements on tables of one's own, and durable events with them, all or nothing.

        Returns the positions of `envelopes`, of which `landed` hears first; plugins publish through
        `Bus.transaction`. Raises `TransactionRefused` or `JournalError`.
        """

    def query(self, statement: Statement) -> Awaitable[list[tuple[Any, ...]]]:
        """The rows of a SELECT on what is committed; raises `TransactionRefused` for bad SQL."""

    def history(
        self, types: Sequence[str], *, since_ns: int | None = None, after: int = 0
    ) -> AsyncIterator[StoredEvent]:
        """Kept events of these wire names or patterns, oldest first, up to now.

        From a time on (nanoseconds since 1970), beyond a position.
        """

    def read(
        self, types: Sequence[str], after: int, most: int, *, since_ns: int | None = None
    ) -> Awaitable[list[StoredEvent]]:
        """Up to `most` stored events of these types beyond a position, oldest first.

        `since_ns` skips what lies before the first event of that time or a later one.
        """

    def latest(
        self, types: Sequence[str], most: int, *, before: int | None = None
    ) -> Awaitable[list[StoredEvent]]:
        """The newest `most` kept events of these types before a position, newest first.

        Without a position all that was published until now counts, stored or not yet.
        """
