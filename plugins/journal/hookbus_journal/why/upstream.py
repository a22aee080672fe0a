"""Upstream: what leads to events of a type, learnt from those that there have been."""

from __future__ import annotations

from dataclasses import dataclass

from hookbus_journal.why.explanations import Explanations
from hookbus_journal.why.links import find_origin, identifiers
from hookbus_journal.why.reader import Reader

__all__ = ["Upstream", "learn"]

_SAMPLE = 500
_LINKED = 5


@dataclass(frozen=True, slots=True)
class Upstream:
    """The types that have led to a type, and who published it.

    Where its events share an id with earlier ones, as a fill does with its order, those count, and
    not what merely set them off, such as a bar. `learnt_from` names the types whose events taught
    it: what stops the type where there never was one of the type itself. It is empty where nothing
    is known.
    """

    causes: tuple[str, ...]
    publishers: tuple[str, ...]
    learnt_from: tuple[str, ...]


def learn(reader: Reader, type_: str | None, explanations: Explanations) -> Upstream:
    """What leads to a type, the most frequent first; nothing is known of no type."""
    if type_ is None:
        return Upstream((), (), ())
    refusals = [one.type for one in explanations.stopping(type_) if one.certain and not one.until]
    for types in ([type_], refusals):
        known = [name for name in types if _number(reader, name) is not None]
        if known:
            causes = {name: None for one in known for name in _causes(reader, one)}
            publishers = {name: None for one in known for name in _publishers(reader, one)}
            causes.pop(type_, None)
            return Upstream(tuple(causes), tuple(publishers), tuple(known))
    return Upstream((), (), ())


def _number(reader: Reader, type_: str) -> int | None:
    """The number of a type of which there are events."""
    sql = """SELECT types.id FROM types JOIN events ON events.type = types.id
        WHERE types.name = ? LIMIT 1"""
    number: int | None = reader.value(sql, type_)
    return number


def _causes(reader: Reader, type_: str) -> list[str]:
    rows = reader.rows(
        """SELECT types.name FROM (
            SELECT causation_run, causation FROM events
            WHERE type = (SELECT id FROM types WHERE name = ?) ORDER BY position DESC LIMIT ?
        ) AS effect
        JOIN events AS cause ON cause.run = effect.causation_run
            AND cause.sequence = effect.causation
        JOIN types ON types.id = cause.type
        GROUP BY types.name ORDER BY count(*) DESC, types.name""",
        type_,
        _SAMPLE,
    )
    return _linked(reader, type_) or [name for (name,) in rows]


def _linked(reader: Reader, type_: str) -> list[str]:
    """The types that some events go back to by an id, such as the order of a fill."""
    condition = "type = (SELECT id FROM types WHERE name = ?) ORDER BY position DESC LIMIT ?"
    found = (
        find_origin(reader, event, identifier)
        for event in reader.events(condition, type_, _LINKED)
        for identifier in identifiers(event)
    )
    return [origin.type for origin in found if origin is not None]


def _publishers(reader: Reader, type_: str) -> list[str]:
    rows = reader.rows(
        """SELECT sources.name, count(*) FROM (
            SELECT source FROM events WHERE type = (SELECT id FROM types WHERE name = ?)
            ORDER BY position DESC LIMIT ?) AS effect
        JOIN sources ON sources.id = effect.source GROUP BY sources.name ORDER BY 2 DESC, 1""",
        type_,
        _SAMPLE,
    )
    return [name for name, _ in rows]
