"""Chains and trees: what led to an event, and what followed from it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from hookbus import StoredEvent

from hookbus_journal.why.reader import Reader, event_id

__all__ = ["Chain", "Followers", "Node", "find_chain", "find_followers"]

Place = tuple[int, int]
"""The run, by its number in the database, and the sequence of an event."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The events that led to one event, from the first to that event itself.

    `missing` is the id of the cause of the first of them, where the journal does not have it.
    """

    events: tuple[StoredEvent, ...]
    missing: str | None = None


@dataclass(slots=True)
class Node:
    """An event, and what its handlers published."""

    event: StoredEvent
    children: list[Node] = field(default_factory=list)

    def walk(self, level: int = 0) -> Iterator[tuple[int, Node]]:
        """This node and all below it, each before its children, with how deep it lies."""
        stack = [(level, self)]
        while stack:
            depth, node = stack.pop()
            yield depth, node
            stack += [(depth + 1, child) for child in reversed(node.children)]


@dataclass(frozen=True, slots=True)
class Followers:
    """The tree that grew from one event; `left_out` events of it were too many to show."""

    root: Node
    left_out: int = 0


def find_chain(reader: Reader, event: StoredEvent) -> Chain:
    """How an event came about; also where its causes belong to earlier runs."""
    events, seen = [event], {event_id(event)}
    while (cause := events[-1].causation_id) is not None:
        found = None if cause in seen else reader.by_id(cause)
        if found is None:
            return Chain(tuple(reversed(events)), missing=cause)
        seen.add(cause)
        events.append(found)
    return Chain(tuple(reversed(events)))


def find_followers(reader: Reader, event: StoredEvent, most: int) -> Followers:
    """What followed from an event, in at most `most` events: the nearest ones come first."""
    below = _descendants(reader, event)
    root = Node(event)
    nodes = {event.position: root}
    for position, parent in below[:most]:
        found = next(reader.events("position = ?", position), None)
        if found is not None and parent in nodes:
            nodes[position] = node = Node(found)
            nodes[parent].children.append(node)
    return Followers(root, len(below) - len(nodes) + 1)


def _descendants(reader: Reader, event: StoredEvent) -> list[tuple[int, int]]:
    """The positions of all that followed, each with that of its cause, generation by generation."""
    caused: dict[Place, list[tuple[int, Place]]] = defaultdict(list)
    rows = reader.rows(
        """SELECT position, run, sequence, causation_run, causation FROM events
        WHERE (correlation_run, correlation) = (
            SELECT correlation_run, correlation FROM events WHERE position = ?)
        AND causation IS NOT NULL ORDER BY position""",
        event.position,
    )
    for position, run, sequence, cause_run, cause in rows:
        caused[cause_run, cause].append((position, (run, sequence)))
    run = reader.value("SELECT run FROM events WHERE position = ?", event.position)
    waiting = deque([(event.position, (run, event.sequence))])
    seen, found = {event.position}, []
    while waiting:
        parent, place = waiting.popleft()
        for position, child in caused[place]:
            if position not in seen:
                seen.add(position)
                found.append((position, parent))
                waiting.append((position, child))
    return found
