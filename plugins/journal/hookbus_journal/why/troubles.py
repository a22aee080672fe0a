"""Causes in the handling of events: failures, dead letters, breakers, lags, loops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from hookbus import StoredEvent

from hookbus_journal.why.cause import Cause, Certainty
from hookbus_journal.why.inquiry import Inquiry, about, called
from hookbus_journal.why.reader import event_id, fields_of

__all__ = ["breakers", "cut_loops", "failures", "full_queues", "lags", "letters", "lost_handlers"]

_VERBS = {
    "dead letter": "gave up on what should have led to it",
    "failure": "failed on what should have led to it",
    "retry": "failed on what should have led to it, and tries it again",
}

Found = tuple[StoredEvent, dict[str, object]]


def failures(inquiry: Inquiry) -> Iterator[Cause]:
    """Handlers that failed, or gave up, on what should have led to it."""
    given_up: set[tuple[object, object]] = set()
    groups: dict[tuple[str, str, str], list[StoredEvent]] = defaultdict(list)
    for event, data in _reports(inquiry, "hookbus.event.dead-lettered"):
        envelope = data.get("envelope")
        letter = envelope if isinstance(envelope, dict) else {}
        if _wanted(inquiry, letter.get("type"), letter.get("id")):
            given_up.add((data.get("subscription"), letter.get("id")))
            groups["dead letter", _name(data), str(data.get("reason"))].append(event)
    for event, data in _reports(inquiry, "hookbus.handler.failed"):
        known = (data.get("subscription"), data.get("event_id")) in given_up
        if known or not _wanted(inquiry, data.get("event_type"), data.get("event_id")):
            continue
        if not data.get("will_retry"):
            groups["failure", _name(data), str(data.get("error"))].append(event)
        elif not _led_on(inquiry, event):
            groups["retry", _name(data), str(data.get("error"))].append(event)
    for (kind, name, reason), events in groups.items():
        yield _cause(inquiry, kind, events, f"{name} {_VERBS[kind]}", reason)


def _led_on(inquiry: Inquiry, failure: StoredEvent) -> bool:
    """Whether the event led to anything after a failure on it."""
    event = inquiry.reader.by_id(failure.causation_id)
    children = [] if event is None else inquiry.reader.children(event)
    after = (one for one in children if one.position > failure.position)
    return any(not one.type.startswith("hookbus.") for one in after)


def breakers(inquiry: Inquiry) -> Iterator[Cause]:
    """Breakers that opened: nothing is handed to their handlers until they recover."""
    for name, events in _grouped(_reports(inquiry, "hookbus.breaker.opened", whole_run=True)):
        if not _closed_before(inquiry, events[-1], "hookbus.breaker.closed"):
            failed = fields_of(events[-1]).get("failures")
            why = f"{failed} failures in a row; its events become dead letters until it recovers"
            yield _cause(inquiry, "breaker", events, f"the breaker of {name} was open", why)


def lags(inquiry: Inquiry) -> Iterator[Cause]:
    """Best-effort subscriptions that lost events unread."""
    for name, events in _grouped(_reports(inquiry, "hookbus.subscription.lagged")):
        missed = sum(int(fields_of(event).get("missed", 0)) for event in events)
        why = f"{missed:,} events were overwritten before it read them"
        yield _cause(inquiry, "lag", events, f"{name} fell behind", why, missed)


def lost_handlers(inquiry: Inquiry) -> Iterator[Cause]:
    """Subscriptions that were closed because their handler did not come back."""
    reports = _reports(inquiry, "hookbus.handler.abandoned", whole_run=True)
    for name, events in _grouped(reports):
        why = "its handler swallowed its cancellation, and gets no event any more"
        yield _cause(inquiry, "abandoned", events, f"{name} was closed", why)


def cut_loops(inquiry: Inquiry) -> Iterator[Cause]:
    """Events of the type itself that were not published, because their chain was too long."""
    for event in inquiry.events(["hookbus.event.loop-cut"]):
        data = fields_of(event)
        if inquiry.question.type in (None, data.get("event_type")):
            what = f"{data.get('plugin')} published it in a chain of {data.get('depth')} events"
            why = f"plugins answer one another without end, since {data.get('correlation')}"
            yield Cause("loop", "certain", what, why, evidence=(event_id(event),))


def full_queues(inquiry: Inquiry) -> Iterator[Cause]:
    """Queues and lossless subscriptions that were nearly full: what they hold comes late."""
    groups: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in inquiry.events(["hookbus.backpressure"]):
        groups[str(event.key)].append(event)
    for name, events in groups.items():
        data = fields_of(events[-1])
        own = name.partition(".")[0] in inquiry.plugins or name == inquiry.question.to
        yield Cause(
            kind="queue",
            certainty="likely" if own else "possible",
            what=f"the queue of {name} was nearly full",
            why=f"{data.get('size')} of {data.get('capacity')} places were taken",
            count=len(events),
            evidence=tuple(map(event_id, events)),
        )


def letters(inquiry: Inquiry) -> Iterator[Cause]:
    """Open dead letters of durable consumers, of what should have led to it."""
    types = inquiry.on_the_way()
    rows = inquiry.reader.rows(
        """SELECT id, consumer, type, key, error, position, retrying FROM dead_letters
        WHERE time_ns BETWEEN ? AND ? ORDER BY id""",
        inquiry.question.since_ns,
        inquiry.question.until_ns,
    )
    for number, consumer, type_, key, error, position, retrying in rows:
        plugin, _, name = consumer.partition(":")
        if (types and type_ not in types) or inquiry.question.key not in (None, key):
            continue
        if _certainty(inquiry, plugin, name) is not None:
            event = next(inquiry.reader.events("position = ?", position), None)
            state = "is being tried again" if retrying else "is open"
            what = f"dead letter {number} of {consumer} {state}"
            evidence = () if event is None else (event_id(event),)
            yield Cause("dead letter", "certain", what, error, evidence=evidence)


def _reports(inquiry: Inquiry, type_: str, *, whole_run: bool = False) -> Iterator[Found]:
    """Operational events about subscriptions on the way to the event that was asked for."""
    since_ns = inquiry.begin_ns() if whole_run else None
    for event in inquiry.events([type_], since_ns):
        data = fields_of(event)
        if _certainty(inquiry, str(data.get("plugin")), str(data.get("subscription"))):
            yield event, data


def _certainty(inquiry: Inquiry, plugin: str, name: str) -> Certainty | None:
    """How sure it is that a subscription stood in the way; None when it has no part in it."""
    wanted = inquiry.question.to
    if wanted is not None:
        return "certain" if called(plugin, name, wanted) else None
    if plugin in inquiry.plugins:
        return "certain"
    return None if inquiry.plugins else "possible"


def _wanted(inquiry: Inquiry, type_: object, id_: object) -> bool:
    """Whether an event that was not handled should have led to the one that was asked for."""
    causes = inquiry.on_the_way()
    if causes and type_ not in causes:
        return False
    event = inquiry.reader.by_id(str(id_))
    return event is None or about(event, inquiry.question.key)


def _grouped(reports: Iterable[Found]) -> Iterator[tuple[str, list[StoredEvent]]]:
    groups: dict[str, list[StoredEvent]] = defaultdict(list)
    for event, data in reports:
        groups[_name(data)].append(event)
    yield from groups.items()


def _name(data: dict[str, object]) -> str:
    return f"{data.get('plugin')}:{data.get('subscription')}"


def _closed_before(inquiry: Inquiry, opened: StoredEvent, type_: str) -> bool:
    """Whether the newest opening of a breaker was over before the range began."""
    closed = [
        event
        for event in inquiry.events([type_], opened.time_ns)
        if event.key == opened.key and event.position > opened.position
    ]
    return bool(closed) and closed[0].time_ns < inquiry.question.since_ns


def _cause(
    inquiry: Inquiry,
    kind: str,
    events: list[StoredEvent],
    what: str,
    why: str,
    count: int | None = None,
) -> Cause:
    data = fields_of(events[-1])
    sure = _certainty(inquiry, str(data.get("plugin")), str(data.get("subscription")))
    proven = kind in _VERBS
    certainty: Certainty = sure or "possible"
    if certainty == "certain" and not proven:
        certainty = "likely"
    ids = tuple(map(event_id, events))
    return Cause(kind, certainty, what, why, count or len(events), ids)
