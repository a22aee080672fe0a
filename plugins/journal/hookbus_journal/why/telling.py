"""A story as text for people and as JSON for programs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import click
from hookbus import StoredEvent
from hookbus.commands import print_table

from hookbus_journal.commands.texts import counted
from hookbus_journal.why.chain import Chain, Node
from hookbus_journal.why.reader import event_id
from hookbus_journal.why.story import Origin, Story, headline
from hookbus_journal.why.texts import (
    as_cloudevent,
    duration,
    missing_cause,
    moment,
)

__all__ = ["print_story", "story_json"]

_COLUMNS = ("Event", "After", "Time", "Type", "Key", "Source", "Fields")


def print_story(story: Story) -> None:
    """The chain, what followed, what it goes back to besides, and what went wrong."""
    click.echo(f"{headline(story)}:\n")
    _print_events(story, story.chain, _follower_rows(story))
    if story.followers is not None:
        _print_rest(story.followers.left_out, bool(story.followers.root.children))
    for origin in story.origins:
        click.echo(
            f"\nIts {origin.identifier.field} {origin.identifier.value} came about before:\n"
        )
        _print_events(story, origin.chain, [])
    if story.troubles:
        click.echo("\nWhat went wrong with it:")
        rows = [(one.subscription, one.outcome, one.evidence, one.reason) for one in story.troubles]
        print_table(("Subscription", "Outcome", "Event", "Reason"), rows, keep=("Event",))


def _print_events(story: Story, chain: Chain, more: list[tuple[Any, ...]]) -> None:
    if chain.missing is not None:
        click.echo(f"({missing_cause(chain.missing)})")
    print_table(_COLUMNS, [*_chain_rows(story, chain), *more], keep=_COLUMNS[:6])


def _chain_rows(story: Story, chain: Chain) -> list[tuple[Any, ...]]:
    events = chain.events
    root = _row(story, events[0], None)
    return [root, *(_row(story, event, cause.time_ns) for cause, event in pairwise(events))]


def _follower_rows(story: Story) -> list[tuple[Any, ...]]:
    if story.followers is None:
        return []
    rows = []
    causes = {event_id(node.event): node.event for _, node in story.followers.root.walk()}
    for level, node in story.followers.root.walk():
        cause = causes.get(node.event.causation_id or "")
        if level and cause is not None:
            indent = f"{'  ' * (level - 1)}└ "
            rows.append(_row(story, node.event, cause.time_ns, indent))
    return rows


def _row(
    story: Story, event: StoredEvent, since_ns: int | None, indent: str = ""
) -> tuple[Any, ...]:
    name = str(event.sequence) if event.run == story.newest_run else event_id(event)
    after = None if since_ns is None else f"+{duration(event.time_ns - since_ns)}"
    kind, time = f"{indent}{event.type}", moment(event.time_ns)
    return name, after, time, kind, event.key, event.source, story.in_short(event)


def _print_rest(left_out: int, some: bool) -> None:
    if left_out:
        click.echo(f"\n{counted(left_out, 'more event')} followed; see more with --limit.")
    elif not some:
        click.echo("\nNothing followed from it.")


def story_json(story: Story) -> dict[str, Any]:
    """The same as plain data; events are CloudEvents."""
    events = story.chain.events
    answer: dict[str, Any] = {
        "event": as_cloudevent(story.event),
        "chain": [as_cloudevent(event) for event in events],
        "missing_cause": story.chain.missing,
        "origins": [_origin_json(origin) for origin in story.origins],
        "duration_ns": events[-1].time_ns - events[0].time_ns,
        "troubles": [
            {
                "subscription": one.subscription,
                "outcome": one.outcome,
                "reason": one.reason,
                "evidence": one.evidence,
            }
            for one in story.troubles
        ],
    }
    if story.followers is not None:
        answer["followers"] = [_tree_json(node) for node in story.followers.root.children]
        answer["left_out"] = story.followers.left_out
    return answer


def _origin_json(origin: Origin) -> dict[str, Any]:
    return {
        "field": origin.identifier.field,
        "value": origin.identifier.value,
        "chain": [as_cloudevent(event) for event in origin.chain.events],
        "missing_cause": origin.chain.missing,
    }


def _tree_json(root: Node) -> dict[str, Any]:
    """A tree as nested objects; built from the leaves, since a chain may be deep."""
    made: dict[int, dict[str, Any]] = {}
    for _, node in reversed(list(root.walk())):
        below = [made.pop(id(child)) for child in node.children]
        made[id(node)] = {"event": as_cloudevent(node.event), "followers": below}
    return made[id(root)]
