"""Causes that event types declare: refusals one by one, and what holds until it is taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from hookbus import StoredEvent

from hookbus_journal.why.cause import Cause
from hookbus_journal.why.explanations import Explanation
from hookbus_journal.why.inquiry import Inquiry
from hookbus_journal.why.reader import event_id, fields_of
from hookbus_journal.why.texts import moment, named

__all__ = ["in_force", "refusals"]

_LAST = 3


def refusals(inquiry: Inquiry) -> Iterator[Cause]:
    """What stood for one thing each that did not happen, such as a rejected order, by reason."""
    for one in inquiry.explanations.stopping(inquiry.question.type):
        if one.until:
            continue
        groups: dict[str, list[StoredEvent]] = defaultdict(list)
        for event in inquiry.concerning([one.type]):
            groups[_value(fields_of(event), one.reason[:1])].append(event)
        for rule, events in groups.items():
            yield Cause(
                kind="refusal",
                certainty="certain" if one.certain else "possible",
                what=f"{one.type} from {events[-1].source}: {rule}",
                why=_value(fields_of(events[-1]), one.reason[1:]),
                count=len(events),
                evidence=tuple(map(event_id, events)),
            )


def in_force(inquiry: Inquiry) -> Iterator[Cause]:
    """What held from some event on until it was taken back, such as a halt or a policy."""
    for one in inquiry.explanations.stopping(inquiry.question.type):
        if one.until:
            yield from (_held(one, event) for event in _holding(inquiry, one)[-_LAST:])


def _holding(inquiry: Inquiry, one: Explanation) -> list[StoredEvent]:
    """The events of a type that held at some time in the range."""
    changes = inquiry.concerning({one.type: None, **dict.fromkeys(one.until)}, since_ns=0)
    holding: dict[str | None, StoredEvent] = {}
    held: list[StoredEvent] = []
    for event in changes:
        if event.type in one.until:
            ended = [key for key in holding if event.key in (None, key)]
            for was in [holding.pop(key) for key in ended]:
                if event.time_ns < inquiry.question.since_ns:
                    held.remove(was)
        if event.type == one.type and event.key not in holding:
            holding[event.key] = event
            held.append(event)
    return held


def _held(one: Explanation, event: StoredEvent) -> Cause:
    reason = _value(fields_of(event), one.reason)
    return Cause(
        kind="in force",
        certainty="likely" if one.certain else "possible",
        what=f"{named(event)} held from {moment(event.time_ns)} on",
        why=reason,
        evidence=(event_id(event),),
    )


def _value(data: dict[str, Any], names: tuple[str, ...]) -> str:
    values = [_text(data[name]) for name in names if data.get(name) not in (None, "", [], {})]
    return ", ".join(values)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(_text, value))
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_text(one)}" for name, one in value.items())
    return str(value)
