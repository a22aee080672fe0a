"""The story of one event: what led to it, what followed, and where it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hookbus import StoredEvent

from hookbus_journal.commands.texts import counted
from hookbus_journal.why.chain import Chain, Followers, find_chain, find_followers
from hookbus_journal.why.explanations import Explanations, read_explanations
from hookbus_journal.why.links import Identifier, find_origin, identifiers
from hookbus_journal.why.reader import Reader, event_id, fields_of
from hookbus_journal.why.texts import duration, in_short, named

__all__ = ["TROUBLE_TYPES", "Origin", "Story", "Trouble", "headline", "tell_story"]


_REASONS = ("reason", "error")

_OUTCOMES = {
    "hookbus.handler.failed": "failed",
    "hookbus.event.dead-lettered": "dead-lettered",
}

TROUBLE_TYPES = frozenset(_OUTCOMES)
"""The wire names of the events that tell of trouble with the event that caused them."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A subscription that failed on the event, or gave it up.

    `evidence` is the id of the event that says so, None where only the dead letters do.
    """

    subscription: str
    outcome: str
    reason: str
    evidence: str | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something that the event is about began, such as its order, and how that came about."""

    identifier: Identifier
    chain: Chain


@dataclass(frozen=True, slots=True)
class Story:
    """All that the journal knows of how an event came about and what became of it.

    `newest_run` is the run in which a sequence alone is enough to name an event.
    """

    explanations: Explanations
    newest_run: str | None
    chain: Chain
    origins: tuple[Origin, ...]
    followers: Followers | None
    troubles: tuple[Trouble, ...]

    @property
    def event(self) -> StoredEvent:
        """The event that was asked for."""
        return self.chain.events[-1]

    def in_short(self, event: StoredEvent) -> str:
        """The most telling fields of an event, those first that say why."""
        return in_short(event, (*self.explanations.reason(event.type), *_REASONS))


def tell_story(reader: Reader, event: StoredEvent, most: int | None) -> Story:
    """The story of an event; with `most`, up to so many events that followed from it."""
    followers = None if most is None else find_followers(reader, event, most)
    troubles = (*_reported(reader, event), *_letters(reader, event))
    chain = find_chain(reader, event)
    return Story(
        read_explanations(reader),
        reader.newest_run(),
        chain,
        _origins(reader, chain),
        followers,
        troubles,
    )


def _origins(reader: Reader, chain: Chain) -> tuple[Origin, ...]:
    """The origins of what the event is about, where its chain does not lead there anyway."""
    event, known = chain.events[-1], {one.position for one in chain.events}
    origins = []
    for identifier in identifiers(event):
        found = find_origin(reader, event, identifier)
        if found is not None and found.position not in known:
            known.add(found.position)
            origins.append(Origin(identifier, find_chain(reader, found)))
    return tuple(origins)


def _reported(reader: Reader, event: StoredEvent) -> list[Trouble]:
    """What operational events, which the event has caused, say of it."""
    return [
        _trouble(child, fields_of(child))
        for child in reader.children(event)
        if child.type in _OUTCOMES
    ]


def _trouble(child: StoredEvent, data: dict[str, Any]) -> Trouble:
    outcome, reason = _OUTCOMES[child.type], data.get("error") or data.get("reason") or ""
    attempts = data.get("attempt") or data.get("attempts")
    retried = ", tried again" if data.get("will_retry") else ""
    text = f"{outcome} (attempt {attempts}{retried})" if attempts else outcome
    name = f"{data.get('plugin')}:{data.get('subscription')}"
    return Trouble(name, text, str(reason), event_id(child))


def _letters(reader: Reader, event: StoredEvent) -> list[Trouble]:
    rows = reader.rows(
        "SELECT id, consumer, error, failures, crashes, retrying FROM dead_letters "
        "WHERE position = ? ORDER BY id",
        event.position,
    )
    return [
        Trouble(
            consumer,
            f"dead letter {number}" + (", being tried again" if retrying else ""),
            f"{error} ({failures} failures, {crashes} crashes)",
            None,
        )
        for number, consumer, error, failures, crashes, retrying in rows
    ]


def headline(story: Story) -> str:
    """How long a chain is, and how long it took."""
    events = story.chain.events
    took = duration(events[-1].time_ns - events[0].time_ns)
    steps = counted(len(events) - 1, "step")
    event = named(story.event)
    return f"{event} came about in {steps} and {took}" if len(events) > 1 else _rootless(story)


def _rootless(story: Story) -> str:
    """The headline of an event without a known cause."""
    event = story.event
    if story.chain.missing is None:
        return f"{named(event)} has no cause: {event.source} published it on its own"
    return f"the cause of {named(event)} is not in the journal"
