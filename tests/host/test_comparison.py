"""Comparing two records: equal to itself, and every single change is found where it is."""

from __future__ import annotations

import copy
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hookbus.comparison import ABSENT, Comparison, Rules, compare, count_by_type
from hookbus.records import Record
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.recorded import CloudEvent, event, runs, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the records of this module are written."""
    return tmp_path_factory.mktemp("records")


def compared(folder: Path, a: list[CloudEvent], b: list[CloudEvent], **rules: Any) -> Comparison:
    """Write two records and compare them."""
    first, second = write(folder / "a.jsonl", a), write(folder / "b.jsonl", b)
    return compare(Record(first), Record(second), Rules(**rules))


def fields(found: Comparison) -> dict[str, tuple[Any, Any]]:
    """The fields that differ, by path."""
    return {one.path: (one.a, one.b) for one in found.fields}


@settings(deadline=None)
@given(events=runs())
def test_a_record_is_equal_to_itself(folder: Path, events: list[CloudEvent]) -> None:
    """Whatever the events hold, nothing differs, also when every field is looked at."""
    assert compared(folder, events, events) == Comparison(len(events))
    shuffled = [dict(reversed(one.items())) for one in events]
    assert compared(folder, events, shuffled) == Comparison(len(events))


@settings(deadline=None)
@given(events=runs(), other=st.sampled_from(("two", "one-1", 'q"\\', "é", "")))
def test_the_name_of_the_run_makes_no_difference(
    folder: Path, events: list[CloudEvent], other: str
) -> None:
    """Two hosts of different names that do the same are the same, line by line or by field."""
    renamed = json.loads(json.dumps(events))
    for one in renamed:
        for attribute in ("id", "correlationid", "causationid"):
            if attribute in one:
                one[attribute] = other + one[attribute].removeprefix("one")
    assert compared(folder, events, renamed) == Comparison(len(events))
    reordered = [dict(reversed(one.items())) for one in renamed]
    assert compared(folder, events, reordered) == Comparison(len(events))


def test_ids_in_the_data_are_compared_by_their_sequence(folder: Path) -> None:
    """Reports of the host name events and the run; an id of another event is still a difference."""
    data = {"run": "one", "plugins": ["one"], "event_id": "one-1"}
    a = [event(1, type="hookbus.host.started") | {"data": data}]
    b = json.loads(json.dumps(a).replace('"one', '"two'))
    b[0]["data"]["plugins"] = ["one"]
    assert compared(folder, a, b).same
    b[0]["data"]["event_id"] = "two-2"
    assert fields(compared(folder, a, b)) == {"data.event_id": ("one-1", "two-2")}
    b[0]["data"]["event_id"] = "-1"
    assert fields(compared(folder, a, b)) == {"data.event_id": ("one-1", "-1")}


def test_what_only_looks_like_an_id_is_a_difference(folder: Path) -> None:
    """Text is not taken for an id of the other run, however much of it is the same."""
    a = [event(1, cause_id="one-1")]
    assert compared(folder, a, [event(1, run="two", cause_id="two-1")]).same
    assert compared(folder, a, [event(1, run="two", cause_id="one-1")]).same
    for text in ("-1", "one-2", "two-1x", "two-", "run-1"):
        found = compared(folder, a, [event(1, run="two", cause_id=text)])
        assert fields(found) == {"data.cause_id": ("one-1", text)}


def mutations(value: Any) -> list[Any]:
    """Values that are not the same JSON as `value`, some of them close."""
    near: list[Any] = [None, True, False, 0, 0.0, 1, 1.0, -0.0, "", "0", [], {}, [0], {"a": 0}]
    if isinstance(value, int | float):
        near.append(value + 1)
    return [one for one in near if json.dumps(one) != json.dumps(value)]


@settings(deadline=None)
@given(events=runs(), draw=st.data())
def test_one_changed_field_is_found_where_it_is(
    folder: Path, events: list[CloudEvent], draw: st.DataObject
) -> None:
    """The event is the one that was changed, and no other field is named."""
    place = draw.draw(st.integers(0, len(events) - 1))
    changed = copy.deepcopy(events)
    data = changed[place]["data"]
    field = draw.draw(st.sampled_from(("price", "size", "note")))
    before = data.get(field, ABSENT)
    after = draw.draw(st.sampled_from(mutations(before) if field in data else [None, 0, "x"]))
    data[field] = after
    found = compared(folder, events, changed)
    assert (found.equal, found.same) == (place, False)
    assert found.a is not None
    assert found.b is not None
    assert found.a.attributes == events[place]
    assert found.b.attributes == changed[place]
    paths = [one.path for one in found.fields]
    assert paths
    assert all(path == f"data.{field}" or path.startswith(f"data.{field}.") for path in paths)


@settings(deadline=None)
@given(events=runs(), draw=st.data())
def test_one_changed_attribute_is_found_where_it_is(
    folder: Path, events: list[CloudEvent], draw: st.DataObject
) -> None:
    """Source, time, key and cause count as much as the data."""
    place = draw.draw(st.integers(0, len(events) - 1))
    name = draw.draw(st.sampled_from(("source", "time", "subject", "causationid")))
    changed = [dict(one) for one in events]
    changed[place][name] = "another"
    found = compared(folder, events, changed)
    assert found.equal == place
    assert fields(found) == {name: (events[place].get(name, ABSENT), "another")}
    assert compared(folder, events, changed, ignored=(name,)).same


@settings(deadline=None)
@given(events=runs(), draw=st.data())
def test_a_record_that_ends_early_is_told(
    folder: Path, events: list[CloudEvent], draw: st.DataObject
) -> None:
    """The first event that one has and the other has not is the difference."""
    length = draw.draw(st.integers(1, len(events)))
    found = compared(folder, events[:length], events)
    assert (found.equal, found.a, found.fields) == (length, None, ())
    assert found.same == (length == len(events))
    assert found.b is None or found.b.attributes == events[length]
    turned = compared(folder, events, events[:length])
    assert (turned.a, turned.b) == (found.b, found.a)


def test_events_of_different_types_are_not_compared_by_their_data(folder: Path) -> None:
    """An event that was put in between is named as such, not field by field."""
    a = [event(1), event(2, type="test.order", price=1.0)]
    b = [event(1), event(2, type="other.note", text="x")]
    assert fields(compared(folder, a, b)) == {"type": ("test.order", "other.note")}


def test_nested_fields_are_named_by_their_path(folder: Path) -> None:
    """A path leads to the innermost value that differs, by key or by index."""
    a = [event(1, legs=[{"price": 1, "size": 2}, {"price": 3}], tags={})]
    b = [event(1, legs=[{"price": 1, "size": 3}], tags={"x": None})]
    expected = {
        "data.legs.0.size": (2, 3),
        "data.legs.1": ({"price": 3}, ABSENT),
        "data.tags.x": (ABSENT, None),
    }
    assert fields(compared(folder, a, b)) == expected
    assert list(fields(compared(folder, a, b, ignored=("data.legs",)))) == list(expected)[2:]
    assert list(fields(compared(folder, a, b, ignored=("data.t*",)))) == list(expected)[:2]
    assert compared(folder, a, b, ignored=("data",)).same


def test_only_some_types_are_compared_whatever_is_between_them(folder: Path) -> None:
    """Events that are left out shift the sequences of the others, which then does not matter."""
    a = [event(1), event(2, type="test.order", price=1), event(3, 2, type="test.order", price=2)]
    b = [event(1, type="test.order", price=1), event(2), event(3, 1, type="test.order", price=3)]
    for one, other in ((a, b), (b, a)):
        for events in (one, other):
            events[-1]["time"] = events[-2]["time"] = events[0]["time"]
    found = compared(folder, a, b, only=("test.o*",), counted=False)
    assert (found.equal, fields(found)) == (1, {"data.price": (2, 3)})


def counts(folder: Path, a: list[CloudEvent], b: list[CloudEvent]) -> dict[str, tuple[int, ...]]:
    """How many events of each type A has, B has, and how many differ."""
    first, second = write(folder / "a.jsonl", a), write(folder / "b.jsonl", b)
    counted = count_by_type(Record(first), Record(second), Rules())
    return {name: (one.a, one.b, one.differ) for name, one in counted.items()}


def test_an_event_too_many_makes_no_other_differ(folder: Path) -> None:
    """Events are counted type by type, so one that was put in between counts once."""
    a = [event(n, type="test.tick" if n % 2 else "test.order") for n in range(1, 11)]
    note = event(1, type="other.note")
    later = [event(n + 1, type=one["type"]) for n, one in enumerate(a, 1)]
    b = [note] + [one | {"time": old["time"]} for one, old in zip(later, a, strict=True)]
    same = {"test.order": (5, 5, 0), "test.tick": (5, 5, 0)}
    assert counts(folder, a, b) == {"other.note": (0, 1, 1), **same}
    assert counts(folder, b, a) == {"other.note": (1, 0, 1), **same}


@settings(deadline=None)
@given(a=runs(), b=runs("two"))
def test_counts_are_those_of_a_plain_comparison(
    folder: Path, a: list[CloudEvent], b: list[CloudEvent]
) -> None:
    """The n-th event of a type against the n-th in the other, and the rest without counterpart."""

    def plain(events: list[CloudEvent], kind: str) -> list[str]:
        wanted = ("source", "type", "time", "data")
        texts = ({name: one[name] for name in wanted} for one in events if one["type"] == kind)
        return [json.dumps(text, sort_keys=True) for text in texts]

    expected = {}
    for kind in sorted({one["type"] for one in a + b}):
        ours, theirs = plain(a, kind), plain(b, kind)
        unequal = sum(one != other for one, other in zip(ours, theirs, strict=False))
        expected[kind] = len(ours), len(theirs), unequal + abs(len(ours) - len(theirs))
    assert counts(folder, a, b) == expected


def test_long_records_need_no_more_memory(folder: Path) -> None:
    """Ten times as many events that are equal are read in the same memory."""

    def peak(length: int) -> int:
        a = Record(write(folder / "a.jsonl", (event(n, note="x" * 100) for n in range(1, length))))
        b = Record(write(folder / "b.jsonl", (event(n, note="x" * 100) for n in range(1, length))))
        tracemalloc.start()
        try:
            assert compare(a, b, Rules()).equal == length - 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(200)
    assert peak(20_000) < peak(2_000) + 20_000
