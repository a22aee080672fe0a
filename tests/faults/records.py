"""Records: what the model of durable delivery remembers, compared with the journal's tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import apsw
from hookbus_journal.database import open_for_reading

Delivered = tuple[str, int]
"""A consumer and the position of an event."""


@dataclass
class Record:
    """What happened outside the journal, and what was once in it.

    `starts` has the position after which each consumer gets every event, `confirmed` those that
    were certainly stored; `harm` how often each event fails, `failures` how often it did.
    """

    acknowledged: set[str] = field(default_factory=set)
    handled: Counter[str] = field(default_factory=Counter)
    harm: dict[str, int] = field(default_factory=dict)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    failing: bool = True
    starts: dict[str, int] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    discarded: set[Delivered] = field(default_factory=set)
    buried: set[Delivered] = field(default_factory=set)
    events: dict[int, Stored] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """An event in the journal."""

    type: str
    key: str
    mark: str


def stored_events(connection: apsw.Connection) -> dict[int, Stored]:
    """The durable events in the journal, by position."""
    sql = (
        "SELECT position, types.name, key, json_extract(data, '$.mark') FROM events "
        "JOIN types ON types.id = type WHERE durable"
    )
    return {position: Stored(*rest) for position, *rest in connection.execute(sql)}


class Tables:
    """The journal's tables at one moment."""

    def __init__(self, path: Path) -> None:
        connection = open_for_reading(path)
        try:
            with connection:
                self.offsets = dict(connection.execute('SELECT name, "offset" FROM consumers'))
                self.finished = set(connection.execute("SELECT consumer, position FROM finished"))
                letters = connection.execute(
                    "SELECT consumer, position, failures, crashes FROM dead_letters"
                )
                self.letters = {(name, at): tuple(counts) for name, at, *counts in letters}
                sql = "SELECT consumer, mark, key FROM effects ORDER BY id"
                self.effects = list(connection.execute(sql))
                self.events = stored_events(connection)
        finally:
            connection.close()

    def done(self, consumer: str, position: int) -> bool:
        """Whether a consumer has finished with an event."""
        return position <= self.offsets[consumer] or (consumer, position) in self.finished


def update(record: Record, tables: Tables) -> None:
    """Remember what is in the tables now, for when it is removed."""
    record.events.update(tables.events)
    record.buried.update(tables.letters)


def mistakes(record: Record, tables: Tables, most: tuple[int, int]) -> Iterator[str]:
    """What does not add up; `most` are the failures and crashes that an event is allowed."""
    known = {one.mark for one in record.events.values()}
    if lost := sorted(record.acknowledged - known):
        yield f"acknowledged and lost: {lost}"
    marks = Counter(one.mark for one in record.events.values())
    yield from (f"{mark} is in the journal {n} times" for mark, n in marks.items() if n > 1)
    for (consumer, position), (failures, crashes) in tables.letters.items():
        if failures < most[0] and crashes < most[1]:
            yield f"{consumer} gave up {position} after {failures} failures, {crashes} crashes"
    for consumer in record.starts.keys() & tables.offsets.keys():
        if consumer == "test:plain":
            yield from _plain_mistakes(record, tables, consumer)
        else:
            yield from _effect_mistakes(record, tables, consumer, marks)


def unfinished(record: Record, tables: Tables, consumer: str) -> list[int]:
    """The positions that a consumer has still to finish."""
    wanted = _wanted(record, consumer)
    return [position for position in wanted if not tables.done(consumer, position)]


def _wanted(record: Record, consumer: str) -> dict[int, Stored]:
    every = consumer == "test:plain"
    return {
        position: one
        for position, one in sorted(record.events.items())
        if position > record.starts[consumer] and (every or one.type == "fault.happened")
    }


def _plain_mistakes(record: Record, tables: Tables, consumer: str) -> Iterator[str]:
    for position, one in _wanted(record, consumer).items():
        given_up = {(consumer, position)} & (tables.letters.keys() | record.discarded)
        if tables.done(consumer, position) and not given_up and not record.handled[one.mark]:
            yield f"{consumer} passed {position} by"


def _effect_mistakes(
    record: Record, tables: Tables, consumer: str, marks: Counter[str]
) -> Iterator[str]:
    name = consumer.removeprefix("test:")
    effects = Counter(mark for one, mark, _ in tables.effects if one == name)
    for position, one in _wanted(record, consumer).items():
        done, times = tables.done(consumer, position), effects[one.mark]
        letter = (consumer, position) in tables.letters
        given_up = letter or (consumer, position) in record.discarded
        if times > 1:
            yield f"{consumer} has {times} effects of {position}"
        if times and (letter or not done):
            yield f"{consumer} has an effect of {position} and has not finished it"
        if done and not times and not given_up:
            yield f"{consumer} passed {position} by"
        if times != marks[f"{name}/{one.mark}"]:
            yield f"{consumer} answered {position} {marks[f'{name}/{one.mark}']} times"
    yield from _disorder(record, tables, consumer)


def _disorder(record: Record, tables: Tables, consumer: str) -> Iterator[str]:
    """Effects out of the order of the journal, but for dead letters that were tried again."""
    name = consumer.removeprefix("test:")
    places = {one.mark: position for position, one in record.events.items()}
    for key in "abc":
        found = [places[mark] for one, mark, k in tables.effects if (one, k) == (name, key)]
        found = [position for position in found if (consumer, position) not in record.buried]
        if any(later < earlier for earlier, later in pairwise(found)):
            yield f"{consumer} took {key} in the order {found}"
