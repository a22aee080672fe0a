"""Causes in the books: what the ledger says became of events at a subscription."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hookbus import StoredEvent

from hookbus_journal.why.cause import Cause
from hookbus_journal.why.conditions import held_back
from hookbus_journal.why.inquiry import Inquiry
from hookbus_journal.why.reader import event_id, fields_of

__all__ = ["accounts", "unknown_subscription", "wrong_filters"]

_COUNTS = ("filtered", "coalesced", "lagged", "dead_lettered", "abandoned", "pending")

_WORDS = {
    "coalesced": ("throttle", "replaced by a newer one of the same key before its turn came"),
    "lagged": ("lag", "overwritten before it read them"),
    "dead_lettered": ("dead letter", "given up"),
    "abandoned": ("closed", "left behind, as it was closed"),
    "pending": ("waiting", "still waiting for it"),
}

_TOLD = {
    "lagged": ("hookbus.subscription.lagged",),
    "dead_lettered": ("hookbus.event.dead-lettered", "hookbus.handler.failed"),
}
"""What is told by events as well, which say more than the books."""


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the events of one subscription in the range, from first to last entry."""

    name: str
    filter: str
    condition: str | None
    counts: dict[str, int]


def accounts(inquiry: Inquiry) -> Iterator[Cause]:
    """Where the books lost events that should have led to it, or were to be delivered."""
    for one in inquiry.deciding():
        if not inquiry.taken(one[2]):
            continue
        account = _account(inquiry, *one)
        if account.counts["filtered"]:
            yield _filtered(inquiry, account)
        for count, (kind, verb) in _WORDS.items():
            number = account.counts[count]
            if number and not _told(inquiry, account, count):
                events = "1 event was" if number == 1 else f"{number:,} events were"
                what = f"{events} {verb} at {account.name}"
                yield Cause(kind, "possible", what, f"so say the books ({count})", number)


def _told(inquiry: Inquiry, account: Account, count: str) -> bool:
    """Whether events tell of what the books have counted."""
    reports = map(fields_of, inquiry.events(_TOLD.get(count, ())))
    return account.name in {f"{one.get('plugin')}:{one.get('subscription')}" for one in reports}


def _filtered(inquiry: Inquiry, account: Account) -> Cause:
    """The condition of a subscription, tried on the events that came to it."""
    number, condition = account.counts["filtered"], account.condition
    events = inquiry.concerning(inquiry.taken(account.filter))
    held = None if condition is None else held_back(condition, events)
    what = f"{account.name} takes only events for which {condition or 'its function'} holds"
    if not held:
        tried = "could not be tried on what is stored" if held is None else "held for all of these"
        why = f"{number:,} events were filtered out; the condition {tried}"
        return Cause("condition", "possible", what, why, number)
    why = f"it does not hold for {len(held):,} of the {len(events):,} that came"
    return Cause("condition", "certain", what, why, len(held), _ids(held))


def wrong_filters(inquiry: Inquiry) -> Iterator[Cause]:
    """The subscription that was asked for does not take events of the type at all."""
    type_ = inquiry.question.type
    if inquiry.question.to is None or type_ is None:
        return
    for plugin, name, filter_text, _ in inquiry.deciding():
        if not inquiry.explanations.takes(filter_text, type_):
            what = f"the filter of {plugin}:{name} is {filter_text}, which does not take {type_}"
            yield Cause("filter", "certain", what)


def unknown_subscription(inquiry: Inquiry) -> Iterator[Cause]:
    """Nobody of that name has subscribed in these runs."""
    if inquiry.question.to is not None and not inquiry.deciding():
        known = ", ".join(f"{one[0]}:{one[1]}" for one in inquiry.subscriptions())
        if known:
            what = f"no subscription {inquiry.question.to} is in the books"
            yield Cause("filter", "likely", what, f"there are {known}")


def _account(
    inquiry: Inquiry, plugin: str, name: str, filter_text: str, condition: str | None
) -> Account:
    counts = dict.fromkeys(_COUNTS, 0)
    for run in inquiry.runs():
        place = (run.number, plugin, name)
        until, since = inquiry.question.until_ns, inquiry.question.since_ns
        last = _entry(inquiry, place, "time_ns >= ? ORDER BY time_ns", until) or _entry(
            inquiry, place, "time_ns < ? ORDER BY time_ns DESC", until
        )
        first = _entry(inquiry, place, "time_ns < ? ORDER BY time_ns DESC", since)
        for count in _COUNTS:
            before = 0 if count == "pending" else first.get(count, 0)
            counts[count] += max(0, last.get(count, 0) - before)
    return Account(f"{plugin}:{name}", filter_text, condition, counts)


def _entry(
    inquiry: Inquiry, place: tuple[int, str, str], condition: str, time_ns: int
) -> dict[str, int]:
    """The first entry of the books for which a condition on its time holds; empty for none."""
    sql = f"""SELECT {", ".join(_COUNTS)} FROM accounts
        WHERE run = ? AND plugin = ? AND name = ? AND {condition} LIMIT 1"""
    row = next(inquiry.reader.rows(sql, *place, time_ns), None)
    return {} if row is None else dict(zip(_COUNTS, row, strict=True))


def _ids(events: list[StoredEvent]) -> tuple[str, ...]:
    return tuple(map(event_id, events))
