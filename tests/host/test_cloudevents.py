"""The short way to the text of an envelope writes the same bytes as the careful one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import pytest
from hookbus.cloudevents import careful_text, format_time, text_form
from hookbus.envelope import Envelope, Origin
from hookbus.events import Event
from hookbus.operational import EventDeadLettered, PluginStarted
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, computed_field, field_serializer


class Plain(Event, type="text.plain", version=3, key="name"):
    """Everything that pydantic and Python write alike; some fields have names of schemas."""

    type: str = "type"
    metadata: int = 1
    serialization: int = 2
    name: str | None = None
    number: float = 0.0
    count: int = 0
    flag: bool = False
    money: Decimal = Decimal(0)
    at: datetime | None = None
    day: date | None = None
    clock: time | None = None
    length: timedelta = timedelta()
    side: Literal["buy", "sell"] = "buy"
    numbers: list[float] = Field(default_factory=list)
    pair: tuple[float, str] = (0.0, "")
    names: dict[str, float | str | None] = Field(default_factory=dict)


class Inner(BaseModel):
    """A model inside of an event, whose floats have a form of their own."""

    value: float


class Nested(Event, type="text.nested"):
    """An event with a model in it."""

    inner: Inner


class Loose(Event, type="text.loose", key="name"):
    """An event that may hold anything, and whose key is no part of its data."""

    name: str = Field("", exclude=True)
    thing: Any = None
    counts: dict[float, float] = Field(default_factory=dict)


class Colour(Enum):
    """An enumeration."""

    RED = "red"


@dataclass
class Point:
    """A data class."""

    x: float


class Special(Event, type="text.special"):
    """Events whose author has a say in how they are written."""

    secret: SecretStr = SecretStr("hunter2")
    colour: Colour = Colour.RED
    point: Point = Field(default_factory=lambda: Point(1.0))
    members: frozenset[int] = frozenset()
    written: float = 0.0

    @field_serializer("written")
    def _write(self, value: float) -> Any:
        if value < 0:
            raise ValueError("below zero")
        return {"value": value}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> float:
        """Twice the value."""
        return 2 * self.written


class Own(Event, type="text.own"):
    """An event with a `model_dump` of its own."""

    value: float = 0.0

    def model_dump(self, **_: Any) -> dict[str, Any]:
        """Something else."""
        return {"instead": self.value}


class Hidden(Event, type="text.hidden"):
    """An event with a model behind a name that schemas use."""

    metadata: Inner


class Nulls(Event, type="text.nulls"):
    """An event whose author wants null for what is no number."""

    model_config = ConfigDict(ser_json_inf_nan="null")

    value: float = 0.0


def envelope_of(event: Event, **changes: Any) -> Envelope:
    """An envelope of a run."""
    fields = {
        "sequence": 7,
        "time_ns": 1_700_000_000_000_000_000,
        "origin": Origin("run1", "feed"),
        "correlation": 2,
        "causation": 3,
        "depth": 1,
    }
    return Envelope(event, **{**fields, **changes})


def both(event: Event, **changes: Any) -> tuple[str, str]:
    """The text of an envelope, and its text by the careful way."""
    envelope = envelope_of(event, **changes)
    return envelope.to_json(), careful_text(envelope.to_cloudevent())


texts = st.text('a"\\/\x00\x1f\x7f\n\u2028é€😀\udcff', max_size=5) | st.text(max_size=5)
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
plain = st.builds(
    Plain,
    name=st.none() | texts,
    number=st.floats(),
    count=st.integers(),
    flag=st.booleans(),
    money=st.decimals(allow_nan=False, allow_infinity=False),
    at=st.none() | st.datetimes(timezones=zones) | st.datetimes(timezones=st.just(UTC)),
    day=st.none() | st.dates(),
    clock=st.none() | st.times(),
    length=st.timedeltas(),
    side=st.sampled_from(["buy", "sell"]),
    numbers=st.lists(st.floats(), max_size=3),
    pair=st.tuples(st.floats(), texts),
    names=st.dictionaries(texts, st.none() | st.floats() | texts, max_size=3),
)


@given(plain)
@example(Plain(number=float("nan"), numbers=[float("inf"), -float("inf")]))
@example(Plain(number=-0.0, numbers=[1e16, 1e15, 1e22, 5e-324, 1.7e308]))
@example(Plain(name="\udcff"))
@example(Plain(name='\x00\x1f\x7f\u2028"\\/é€😀'))
def test_data_of_every_plain_kind_is_the_same_bytes(event: Plain) -> None:
    """Numbers, text in any script, lone surrogates, decimals, times, and what is no number."""
    short, careful = both(event)
    assert short == careful


@given(st.integers(-40, 40), st.floats(1, 10), st.sampled_from([1, -1]))
def test_floats_of_every_size_are_the_same_bytes(power: int, digits: float, sign: int) -> None:
    """Also where an exponent begins, alone, in a list and in a dictionary."""
    value = sign * digits * 10.0**power
    event = Plain(number=value, numbers=[1.0, value], pair=(value, ""), names={"a": value})
    short, careful = both(event)
    assert short == careful


@given(texts, texts, st.one_of(st.integers(0), texts), st.none() | st.integers(0) | texts)
def test_every_attribute_is_the_same_bytes(
    run: str, source: str, correlation: int | str, causation: int | str | None
) -> None:
    """Names of runs and sources, and ids from elsewhere, may have any text in them."""
    short, careful = both(
        Plain(name=run), origin=Origin(run, source), correlation=correlation, causation=causation
    )
    assert short == careful


anything = st.recursive(
    st.none() | st.floats() | texts | st.integers() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)


@given(texts, anything, st.dictionaries(st.floats(), st.floats(), max_size=2))
def test_what_is_not_plain_is_the_same_bytes(
    name: str, thing: Any, counts: dict[float, float]
) -> None:
    """Arbitrary data, keys that are no text, and a key that is not written."""
    short, careful = both(Loose(name=name, thing=thing, counts=counts))
    assert short == careful


@pytest.mark.parametrize("value", [1.5, 1e-7, float("nan"), float("inf"), -1.0])
def test_events_that_are_written_in_a_way_of_their_own_keep_it(value: float) -> None:
    """Models inside of events, serializers (also failing ones), and `model_dump`."""
    for event in (
        Nested(inner=Inner(value=value)),
        Hidden(metadata=Inner(value=value)),
        Special(written=value),
        Own(value=value),
        Nulls(value=value),
        Loose(thing={1: Inner(value=value), "1": 2}),
    ):
        short, careful = both(event)
        assert short == careful
        assert "hunter2" not in short


def test_a_dead_letter_is_the_same_bytes() -> None:
    """Its data is another envelope, with whatever that holds."""
    inside = envelope_of(Plain(number=float("nan"), numbers=[1e-7])).to_cloudevent()
    letter = EventDeadLettered(
        subscription="s", plugin="p", reason="r", attempts=1, envelope=inside
    )
    short, careful = both(letter)
    assert short == careful


def test_the_short_way_is_taken_where_it_can_be() -> None:
    """Plain events need no dictionary; all others are recognised by their class."""
    assert text_form(Plain).write is not None
    assert text_form(PluginStarted).write is not None
    careful = (Nested, Hidden, Loose, Special, Own, Nulls)
    assert [cls for cls in careful if text_form(cls).write] == []


def test_text_forms_do_not_add_up() -> None:
    """Whoever makes event classes as it runs does not fill the memory with their forms."""
    assert text_form.cache_info().maxsize is not None


@given(st.integers(-62_135_596_800, 253_402_300_799), st.integers(0, 999_999_999))
def test_times_read_back_to_the_nanosecond(seconds: int, fraction: int) -> None:
    """Every instant between the years 1 and 9999 has its own text."""
    text = format_time(seconds * 1_000_000_000 + fraction)
    whole, _, rest = text.removesuffix("Z").partition(".")
    since = datetime.fromisoformat(f"{whole}+00:00") - datetime(1970, 1, 1, tzinfo=UTC)
    assert (since // timedelta(seconds=1), int((rest or "0").ljust(9, "0"))) == (seconds, fraction)


def test_the_text_of_what_is_no_number_decodes() -> None:
    """What an event itself writes as JSON reads back too."""
    event = Plain(number=float("-inf"))
    assert Plain.decode(json.loads(event.model_dump_json())) == event
