"""Compare two records of runs: the first event that differs, and in what."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from hookbus.events import event_type
from hookbus.operational import HostStarted
from hookbus.records import Record, RecordedEvent

_COUNTED = frozenset(("id", "sequence", "correlationid", "causationid"))

_STARTED = event_type(HostStarted).name

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Absent:
    """Stands for the value of a field that one of two events does not have."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = Absent()


class FieldDifference(NamedTuple):
    """A field that differs: its dotted path in the CloudEvent, and its value in both."""

    path: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Rules:
    """What is compared.

    `only` are patterns of wire names (none: all events). `ignored` are dotted paths, or patterns of
    them, that may differ, with all that lies below. `counted` says whether ids and sequences are
    compared, which count all events of a run, also those that are not compared.
    """

    only: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    counted: bool = True
    _ignore: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def want(self, event: RecordedEvent) -> bool:
        """Whether an event is compared at all."""
        return not self.only or any(fnmatchcase(event.type, one) for one in self.only)

    def ignore(self, path: str) -> bool:
        """Whether the field at `path` may differ."""
        known = self._ignore.get(path)
        if known is None:
            counts = path in _COUNTED and not self.counted
            known = counts or any(fnmatchcase(path, one) for one in self.ignored)
            self._ignore[path] = known
        return known


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two records are the same for `equal` events, then part with `a` and `b`.

    Both are None where the records are the same to their end; one of them is where that record ends
    early. `fields` are the fields that differ, those of the data only where both are of one type.
    """

    equal: int
    a: RecordedEvent | None = None
    b: RecordedEvent | None = None
    fields: tuple[FieldDifference, ...] = ()

    @property
    def same(self) -> bool:
        """Whether no difference was found."""
        return self.a is None and self.b is None


@dataclass(slots=True)
class TypeCount:
    """How many events of one type the records have, and how many of them differ.

    The first event of a type in one record is held against the first in the other, and so on, and
    one that has no counterpart differs.
    """

    a: int = 0
    b: int = 0
    unequal: int = 0
    _waiting: deque[int] = field(default_factory=deque, repr=False)

    @property
    def differ(self) -> int:
        """How many pairs differ, and how many events have no counterpart."""
        return self.unequal + abs(self.a - self.b)

    def add_equal(self) -> bool:
        """Count a pair that is equal; False while one record is ahead and no pair can be told."""
        if self.a != self.b:
            return False
        self.a += 1
        self.b += 1
        return True

    def add_a(self, digest: int) -> None:
        """Count an event of the record A."""
        self._hold(digest, ahead=self.a >= self.b)
        self.a += 1

    def add_b(self, digest: int) -> None:
        """Count an event of the record B."""
        self._hold(digest, ahead=self.b >= self.a)
        self.b += 1

    def _hold(self, digest: int, *, ahead: bool) -> None:
        if ahead:
            self._waiting.append(digest)
        else:
            self.unequal += self._waiting.popleft() != digest


def compare(a: Record, b: Record, rules: Rules) -> Comparison:
    """Find the first event that differs; reads both records no further than that.

    Raises `RecordError` at a line that is no event.
    """
    equal = 0
    for one, other in _pairs(a, b, rules):
        if one is not other:
            fields = differences(one, other, rules) if one and other else ()
            if fields or not (one and other):
                return Comparison(equal, one, other, fields)
        equal += 1
    return Comparison(equal)


def count_by_type(a: Record, b: Record, rules: Rules) -> dict[str, TypeCount]:
    """How many events differ in each type, whatever was left out or put in between them.

    Ids and sequences are not compared. Raises `RecordError` as `compare` does.
    """
    rules = replace(rules, counted=False)
    counts: dict[str, TypeCount] = {}
    for one, other in _pairs(a, b, rules):
        if one is not None and one is other and _count(counts, one).add_equal():
            continue
        if one is not None:
            _count(counts, one).add_a(_digest(one, rules))
        if other is not None:
            _count(counts, other).add_b(_digest(other, rules))
    return dict(sorted(counts.items()))


def _count(counts: dict[str, TypeCount], event: RecordedEvent) -> TypeCount:
    return counts.setdefault(event.type, TypeCount())


def _pairs(
    a: Record, b: Record, rules: Rules
) -> Iterator[tuple[RecordedEvent | None, RecordedEvent | None]]:
    """The events at the same place; one object stands for two whose lines are the same."""
    if rules.only:
        yield from zip_longest(_wanted(a, rules), _wanted(b, rules))
        return
    ours, theirs = _without_run(a), _without_run(b)
    for line, other in zip_longest(a.lines(), b.lines()):
        event = line and a.event(line)
        if line and other and (line.text == other.text or ours(line.text) == theirs(other.text)):
            yield event, event
        else:
            yield event, other and b.event(other)


def _without_run(record: Record) -> Callable[[bytes], bytes]:
    """Takes the name of the run out of the ids of events in a line."""
    name = re.escape(_encode(record.run)[1:-1].encode())
    return partial(re.compile(rb'"%s(?=-\d+")' % name).sub, rb'"\0')


def _wanted(record: Record, rules: Rules) -> Iterator[RecordedEvent]:
    return filter(rules.want, map(record.event, record.lines()))


def differences(a: RecordedEvent, b: RecordedEvent, rules: Rules) -> tuple[FieldDifference, ...]:
    """The fields in which two events differ, those of the data only where their types are one."""
    return tuple(_fields(a, b, rules))


def _fields(a: RecordedEvent, b: RecordedEvent, rules: Rules) -> Iterator[FieldDifference]:
    if a.type != b.type:
        rules = replace(rules, ignored=(*rules.ignored, "data", "dataversion"))
    for path, one, other in _differences("", a.attributes, b.attributes, rules):
        same = ABSENT not in (one, other) and _encode(one) == _encode(other)
        if not same and _text(path, one, a) != _text(path, other, b):
            yield FieldDifference(path, one, other)


def _differences(path: str, a: Any, b: Any, rules: Rules) -> Iterator[FieldDifference]:
    """What differs in two values, as far down as both are of the same form."""
    if rules.ignore(path) or a is b:
        return
    ours, theirs = _items(a), _items(b)
    if type(a) is not type(b) or ours is None or theirs is None:
        yield FieldDifference(path, a, b)
        return
    for key in ours | theirs:
        below = f"{path}.{key}" if path else str(key)
        yield from _differences(below, ours.get(key, ABSENT), theirs.get(key, ABSENT), rules)


def _items(value: Any) -> dict[Any, Any] | None:
    """What a value holds, by key or by index; None for one that holds no others."""
    if isinstance(value, list):
        return dict(enumerate(value))
    return value if isinstance(value, dict) else None


def _leaves(path: str, value: Any, rules: Rules) -> Iterator[tuple[str, Any]]:
    """Every value that holds no other values, with its path, unless that is ignored."""
    if rules.ignore(path):
        return
    items = _items(value)
    if not items:
        yield path, value
        return
    for key, item in items.items():
        yield from _leaves(f"{path}.{key}" if path else str(key), item, rules)


def _text(path: str, value: Any, event: RecordedEvent) -> str:
    """A value as text, in which the name of the run is left out of the ids of events."""
    if value is ABSENT:
        return ""
    if isinstance(value, str) and value.startswith(event.run):
        rest = value.removeprefix(event.run)
        if rest[:1] == "-" and rest[1:].isdecimal():
            return f"run{rest}"
        if not rest and path == "data.run" and event.type == _STARTED:
            return "run"
    return _encode(value)


def _digest(event: RecordedEvent, rules: Rules) -> int:
    leaves = _leaves("", event.attributes, rules)
    return hash(tuple(sorted((path, _text(path, value, event)) for path, value in leaves)))
