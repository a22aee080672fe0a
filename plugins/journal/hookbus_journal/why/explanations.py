"""Explanations: what events of a type keep from happening, as their classes declare it.

They are kept in the journal, so that it can be read without the plugins that wrote it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase

import apsw
from hookbus import Event

from hookbus_journal.why.reader import Reader

__all__ = ["Explanation", "Explanations", "read_explanations", "write_explanation"]


def write_explanation(connection: apsw.Connection, cls: type[Event]) -> None:
    """Keep what a class declares, and the names that a filter on it or a base of it has."""
    stops = cls.__stops__
    declared = ((), (), (), False) if stops is None else stops
    bases = [_name(one) for one in cls.__mro__ if issubclass(one, Event)]
    connection.execute(
        "INSERT OR REPLACE INTO explanations VALUES (?, ?, ?, ?, ?, ?)",
        (_name(cls), *map(json.dumps, (bases, *declared[:3])), declared[3]),
    )


def _name(cls: type[Event]) -> str:
    return cls.__name__ if cls.__event__ is None else cls.__event__.name


@dataclass(frozen=True, slots=True)
class Explanation:
    """What events of one type stop; see `hookbus.Stops`. `bases` are the names of its classes."""

    type: str
    bases: tuple[str, ...]
    stops: tuple[str, ...]
    reason: tuple[str, ...]
    until: tuple[str, ...]
    certain: bool

    def stop(self, type_: str | None) -> bool:
        """Whether its events keep those of a type (None: of any) from happening."""
        if type_ is None:
            return bool(self.stops)
        return any(fnmatchcase(type_, pattern) for pattern in self.stops)


class Explanations:
    """All that is declared, by type."""

    def __init__(self, declared: dict[str, Explanation]) -> None:
        self._declared = declared

    def reason(self, type_: str) -> tuple[str, ...]:
        """The fields that say why."""
        found = self._declared.get(type_)
        return () if found is None else found.reason

    def stopping(self, type_: str | None) -> list[Explanation]:
        """What can keep events of a type (None: of any) from happening."""
        return [one for one in self._declared.values() if one.stop(type_)]

    def stopped(self) -> list[str]:
        """The plain names of what can be kept from happening."""
        names = {name for one in self._declared.values() for name in one.stops}
        return sorted(name for name in names if "*" not in name)

    def takes(self, filter_text: str, type_: str) -> bool:
        """Whether a filter, as the ledger writes it, lets events of a type pass."""
        known = self._declared.get(type_)
        bases = () if known is None else known.bases
        parts = filter_text.split(", ")
        return any(part in bases or fnmatchcase(type_, part) for part in parts)


def _names(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def read_explanations(reader: Reader) -> Explanations:
    """What the plugins that wrote a journal have declared."""
    rows = reader.rows("SELECT type, bases, stops, reason, until, certain FROM explanations")
    return Explanations(
        {
            name: Explanation(
                name, _names(bases), _names(stops), _names(reason), _names(until), bool(certain)
            )
            for name, bases, stops, reason, until, certain in rows
        }
    )
