"""Fates: what became of the events that should have led to the one that was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hookbus import StoredEvent

from hookbus_journal.why.cause import Cause
from hookbus_journal.why.chain import find_followers
from hookbus_journal.why.inquiry import Inquiry
from hookbus_journal.why.links import Identifier, identifiers
from hookbus_journal.why.reader import event_id
from hookbus_journal.why.texts import in_short

__all__ = ["Fates", "find_fates", "instead"]

_MOST = 200
_BELOW = 100
_EXAMPLES = 50


@dataclass(frozen=True, slots=True)
class Fates:
    """Of some upstream events: those that led to it, to something else, and to nothing at all."""

    looked_at: tuple[StoredEvent, ...]
    led_there: tuple[StoredEvent, ...]
    led_elsewhere: tuple[tuple[StoredEvent, tuple[StoredEvent, ...]], ...]
    silent: tuple[StoredEvent, ...]

    def __str__(self) -> str:
        types = Counter(one.type for one in self.looked_at)
        counts = ", ".join(f"{number:,} {name}" for name, number in types.items())
        parts = [f"{len(self.led_there):,} led to it"]
        if self.led_elsewhere:
            parts.append(f"{len(self.led_elsewhere):,} to something else")
        if self.silent:
            ids = ", ".join(event_id(one) for one in self.silent[-3:])
            parts.append(f"{len(self.silent):,} to nothing that is recorded ({ids})")
        return f"{counts}: {', '.join(parts)}"


def find_fates(inquiry: Inquiry) -> Fates:
    """What the newest upstream events in the range, which concern the key, have led to."""
    events = inquiry.concerning(inquiry.upstream.causes)[-_MOST:]
    reached = _reached(inquiry)
    there, elsewhere, silent = [], [], []
    for event in events:
        below = _below(inquiry, event)
        linked = {(event.key, one) for one in identifiers(event)}
        if linked & reached or any(one.type == inquiry.question.type for one in below):
            there.append(event)
        elif below:
            elsewhere.append((event, below))
        else:
            silent.append(event)
    return Fates(tuple(events), tuple(there), tuple(elsewhere), tuple(silent))


def _reached(inquiry: Inquiry) -> set[tuple[str | None, Identifier]]:
    """What the events that did happen have in their fields that end in `_id`."""
    type_ = inquiry.question.type
    happened = [] if type_ is None else inquiry.concerning([type_])
    return {(event.key, one) for event in happened for one in identifiers(event)}


def _below(inquiry: Inquiry, event: StoredEvent) -> tuple[StoredEvent, ...]:
    walk = find_followers(inquiry.reader, event, _BELOW).root.walk()
    return tuple(node.event for level, node in walk if level)


def instead(inquiry: Inquiry, fates: Fates) -> Iterator[Cause]:
    """What upstream events led to that does not usually come with the event asked for.

    What declares that it stops the event, and what the host says of itself, is told elsewhere.
    """
    usual = _usual(inquiry)
    usual |= {one.type for one in inquiry.explanations.stopping(inquiry.question.type)}
    groups: dict[str, list[StoredEvent]] = {}
    for _, below in fates.led_elsewhere:
        for one in below:
            if one.type not in usual and not one.type.startswith("hookbus."):
                groups.setdefault(one.type, []).append(one)
    for type_, events in groups.items():
        what = f"{type_} came about instead, from {events[-1].source}"
        ids = tuple(map(event_id, events))
        yield Cause("instead", "possible", what, in_short(events[-1]), len(events), ids)


def _usual(inquiry: Inquiry) -> set[str]:
    """The types of what came, lately, from the causes of the events that did happen."""
    happened = inquiry.reader.events(
        "type = (SELECT id FROM types WHERE name = ?) ORDER BY position DESC LIMIT ?",
        inquiry.question.type,
        _EXAMPLES,
    )
    causes = [inquiry.reader.by_id(event.causation_id) for event in list(happened)]
    return {one.type for event in causes if event for one in _below(inquiry, event)}
