"""Events: what a class line declares, decoding, versions, and the registry of wire names."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hookbus.errors import DuplicateEventType, EventDecodeError, UnknownEventType, UsageError
from hookbus.events import Event, EventRegistry, EventType, event_type
from pydantic import BaseModel, ConfigDict, ValidationError

from tests.host.bussing import Alarm, Market, Note, Order, Tick


class Side(Enum):
    """A field's type that JSON does not have."""

    BUY = "buy"


class Leg(BaseModel):
    """A nested model."""

    side: Side
    price: Decimal


class Traded(Event, type="test.traded", version=3):
    """An event with fields that JSON does not have, and a history of two older versions."""

    at: datetime
    legs: tuple[Leg, ...]
    volume: float = 1.0

    @classmethod
    def upgrade(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Version 1 called the time `when`; nothing translates version 2."""
        if version == 1:
            return {"at": data["when"], "legs": data["legs"]}
        return super().upgrade(data, version)


LEGS = [{"side": "buy", "price": "1.50"}]
TIME = "2024-05-01T12:00:00Z"


def test_a_class_line_declares_the_event_type() -> None:
    """Name, version, key and the two marks are kept as declared."""
    assert Alarm.__event__ == EventType("test.alarm", 1, "symbol", critical=True)
    assert Traded.__event__ == EventType("test.traded", 3)
    assert Tick.__event__ is not None
    assert not Tick.__event__.critical
    assert not Tick.__event__.high_frequency


def test_a_class_without_a_type_is_an_abstract_base() -> None:
    """It declares nothing, also when it descends from a class that does."""

    class Special(Tick):
        """No wire name of its own."""

    assert Market.__event__ is None
    assert Special.__event__ is None
    with pytest.raises(UsageError, match="Special is an abstract base; give its class line a type"):
        event_type(Special)


def test_configuration_of_pydantic_passes_through_the_class_line() -> None:
    """What is no word of hookbus is pydantic's, and our own configuration is inherited."""

    class Trimmed(Event, type="test.trimmed", str_strip_whitespace=True):
        text: str

    assert Trimmed(text="  x ").text == "x"
    with pytest.raises(ValidationError):
        Trimmed(text="x", more=1)  # type: ignore[call-arg]


def test_events_are_immutable_and_take_no_unknown_fields() -> None:
    """An event cannot be changed by a subscriber, nor made with a misspelt field."""
    tick = Tick(number=1)
    with pytest.raises(ValidationError, match="frozen"):
        tick.number = 2  # type: ignore[misc]
    with pytest.raises(ValidationError, match="nunber"):
        Tick(nunber=1)  # type: ignore[call-arg]
    assert tick == Tick(number=1)
    assert hash(tick) == hash(Tick(number=1))


def test_a_trusted_event_is_the_same_as_a_checked_one() -> None:
    """In every way in which events are compared, copied, written and kept from being changed."""
    checked = Traded.decode({"at": TIME, "legs": []})
    trusted = Traded.trusted(dict(checked), {"at", "legs"})
    assert trusted == checked
    assert hash(trusted) == hash(checked)
    assert repr(trusted) == repr(checked)
    assert trusted.model_dump_json() == checked.model_dump_json()
    assert trusted.model_dump(exclude_unset=True) == checked.model_dump(exclude_unset=True)
    assert pickle.loads(pickle.dumps(trusted)) == trusted.model_copy(deep=True) == checked
    assert trusted.model_copy(update={"volume": 2.0}).volume == 2.0
    with pytest.raises(ValidationError, match="frozen"):
        trusted.volume = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "name", ["tick", "Test.tick", "test.", ".tick", "test..tick", "te st.tick", "test.*", "1.a", ""]
)
def test_what_is_no_wire_name_is_refused_at_definition(name: str) -> None:
    """A wire name is lower-case words joined by dots; the error shows the class and an example."""
    with pytest.raises(UsageError, match=r"Bad: .* is no wire name; .* such as 'trade.executed'"):

        class Bad(Event, type=name):
            pass


def test_a_version_below_one_is_refused_at_definition() -> None:
    """Versions count from 1."""
    with pytest.raises(UsageError, match="version 0 must be 1 or more"):

        class Bad(Event, type="test.bad", version=0):
            pass


def test_a_key_that_is_no_field_is_refused_at_definition() -> None:
    """The error names the fields there are."""
    with pytest.raises(UsageError, match="key 'symbl' is no field of it; its fields are symbol"):

        class Bad(Market, type="test.bad", key="symbl"):
            pass

    with pytest.raises(UsageError, match="its fields are none"):

        class Empty(Event, type="test.bad", key="symbol"):
            pass


def test_json_like_data_becomes_the_event_again() -> None:
    """Dates, decimals, enums and nested models are read from their JSON forms."""
    event = Traded(at=datetime(2024, 5, 1, 12, tzinfo=UTC), legs=(Leg.model_validate(LEGS[0]),))
    assert Traded.decode(event.model_dump(mode="json")) == event
    assert Traded.decode({"at": TIME, "legs": LEGS}, version=3) == event


