"""Envelopes: what the bus knows of an event, and its form as a CloudEvents 1.0 event."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hookbus.clock import SimulatedClock, to_ns
from hookbus.cloudevents import format_time
from hookbus.envelope import Envelope, Lagged, Origin
from hookbus.events import Event
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from tests.host.bussing import Note, Tick, World, play

NOON = to_ns(datetime(2024, 5, 1, 12, tzinfo=UTC))


class Reading(Event, type="test.reading", version=2, key="probe"):
    """An event whose key may be missing and whose values may be anything."""

    probe: int | None = None
    value: float = 0.0
    values: dict[str, list[float]] = Field(default_factory=dict)
    thing: Any = None


def envelope_of(event: Event, *, time_ns: int = NOON, causation: int | None = 3) -> Envelope:
    """The seventh envelope of a run."""
    return Envelope(event, 7, time_ns, Origin("run1", "feed"), 2, causation, 1)


def test_the_bus_puts_what_it_knows_on_the_envelope() -> None:
    """Sequence from 1, the clock's time, the publishing plugin, ids of run and sequence."""

    async def scenario(world: World) -> list[Envelope]:
        seen: list[Envelope] = []
        world.bus.subscribe("*", seen.append, mode="inline", envelope=True)
        await world.bus.publish(Tick(symbol="ETH"))
        await world.clock.sleep(1.5)
        await world.plugin("other").publish(Note())
        return seen

    first, second = play(scenario, clock=SimulatedClock(NOON), run="r9")
    assert (first.sequence, second.sequence) == (1, 2)
    assert (first.id, second.id) == ("r9-1", "r9-2")
    assert (first.type, second.type) == ("test.tick", "other.note")
    assert (first.source, second.source) == ("plugin", "other")
    assert (first.key, second.key) == ("ETH", None)
    assert second.time_ns - first.time_ns == 1_500_000_000
    assert first.time == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert (first.correlation_id, first.causation_id, first.depth) == ("r9-1", None, 0)
    assert repr(first) == "<Envelope r9-1 test.tick from plugin>"


def test_one_event_object_can_be_published_twice() -> None:
    """What the bus knows lives in the envelope, so the second publishing is a new one."""

    async def scenario(world: World) -> list[Envelope]:
        seen: list[Envelope] = []
        world.bus.subscribe(Tick, seen.append, mode="inline", envelope=True)
        tick = Tick()
        await world.bus.publish(tick)
        await world.bus.publish(tick)
        return seen

    first, second = play(scenario)
    assert first.event is second.event
    assert first.id != second.id


def test_text_forms_are_made_only_when_asked_for() -> None:
    """Publishing makes no id, no datetime and no JSON: the envelope holds plain numbers."""
    envelope = envelope_of(Tick())
    held = [getattr(envelope, slot) for slot in Envelope.__slots__]
    assert not [value for value in held if isinstance(value, str | datetime)]
    assert not hasattr(envelope, "__dict__")


def test_the_cloudevent_has_the_required_attributes_and_ours() -> None:
    """Every attribute of the JSON, in its fixed order."""
    assert envelope_of(Reading(probe=5, value=1.5)).to_cloudevent() == {
        "specversion": "1.0",
        "id": "run1-7",
        "source": "/hookbus/feed",
        "type": "test.reading",
        "time": "2024-05-01T12:00:00Z",
        "datacontenttype": "application/json",
        "dataversion": 2,
        "sequence": 7,
        "correlationid": "run1-2",
        "causationid": "run1-3",
        "subject": "5",
        "data": {"probe": 5, "value": 1.5, "values": {}, "thing": None},
    }


def test_a_root_without_a_key_leaves_the_optional_attributes_out() -> None:
    """No cause, no subject: also where the key field is None."""
    record = envelope_of(Reading(probe=None), causation=None).to_cloudevent()
    assert "causationid" not in record
    assert "subject" not in record
    assert envelope_of(Reading(probe=None)).key is None


def test_attribute_names_are_valid_in_cloudevents() -> None:
    """Lower-case letters and digits only, at most 20 of them."""
    for name in envelope_of(Reading(thing=object())).to_cloudevent():
        assert name.isascii()
        assert name.isalnum()
        assert name == name.lower()
        assert len(name) <= 20


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.one_of(st.none(), st.integers()), finite, st.dictionaries(st.text(), st.lists(finite)))
def test_json_of_any_event_reads_back_to_the_same_event(
    probe: int | None, value: float, values: dict[str, list[float]]
) -> None:
    """What is written can be decoded, is one line, and has the same bytes each time."""
    event = Reading(probe=probe, value=value, values=values)
    text = envelope_of(event).to_json()
    assert "\n" not in text
    assert text == envelope_of(event).to_json()
    record = json.loads(text.encode())
    assert Reading.decode(record["data"], record["dataversion"]) == event


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_floats_that_json_does_not_know_survive(value: float) -> None:
    """The line stays valid JSON and decodes to the same float, also in nested data."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    event = Reading(value=value, values={"a": [1.0, value]})
    record = json.loads(envelope_of(event).to_json(), parse_constant=refuse)
    decoded = Reading.decode(record["data"])
    assert repr(decoded.value) == repr(value)
    assert repr(decoded.values) == repr({"a": [1.0, value]})


def test_text_that_utf8_does_not_know_is_escaped() -> None:
    """A lone surrogate, as in a damaged file name, does not stop the file from being written."""
    text = envelope_of(Note(text="\udcff")).to_json()
    assert json.loads(text.encode())["data"]["text"] == "\udcff"


def test_other_text_is_written_as_it_is() -> None:
    """Names in any script stay readable."""
    assert "Zürich €" in envelope_of(Note(text="Zürich €")).to_json()


def test_data_without_a_json_form_is_shown_and_marked() -> None:
    """An event with an arbitrary object still has a line, which says what is wrong with it."""
    record = json.loads(envelope_of(Reading(thing=object())).to_json())
    assert record["id"] == "run1-7"
    assert "object object" in record["data"]["repr"]
    assert "Unable to serialize" in record["dataerror"]


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (NOON + 500_000_000, "2024-05-01T12:00:00.5Z"),
        (NOON + 123_456_789, "2024-05-01T12:00:00.123456789Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_are_written_to_the_nanosecond_where_it_matters(nanoseconds: int, text: str) -> None:
    """RFC 3339 in UTC, without trailing zeros."""
    assert format_time(nanoseconds) == text


def test_lagged_marks_compare_by_their_count() -> None:
    """A test or a reader can look for `Lagged(3)`."""
    assert Lagged(3) == Lagged(3)
    assert Lagged(3) != Lagged(4)
    assert Lagged(3) != 3
    assert len({Lagged(3), Lagged(3)}) == 1
    assert repr(Lagged(3)) == "Lagged(3)"
