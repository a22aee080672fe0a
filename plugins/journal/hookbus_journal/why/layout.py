"""Where the events of a picture stand: one row each, and lines in columns from cause to effect."""

from __future__ import annotations

from dataclasses import dataclass, field

from hookbus import StoredEvent

from hookbus_journal.why.chain import Chain, Node
from hookbus_journal.why.story import Story

__all__ = ["Row", "lay_out", "straight", "whole_tree"]


@dataclass(slots=True)
class Row:
    """A row of the picture.

    `column` is where its event stands; `branched` says that a line comes from the column to the
    left, `begins` that it has no cause here, `ends` that nothing below follows from it. Lines that
    only pass are in the columns `passing`. `waited_ns` is the time since its cause.
    """

    event: StoredEvent
    column: int
    branched: bool
    begins: bool
    ends: bool
    waited_ns: int
    passing: list[int] = field(default_factory=list)


def whole_tree(story: Story) -> Node:
    """The causes and the followers of an event in one tree."""
    last = story.followers.root if story.followers else Node(story.event)
    return straight(story.chain, last)


def straight(chain: Chain, last: Node | None = None) -> Node:
    """A chain as a tree; `last` stands for its last event, with what followed from it."""
    below = last or Node(chain.events[-1])
    for event in reversed(chain.events[:-1]):
        below = Node(event, [below])
    return below


def lay_out(root: Node) -> list[Row]:
    """Rows from the first event on, each followed by all that it led to.

    The last effect of an event stands straight below it and the others one column further to the
    right, so that no two lines meet, and a chain stays a straight line however long it is.
    """
    rows: list[Row] = []
    stack: list[tuple[Node, int, bool, list[int], StoredEvent | None]] = [
        (root, 0, False, [], None)
    ]
    while stack:
        node, column, branched, passing, cause = stack.pop()
        waited = 0 if cause is None else node.event.time_ns - cause.time_ns
        children = node.children
        row = Row(node.event, column, branched, cause is None, not children, waited, passing)
        rows.append(row)
        last = len(children) - 1
        for number in range(last, -1, -1):
            side = number != last
            lines = [*passing, column] if side else passing
            stack.append((children[number], column + side, side, lines, node.event))
    return rows
