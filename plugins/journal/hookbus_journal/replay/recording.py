"""The recording: one run of a journal, and which of its events are to be fed in again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import apsw
from hookbus import Event, StoredEvent, UsageError
from hookbus.operational import HostStarted, HostStopping

from hookbus_journal.names import matching
from hookbus_journal.rows import SELECT, stored
from hookbus_journal.sql import row, rows, value
from hookbus_journal.why.reader import split_id

PAGE: Final = 2_000
"""Events that are read at once."""

OWN: Final = "hookbus.*"
"""The events of the host itself, which are never fed in and never compared."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that a journal has events of, from `first` to `last` position."""

    number: int
    name: str
    started_ns: int
    simulated: bool
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Which events are fed in: those of some types, or else what came from outside.

    `correlation` is the id of the first event of a chain; times in nanoseconds since 1970.
    """

    types: tuple[str, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None
    correlation: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it is all that the run was fed with."""
        return self == Choice()


class Input(NamedTuple):
    """An event to be fed in; `type` and `source` are names."""

    position: int
    sequence: int
    type: str
    version: int
    source: str
    time_ns: int
    data: str


class Recorded(NamedTuple):
    """An event; `cause` is the sequence of its cause, None for a root, `root` that of the first.

    Both are 0 for an event of another run.
    """

    position: int
    sequence: int
    cause: int | None
    root: int
    type: str
    source: str
    time_ns: int
    key: str | None
    version: int
    data: str


def find_run(connection: apsw.Connection, name: str | None) -> Run:
    """The run of that name, by default the newest; raises `UsageError`."""
    found = rows(
        connection,
        "SELECT id, name, started_ns, simulated FROM runs "
        "WHERE EXISTS (SELECT 1 FROM events WHERE run = runs.id) ORDER BY id",
    )
    chosen = [one for one in found if name in (None, one[1])]
    if not chosen:
        names = ", ".join(one[1] for one in found[-5:]) or "none at all"
        raise UsageError(f"the journal has no events of a run {name!r}; it has some of {names}")
    number, name, started_ns, simulated = chosen[-1]
    sql = "SELECT min(position), max(position) FROM events WHERE run = ?"
    first, last = row(connection, sql, (number,))
    return Run(number, name, started_ns, bool(simulated), first, last)


