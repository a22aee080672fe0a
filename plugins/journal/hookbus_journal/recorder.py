"""The recorder: keeps every event that nobody asked to be durable, as well as that can be done."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from hookbus import Envelope, Event, JournalError

from hookbus_journal.rows import data_of, size_of
from hookbus_journal.store import Store
from hookbus_journal.tasks import Task
from hookbus_journal.writer import Writer

BATCH = 256
"""Events that are handed to the writer at once."""

BEHIND = "the journal fell behind"


@dataclass(slots=True)
class Missed:
    """Events that were not recorded, by reason, and how many of them no row tells of yet."""

    total: int = 0
    unsaid: dict[str, int] = field(default_factory=dict)

    def count(self, reason: str, events: int) -> None:
        """Events are missing."""
        self.total += events
        self.unsaid[reason] = self.unsaid.get(reason, 0) + events

    def take(self) -> dict[str, int]:
        """What a row is to tell of."""
        unsaid, self.unsaid = self.unsaid, {}
        return unsaid


class Recorder:
    """Keeps envelopes until there are `batch`, or until `later` calls back, and has them written.

    `wants` says which classes are recorded. At most `most` events wait for the writer; further ones
    are counted in `missed`. `on_missed` is told how many.
    """

    def __init__(
        self,
        writer: Writer,
        wants: Callable[[type[Event]], bool],
        now_ns: Callable[[], int],
        later: Callable[[Callable[[], None]], object] | None,
        on_missed: Callable[[int], None],
        *,
        batch: int = BATCH,
        most: int = 65_536,
    ) -> None:
        self.missed = Missed()
        self.omitted = 0
        self.recorded = 0
        self.waiting = 0
        self._writer = writer
        self._wants = wants
        self._now_ns = now_ns
        self._later = later
        self._on_missed = on_missed
        self._batch = batch
        self._most = most
        self._kept: list[Envelope] = []
        self._wanted: dict[type[Event], bool] = {}
        self._told_elsewhere: set[int] = set()

    def keep(self, envelope: Envelope) -> None:
        """Keep an event that is being dispatched."""
        cls = type(envelope.event)
        if cls not in self._wanted:
            self._wanted[cls] = self._wants(cls)
        if not self._wanted[cls] or (self._told_elsewhere and self._is_known(envelope)):
            return
        kept = self._kept
        kept.append(envelope)
        if len(kept) >= self._batch:
            self.hand_over()
        elif len(kept) == 1 and self._later is not None:
            self._later(self.hand_over)

    def forget_choices(self) -> None:
        """Ask anew which classes are wanted: some may have become durable."""
        self._wanted.clear()

    def leave_out(self, envelopes: Sequence[Envelope]) -> None:
        """These have been committed already, or will be, when they are dispatched."""
        self._told_elsewhere.update(one.sequence for one in envelopes)

    def _is_known(self, envelope: Envelope) -> bool:
        known = envelope.sequence in self._told_elsewhere
        self._told_elsewhere.discard(envelope.sequence)
        return known

    def hand_over(self) -> None:
        """Have the writer write what was kept."""
        kept, self._kept = self._kept, []
        if not kept:
            return
        if self.waiting + len(kept) > self._most:
            self.missed.count(BEHIND, len(kept))
            self._on_missed(len(kept))
            return
        self.waiting += len(kept)
        self._writer.submit(
            Task(
                lambda store: self._write(store, kept),
                lambda _, error: self._written(len(kept), error),
                durable=False,
                weight=len(kept),
            )
        )

    def _write(self, store: Store, envelopes: list[Envelope]) -> None:
        for envelope in envelopes:
            store.add(envelope, self._data_of(envelope, store.payload_limit), durable=False)
        for reason, count in self.missed.take().items():
            store.connection.execute(
                "INSERT INTO gaps VALUES (?, ?, ?, ?)",
                (store.run_number(), count, reason, self._now_ns()),
            )

    def _data_of(self, envelope: Envelope, limit: int) -> str:
        try:
            data = data_of(envelope)
        except JournalError as error:
            self.omitted += 1
            return json.dumps({"unwritable": str(error)})
        size = size_of(data)
        if size <= limit:
            return data
        self.omitted += 1
        return json.dumps({"omitted": size})

    def _written(self, count: int, error: Exception | None) -> None:
        self.waiting -= count
        if error is None:
            self.recorded += count
        else:
            self.missed.count(str(error), count)


def chooser(
    record: Sequence[str], exclude: Sequence[str], requires: Callable[[type[Event]], bool]
) -> Callable[[type[Event]], bool]:
    """Says which classes are recorded: those of the patterns that are not durable already."""

    def wants(cls: type[Event]) -> bool:
        name = cls.__event__.name if cls.__event__ else ""
        return (
            any(fnmatchcase(name, one) for one in record)
            and not any(fnmatchcase(name, one) for one in exclude)
            and not requires(cls)
        )

    return wants
