"""The inquiry: the question, and the part of the record that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from hookbus import StoredEvent

from hookbus_journal.why.explanations import Explanations
from hookbus_journal.why.question import Question
from hookbus_journal.why.reader import Reader, fields_of
from hookbus_journal.why.upstream import Upstream

__all__ = ["MOST", "Inquiry", "Run", "about", "called"]

MOST = 1000
"""The newest events of a kind that are looked at."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the host; `ended_ns` is that of its last event where it did not end as it should."""

    number: int
    name: str
    started_ns: int
    ended_ns: int
    clean: bool


def about(event: StoredEvent, key: str | None) -> bool:
    """Whether an event concerns a key: it is its key or in a field of it, or it has no key."""
    if key is None or event.key is None or event.key == key:
        return True
    return key in (one for one in fields_of(event).values() if isinstance(one, str))


@dataclass(frozen=True)
class Inquiry:
    """What all that look for causes work with: one question, or one step upstream of it.

    `running` says that the newest run is still on, and was not killed; `cut` are the types of which
    there were more events than were looked at.
    """

    reader: Reader
    question: Question
    explanations: Explanations
    upstream: Upstream
    running: bool = False
    cut: set[str] = field(default_factory=set)

    @property
    def plugins(self) -> tuple[str, ...]:
        """The plugins that would have published the event."""
        return self.upstream.publishers

    def events(
        self, types: Iterable[str], since_ns: int | None = None, key: str | None = None
    ) -> list[StoredEvent]:
        """The newest events of some types in the range, or from an earlier time; oldest first.

        With a key only those that may concern it.
        """
        names = list(types)
        since_ns = self.question.since_ns if since_ns is None else since_ns
        marks = ",".join("?" * len(names))
        found = self.reader.events(
            f"type IN (SELECT id FROM types WHERE name IN ({marks})) AND time_ns BETWEEN ? AND ? "
            "AND (? IS NULL OR key IS NULL OR key = ? OR instr(data, ?)) "
            "ORDER BY position DESC LIMIT ?",
            *names,
            since_ns,
            self.question.until_ns,
            *(key, key, key),
            MOST,
        )
        events = list(found)[::-1]
        if len(events) == MOST:
            self.cut.update(names)
        return events

    def concerning(self, types: Iterable[str], since_ns: int | None = None) -> list[StoredEvent]:
        """Those of them that concern the key."""
        key = self.question.key
        return [one for one in self.events(types, since_ns, key) if about(one, key)]

    def all_runs(self) -> list[Run]:
        """Every run that the journal was part of, in the order of starting.

        One that is still on lasts as long as the range.
        """
        rows = self.reader.rows(
            """SELECT id, name, started_ns, ended_ns, clean,
                (SELECT time_ns FROM events WHERE run = runs.id ORDER BY sequence DESC LIMIT 1)
            FROM runs ORDER BY started_ns"""
        )
        runs = [_run(*row) for row in rows if row[2]]
        if self.running and runs and not runs[-1].clean:
            runs[-1] = replace(runs[-1], ended_ns=max(runs[-1].ended_ns, self.question.until_ns))
        return runs

    def runs(self) -> list[Run]:
        """The runs that overlap the range."""
        since, until = self.question.since_ns, self.question.until_ns
        return [one for one in self.all_runs() if one.started_ns <= until and one.ended_ns >= since]

    def begin_ns(self) -> int:
        """When the first run that overlaps the range began, or the range itself."""
        return min([self.question.since_ns, *(one.started_ns for one in self.runs())])

    def subscriptions(self) -> Iterator[tuple[str, str, str, str | None]]:
        """Plugin, name, filter and condition of every subscription of these runs."""
        numbers = [one.number for one in self.runs()]
        marks = ",".join("?" * len(numbers))
        yield from self.reader.rows(
            f"SELECT DISTINCT plugin, name, filter, condition FROM accounts WHERE run IN ({marks})"
            " ORDER BY plugin, name",
            *numbers,
        )

    def deciding(self) -> list[tuple[str, str, str, str | None]]:
        """The subscriptions of which an event was to come, or that were to get it."""
        wanted = self.question.to
        return [
            one
            for one in self.subscriptions()
            if (called(*one[:2], wanted) if wanted else one[0] in self.plugins)
        ]

    def on_the_way(self) -> tuple[str, ...]:
        """The types of events that should have led to it or, for a subscription, come to it."""
        if self.question.to is None:
            return self.upstream.causes
        if self.question.type is not None:
            return (self.question.type,)
        return tuple(name for (name,) in self.reader.rows("SELECT name FROM types ORDER BY id"))

    def taken(self, filter_text: str) -> list[str]:
        """Those of them that a filter lets through."""
        return [one for one in self.on_the_way() if self.explanations.takes(filter_text, one)]


def called(plugin: str, name: str, wanted: str) -> bool:
    """Whether a subscription is called so: `plugin:name`, `plugin.name`, or its name alone."""
    return wanted in (name, f"{plugin}:{name}", f"{plugin}.{name}")


def _run(
    number: int, name: str, started: int, ended: int | None, clean: int, last: int | None
) -> Run:
    return Run(number, name, started, max(started, ended or 0, last or 0), bool(clean))