class Recording:
    """The events of one run, read a page at a time."""

    def __init__(self, connection: apsw.Connection, run: Run, choice: Choice) -> None:
        self.run = run
        self.choice = choice
        self._connection = connection
        self._types: dict[int, str] = dict(rows(connection, "SELECT id, name FROM types"))
        self._sources: dict[int, str] = dict(rows(connection, "SELECT id, name FROM sources"))
        self._chosen_types = self._matching(*choice.types)
        if choice.types and not self._chosen_types:
            raise UsageError(f"no event type in the journal matches {', '.join(choice.types)}")

    def _matching(self, *patterns: str) -> list[int]:
        return matching(list(self._types.items()), patterns)

    def inputs(self, running: Iterable[str]) -> Inputs:
        """What is fed in, where the plugins `running` publish by themselves."""
        return Inputs(self._connection, self.run, self._condition(running), self._names)

    @property
    def _names(self) -> tuple[dict[int, str], dict[int, str]]:
        return self._types, self._sources

    def _condition(self, running: Iterable[str]) -> str:
        choice, run = self.choice, self.run
        parts = [f"+run = {run.number} AND position <= {run.last}"]
        if choice.types:
            parts.append(f"+type IN ({_list(self._chosen_types)})")
        else:
            own, names = self._matching(OWN), {"hookbus", *running}
            sources = [number for number, name in self._sources.items() if name in names]
            parts.append(f"causation IS NULL AND +type NOT IN ({_list(own)})")
            parts.append(f"+source NOT IN ({_list(sources)})")
            parts += self._while_sources_feed()
        if choice.since_ns is not None:
            parts.append(f"+time_ns >= {choice.since_ns}")
        if choice.until_ns is not None:
            parts.append(f"+time_ns <= {choice.until_ns}")
        if choice.correlation is not None:
            parts.append(self._of_chain(choice.correlation))
        return " AND ".join(parts)

    def _while_sources_feed(self) -> list[str]:
        """Sources begin after the host has started, and end when it stops."""
        sql = "SELECT position FROM events WHERE type = ? AND +run = ? ORDER BY position LIMIT 1"
        found = []
        for cls, sign in ((HostStarted, ">"), (HostStopping, "<")):
            for number in self._matching(event_name(cls)):
                position = value(self._connection, sql, (number, self.run.number))
                found += [] if position is None else [f"+position {sign} {position}"]
        return found

    def _of_chain(self, correlation: str) -> str:
        run, sequence = split_id(correlation) or ("", 0)
        number = value(self._connection, "SELECT id FROM runs WHERE name = ?", (run,))
        condition = f"correlation_run = {number or 0} AND correlation = {sequence}"
        if not value(self._connection, f"SELECT 1 FROM events WHERE {condition} LIMIT 1"):
            raise UsageError(
                f"no chain of events began with {correlation!r}; "
                "`hookbus why` names the first event of a chain"
            )
        return condition

    def events(self) -> Iterator[Recorded]:
        """Every event of the run, in the order in which it was kept."""
        sql = (
            "SELECT position, sequence, "
            "CASE WHEN causation IS NOT NULL THEN iif(causation_run = run, causation, 0) END, "
            "iif(correlation_run = run, correlation, 0), type, source, time_ns, key, version, data "
            f"FROM events WHERE +run = {self.run.number} AND position > ? AND "
            f"position <= {self.run.last} ORDER BY position LIMIT {PAGE}"
        )
        types, sources = self._types, self._sources
        for page in pages(self._connection, sql, self.run):
            for position, sequence, cause, root, type_, source, *rest in page:
                yield Recorded(
                    position, sequence, cause, root, types[type_], sources[source], *rest
                )

    def event_at(self, position: int) -> StoredEvent:
        """The event at a position."""
        return stored(row(self._connection, f"{SELECT} WHERE position = ?", (position,)))

    def unrecorded(self) -> int:
        """How many events of the run the journal could not record."""
        sql = "SELECT ifnull(sum(count), 0) FROM gaps WHERE run = ?"
        number: int = value(self._connection, sql, (self.run.number,))
        return number

    @property
    def repeats_whole(self) -> bool:
        """Whether what plugins publish by themselves, at their times, is the same in a replay."""
        return self.choice.whole and self.run.simulated

    def start_ns(self) -> int:
        """When a replay begins: with the run where it is whole, else with the first event fed."""
        if self.choice.whole:
            return self.run.started_ns
        return self._time("min", self._condition(())) or self.run.started_ns

    def end_ns(self) -> int:
        """When the last event was published that may have to do with what is fed."""
        if self.choice.correlation is not None:
            return self._time("max", self._of_chain(self.choice.correlation)) or 0
        own = _list(self._matching(OWN))
        last = self._time("max", f"run = {self.run.number} AND +type NOT IN ({own})") or 0
        return last if self.choice.until_ns is None else min(last, self.choice.until_ns)

    def _time(self, which: str, condition: str) -> int | None:
        found: int | None = value(
            self._connection, f"SELECT {which}(time_ns) FROM events WHERE {condition}"
        )
        return found


class Inputs:
    """The events to be fed in, in the order in which they were kept."""

    def __init__(
        self,
        connection: apsw.Connection,
        run: Run,
        condition: str,
        names: tuple[dict[int, str], dict[int, str]],
    ) -> None:
        self._connection = connection
        self._run = run
        self._condition = condition
        self._types, self._sources = names

    def count(self) -> int:
        """How many there are."""
        number: int = value(
            self._connection, f"SELECT count(*) FROM events WHERE {self._condition}"
        )
        return number

    def __iter__(self) -> Iterator[Input]:
        sql = (
            "SELECT position, sequence, type, version, source, time_ns, data FROM events "
            f"WHERE position > ? AND {self._condition} ORDER BY position LIMIT {PAGE}"
        )
        types, sources = self._types, self._sources
        for page in pages(self._connection, sql, self._run):
            for position, sequence, type_, version, source, time_ns, data in page:
                yield Input(
                    position, sequence, types[type_], version, sources[source], time_ns, data
                )


def pages(connection: apsw.Connection, sql: str, run: Run) -> Iterator[list[tuple[Any, ...]]]:
    """What a SELECT finds beyond a position, page by page; the position comes first in a row."""
    after = run.first - 1
    while page := rows(connection, sql, (after,)):
        yield page
        after = page[-1][0]


def event_name(cls: type[Event]) -> str:
    """The wire name of a class."""
    return "" if cls.__event__ is None else cls.__event__.name


def _list(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
