"""What led to an event and what followed from it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hookbus_journal.why.chain import find_chain, find_followers
from hookbus_journal.why.lookup import UnknownEvent, find_event
from hookbus_journal.why.reader import Reader, event_id
from hookbus_journal.why.story import tell_story
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.journal.memories import SECOND, Memory


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """An empty journal."""
    made = Memory(tmp_path / "journal.db")
    yield made
    made.connection.close()


def ids(events: object) -> list[str]:
    """The ids of some events."""
    return [event_id(event) for event in events]  # type: ignore[attr-defined]


FORESTS = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 5), st.sampled_from("ab")), max_size=25
)
"""Events: which earlier one is the cause (one in a few has none), seconds after it, the run."""


def plant(memory: Memory, forest: list[tuple[int, int, str]]) -> dict[str, str | None]:
    """Write a forest; returns the cause of each event."""
    causes: dict[str, str | None] = {}
    times: dict[str | None, int] = {None: 0}
    for pick, after, run in forest:
        known = [None, *causes]
        cause = known[pick % len(known)]
        time = times[cause] + after
        made = memory.add("a.b", cause=cause, time=time, run=run)
        causes[made], times[made] = cause, time
    return causes


@settings(max_examples=60, deadline=None)
@given(FORESTS)
def test_trees_of_random_forests_are_whole(forest: list[tuple[int, int, str]]) -> None:
    """From the roots every event is reached exactly once, below its cause, also across runs; and
    the times between the steps of a chain add up to the time from the root to the event."""
    with TemporaryDirectory() as folder:
        memory = Memory(Path(folder) / "journal.db")
        causes = plant(memory, forest)
        reader = memory.reader()
        roots = [find_event(reader, one) for one, cause in causes.items() if cause is None]
        trees = [find_followers(reader, root, 1000) for root in roots]
        reached = [
            (event_id(child.event), event_id(node.event))
            for tree in trees
            for _, node in tree.root.walk()
            for child in node.children
        ]
        assert sorted(reached) == sorted((k, v) for k, v in causes.items() if v is not None)
        assert all(tree.left_out == 0 for tree in trees)
        for one in causes:
            chain = find_chain(reader, find_event(reader, one))
            assert chain.missing is None
            assert [event.causation_id for event in chain.events] == [None, *ids(chain.events)[:-1]]
            times = [event.time_ns for event in chain.events]
            steps = [after - before for before, after in pairwise(times)]
            assert times[0] + sum(steps) == times[-1]
            assert all(step >= 0 for step in steps)
        memory.connection.close()


@settings(max_examples=40, deadline=None)
@given(FORESTS, st.integers(0, 8))
def test_a_limit_leaves_out_the_furthest_and_counts_them(
    forest: list[tuple[int, int, str]], most: int
) -> None:
    """What is shown and what is left out add up, and nothing is shown without its cause."""
    with TemporaryDirectory() as folder:
        memory = Memory(Path(folder) / "journal.db")
        causes = plant(memory, [(0, 0, "a"), *forest])
        reader = memory.reader()
        root = find_event(reader, "a-1")
        whole = [node for _, node in find_followers(reader, root, 1000).root.walk()]
        cut = find_followers(reader, root, most)
        shown = [node for _, node in cut.root.walk()]
        assert len(shown) == min(len(whole), most + 1)
        assert len(shown) + cut.left_out == len(whole)
        below = {event_id(node.event) for node in shown}
        assert all(causes[one] in below for one in below if one != "a-1")
        memory.connection.close()


def test_a_cause_that_is_not_kept_is_named(memory: Memory) -> None:
    """Pruned or never recorded: the chain begins after it and says which id is missing."""
    first = memory.add("a.b")
    second = memory.add("a.c", cause=first)
    third = memory.add("a.d", cause=second)
    memory.connection.execute("DELETE FROM events WHERE sequence = 1")
    chain = find_chain(memory.reader(), find_event(memory.reader(), third))
    assert ids(chain.events) == [second, third]
    assert chain.missing == first


def test_a_circle_in_a_damaged_journal_ends(memory: Memory) -> None:
    """Two events that name one another as their cause are told as a missing cause."""
    first = memory.add("a.b")
    second = memory.add("a.c", cause=first)
    memory.connection.execute("UPDATE events SET causation_run = 1, causation = 2 WHERE sequence=1")
    chain = find_chain(memory.reader(), find_event(memory.reader(), second))
    assert (ids(chain.events), chain.missing) == ([first, second], second)
    followers = find_followers(memory.reader(), find_event(memory.reader(), first), 10)
    assert ids(node.event for _, node in followers.root.walk()) == [first, second]


@pytest.fixture
def reader(memory: Memory) -> Reader:
    """Two runs, with orders in the second."""
    memory.run("desk-20260101-ab12", end=5)
    memory.run("desk-20260102-cd34")
    for run in ("desk-20260101-ab12", "desk-20260102-cd34"):
        memory.add("market.bar", key="BTC", run=run)
        memory.add("trading.order", {"order_id": "risk-7", "text": "risk-9"}, run=run)
    memory.add("trading.fill", {"order_id": "risk-7", "fill_id": 1}, run="desk-20260102-cd34")
    return memory.reader()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("desk-20260101-ab12-2", "desk-20260101-ab12-2"),
        ("2", "desk-20260102-cd34-2"),
        ("ab12-2", "desk-20260101-ab12-2"),
        ("risk-7", "desk-20260102-cd34-3"),
    ],
)
def test_events_are_found_by_what_people_have_at_hand(
    reader: Reader, text: str, found: str
) -> None:
    """An id, its end, a sequence of the newest run, the id of an order: its newest event."""
    assert event_id(find_event(reader, text)) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("9", "desk-20260102-cd34-1 and desk-20260102-cd34-3"),
        ("desk-20260101-ab12-9", "desk-20260101-ab12-1 and desk-20260101-ab12-2"),
        ("risk-8", "did you mean risk-7?"),
        ("risk-9", "did you mean risk-7?"),
        ("desk-x", "name an event such as desk-20260102-cd34-3"),
    ],
)
def test_unknown_ids_are_answered_with_what_comes_near(
    reader: Reader, text: str, told: str
) -> None:
    """An id beyond the end of its run, a misspelt order, and what is near to nothing."""
    with pytest.raises(UnknownEvent) as error:
        find_event(reader, text)
    assert told in str(error.value)


def test_the_end_of_several_ids_is_refused_with_their_names(memory: Memory) -> None:
    """Two runs may end alike; whoever asks has to say which is meant."""
    for run in ("desk-x", "farm-x"):
        memory.add("a.b", run=run)
    with pytest.raises(UnknownEvent, match="the end of 2 ids; write one of desk-x-1, farm-x-1"):
        find_event(memory.reader(), "x-1")


def test_an_empty_journal_and_a_pruned_run_say_so(memory: Memory) -> None:
    """Nothing is there to be found."""
    with pytest.raises(UnknownEvent, match="it is empty"):
        find_event(memory.reader(), "1")
    memory.run("old")
    memory.add("a.b", run="new")
    with pytest.raises(UnknownEvent, match="all events of the run old have been pruned"):
        find_event(memory.reader(), "old-1")


def test_failures_and_dead_letters_are_part_of_the_story(memory: Memory) -> None:
    """Who failed on the event, whether it was tried again, who gave it up, and the open letter."""
    order = memory.add("trading.order", time=1)
    memory.add(
        "hookbus.handler.failed",
        {"subscription": "orders", "plugin": "broker", "event_id": order, "error": "OSError: no",
         "attempt": 1, "will_retry": True},
        cause=order,
    )  # fmt: skip
    memory.add(
        "hookbus.event.dead-lettered",
        {"subscription": "orders", "plugin": "broker", "reason": "OSError: no", "attempts": 2},
        cause=order,
    )
    memory.connection.execute(
        "INSERT INTO dead_letters VALUES (4, 'audit:all', 1, 'trading.order', NULL, '{}', "
        f"'ValueError: bad', '', 3, 0, {SECOND}, 0)"
    )
    troubles = tell_story(memory.reader(), find_event(memory.reader(), order), None).troubles
    assert [(one.subscription, one.outcome) for one in troubles] == [
        ("broker:orders", "failed (attempt 1, tried again)"),
        ("broker:orders", "dead-lettered (attempt 2)"),
        ("audit:all", "dead letter 4"),
    ]
    assert [one.evidence for one in troubles] == ["run-2", "run-3", None]


def test_the_failures_of_what_followed_are_told_there(memory: Memory) -> None:
    """A handler that failed on a fill did not fail on its order."""
    order = memory.add("trading.order")
    fill = memory.add("trading.fill", cause=order)
    data = {"subscription": "fills", "plugin": "book", "event_id": fill, "error": "no"}
    memory.add("hookbus.handler.failed", data, cause=fill)
    reader = memory.reader()
    assert tell_story(reader, find_event(reader, order), None).troubles == ()
    assert len(tell_story(reader, find_event(reader, fill), None).troubles) == 1
