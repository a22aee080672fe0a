"""The recorder: keeps every event that nobody asked to be durable, as well as that can be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from hookbus import Envelope, Event

from hookbus_journal.store import Store
from hookbus_journal.tasks import Task
from hookbus_journal.writer import Writer

BATCH = 256
"""Events that are handed to the writer at once."""

BEHIND = "the journal fell behind"


class Recorder:
    """Keeps envelopes until there are `batch`, or until `later` calls back, and has them written.

    `wants` says which classes are recorded. At most `most` events wait for the writer; more are
    not recorded. `missed` counts those and what could not be stored, `omitted` the events whose
    data was too large or no JSON; `on_missed` is told of the former when that begins, and when it
    is over.
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
        self.recorded = 0
        self.missed = 0
        self.omitted = 0
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
        self._committed_elsewhere: set[int] = set()
        self._gaps: Counter[str] = Counter()
        self._behind: int | None = None

    def keep(self, envelope: Envelope) -> None:
        """Keep an event that is being dispatched."""
        cls = type(envelope.event)
        wanted = self._wanted.get(cls)
        if wanted is None:
            wanted = self._wanted[cls] = self._wants(cls)
        if not wanted or (self._committed_elsewhere and self._is_known(envelope)):
            return
        kept = self._kept
        kept.append(envelope)
        if len(kept) >= self._batch:
            self.hand_over()
        elif len(kept) == 1 and self._later is not None:
            self._later(self.hand_over)

    @property
    def behind(self) -> bool:
        """Whether more is published than can be recorded."""
        return self._behind is not None

    def forget_choices(self) -> None:
        """Ask anew which classes are wanted: some may have become durable."""
        self._wanted.clear()

    def leave_out(self, envelopes: Sequence[Envelope]) -> None:
        """These are committed in another way, and are not recorded when they are dispatched."""
        self._committed_elsewhere.update(
            one.sequence for one in envelopes if self._wants(type(one.event))
        )

    def record_after_all(self, envelopes: Sequence[Envelope]) -> None:
        """These were not committed."""
        self._committed_elsewhere.difference_update(one.sequence for one in envelopes)

    def _is_known(self, envelope: Envelope) -> bool:
        known = envelope.sequence in self._committed_elsewhere
        self._committed_elsewhere.discard(envelope.sequence)
        return known

    def hand_over(self) -> None:
        """Have the writer write what was kept, and what is missing."""
        if not self._kept and not self._gaps:
            return
        kept, self._kept = self._kept, []
        if kept and self.waiting + len(kept) > self._most:
            self._fall_behind(len(kept))
            return
        gaps, self._gaps = self._gaps, Counter()
        self.waiting += len(kept)
        self._writer.submit(Recording(self, kept, gaps))

    def _fall_behind(self, count: int) -> None:
        self._miss(BEHIND, count)
        if self._behind is None:
            self._behind = 0
            self._on_missed(count)
        else:
            self._behind += count

    def _catch_up(self) -> None:
        behind, self._behind = self._behind, None
        if behind:
            self._on_missed(behind)

    def _miss(self, reason: str, count: int) -> None:
        self.missed += count
        self._gaps[reason] += count

    def written(
        self, count: int, gaps: Counter[str], omitted: int, error: Exception | None
    ) -> None:
        """Hear what became of a recording."""
        self.waiting -= count
        if error is None:
            self.recorded += count
            self.omitted += omitted
        else:
            self._miss(type(error).__name__, count)
            self._gaps.update(gaps)
        if self._behind is not None and self.waiting <= self._most // 2:
            self._catch_up()

    @property
    def now_ns(self) -> int:
        """The time of the host's clock."""
        return self._now_ns()


class Recording(Task):
    """Events that are recorded, best effort, and what is missing before them, by reason."""

    __slots__ = ("_envelopes", "_gaps", "_recorder", "plain", "weight")

    durable = False

    def __init__(self, recorder: Recorder, envelopes: list[Envelope], gaps: Counter[str]) -> None:
        self._recorder = recorder
        self._envelopes = envelopes
        self._gaps = gaps
        self.weight = len(envelopes)
        self.plain = not gaps

    def perform(self, store: Store) -> int:
        """Add events and gaps; returns how many events have their data left out."""
        for reason in sorted(self._gaps):
            store.connection.execute(
                "INSERT INTO gaps VALUES (?, ?, ?, ?)",
                (store.run, self._gaps[reason], reason, self._recorder.now_ns),
            )
        whole = [store.record(envelope) for envelope in self._envelopes]
        return whole.count(False)

    def settle(self, value: Any, error: Exception | None) -> None:
        """Have the recorder count."""
        self._recorder.written(self.weight, self._gaps, value, error)


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