def test_bad_data_is_refused_with_every_bad_field() -> None:
    """One error names the wire name and all the fields at once, with their places."""
    with pytest.raises(EventDecodeError) as caught:
        Traded.decode({"at": "yesterday", "legs": [{"side": "hold", "price": 1}], "extra": 1})
    text = str(caught.value)
    for place in ("'test.traded'", "at: ", "legs.0.side: ", "extra: "):
        assert place in text
    assert "hold" not in text.replace("legs.0.side", "")


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_data_that_is_no_object_is_refused(data: Any) -> None:
    """Whatever comes from outside, the error is the documented one."""
    with pytest.raises(EventDecodeError):
        Tick.decode(data)


def test_an_older_version_is_upgraded() -> None:
    """`upgrade` turns the data of an older version into today's fields."""
    event = Traded.decode({"when": TIME, "legs": LEGS}, version=1)
    assert event.at == datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_an_older_version_without_an_upgrade_is_refused_with_the_way_out() -> None:
    """The error says what to override."""
    with pytest.raises(EventDecodeError, match="at version 3 and cannot read version 2; override"):
        Traded.decode({}, version=2)


def test_an_upgrade_that_raises_is_a_decoding_error() -> None:
    """A mistake in `upgrade`, or data that surprises it, does not look like something else."""
    with pytest.raises(
        EventDecodeError, match=r"version 1: Traded.upgrade raised KeyError: 'when'"
    ):
        Traded.decode({"wen": TIME}, version=1)


def test_a_newer_version_is_refused_with_the_way_out() -> None:
    """Data of a newer plugin is not guessed at."""
    with pytest.raises(EventDecodeError, match=r"4 is newer than version 3 .* upgrade the plugin"):
        Traded.decode({}, version=4)


def test_the_registry_finds_classes_by_wire_name() -> None:
    """What was registered is found, decoded, counted and listed in the order of its names."""
    registry = EventRegistry()
    for cls in (Tick, Note, Order):
        registry.register(cls, "one")
    assert registry.get("test.tick") is Tick
    assert registry.decode("test.tick", {"number": 4}, 1) == Tick(number=4)
    assert [event_type(cls).name for cls in registry] == ["other.note", "test.order", "test.tick"]
    assert "test.order" in registry
    assert "test.alarm" not in registry
    assert len(registry) == 3


def twin() -> type[Event]:
    """Another class with the wire name of `Tick`."""

    class Tick(Event, type="test.tick"):
        """The same wire name."""

    return Tick


def test_two_classes_with_one_wire_name_are_refused_naming_both_sides() -> None:
    """The error names both classes and both plugins, and the first one stays."""
    registry = EventRegistry()
    registry.register(Tick, "one")
    with pytest.raises(DuplicateEventType) as caught:
        registry.register(twin(), "two")
    text = str(caught.value)
    for part in ("'test.tick'", "bussing.Tick", "'one'", "twin.<locals>.Tick", "'two'"):
        assert part in text
    assert registry.get("test.tick") is Tick
    assert registry.owner("test.tick") == "one"


def test_an_abstract_base_cannot_be_registered() -> None:
    """It has no wire name to be known by."""
    with pytest.raises(UsageError, match="abstract base"):
        EventRegistry().register(Market, "one")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("test.tik", "did you mean 'test.tick'?"), ("zzz.qqq", "is the plugin that declares it on?")],
)
def test_an_unknown_wire_name_gets_a_hint(name: str, hint: str) -> None:
    """The nearest known name is suggested; where none is near, the plugin is."""
    registry = EventRegistry()
    registry.register(Tick, "one")
    with pytest.raises(UnknownEventType) as caught:
        registry.decode(name, {})
    assert name in str(caught.value)
    assert hint in str(caught.value)


def test_the_owner_of_an_unknown_wire_name_is_a_clear_error() -> None:
    """Not a bare KeyError."""
    with pytest.raises(UnknownEventType, match=r"test\.tick"):
        EventRegistry().owner("test.tick")


def test_a_type_is_forgotten_with_the_last_plugin_that_declares_it() -> None:
    """A failing plugin does not take a shared vocabulary away from the others."""
    registry = EventRegistry()
    registry.register(Tick, "one")
    registry.register(Tick, "two")
    registry.register(Tick, "two")
    registry.register(Note, "one")
    registry.withdraw("one")
    assert registry.get("test.tick") is Tick
    assert registry.owner("test.tick") == "two"
    assert "other.note" not in registry
    registry.withdraw("two")
    registry.withdraw("nobody")
    assert "test.tick" not in registry


def test_a_withdrawn_name_may_be_claimed_by_another_class() -> None:
    """A plugin that is loaded anew brings new classes with the old names."""
    registry = EventRegistry()
    registry.register(Tick, "one")
    registry.withdraw("one")
    other = twin()
    registry.register(other, "one")
    assert registry.get("test.tick") is other


def test_a_model_configuration_of_an_event_keeps_the_house_rules() -> None:
    """An event's own `model_config` adds to ours."""

    class Loose(Event, type="test.loose"):
        model_config = ConfigDict(str_to_lower=True)
        text: str

    loose = Loose(text="ABC")
    assert loose.text == "abc"
    with pytest.raises(ValidationError, match="frozen"):
        loose.text = "x"  # type: ignore[misc]
