"""What a line of the log looks like."""

from __future__ import annotations

import json
import re

import pytest
import structlog
from hookbus import Event
from hookbus_logging.lines import Lines, console_lines, json_lines
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.logging.samples import NOON, Anything, Ticked, Traded, envelope

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=8,
)


def plain() -> Lines:
    """Console lines without colours."""
    return console_lines(colours=False)


def test_a_json_line_holds_the_event_and_all_that_the_bus_knows_of_it() -> None:
    """One object with time, level, name, source, key, ids and the event's own fields."""
    line = json_lines().of_event(envelope(Traded(), 9, cause=4), "warning")
    assert json.loads(line) == {
        "timestamp": "2014-01-02T12:00:00.000009Z",
        "level": "warning",
        "event": "sample.traded",
        "source": "paper",
        "id": "run-9",
        "correlation_id": "run-4",
        "causation_id": "run-4",
        "key": "BTC",
        "data": {"symbol": "BTC", "price": 1.5},
    }


def test_a_json_line_begins_with_what_matters() -> None:
    """Time, level and name come first, for eyes and for `grep`."""
    line = json_lines().of_event(envelope(Ticked()), "debug")
    assert list(json.loads(line))[:4] == ["timestamp", "level", "event", "source"]


def test_an_event_without_key_or_cause_says_neither() -> None:
    """Nothing is written as null that does not apply."""
    record = json.loads(json_lines().of_event(envelope(Ticked()), "debug"))
    assert "key" not in record
    assert "causation_id" not in record


@given(JSON_VALUES)
def test_a_json_line_is_one_line_that_reads_back(value: object) -> None:
    """Whatever an event holds, its line is one line of JSON with the same content."""
    line = json_lines().of_event(envelope(Anything(value=value)), "info")
    assert "\n" not in line
    assert "\r" not in line
    assert json.loads(line)["data"]["value"] == value


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_know_becomes_null(number: float) -> None:
    """Strict readers must be able to read every line."""
    line = json_lines().of_event(envelope(Traded(price=number)), "info")
    assert json.loads(line, parse_constant=pytest.fail)["data"]["price"] is None


@pytest.mark.parametrize("make", [json_lines, plain])
def test_a_secret_is_not_in_the_line(make: type[Lines]) -> None:
    """A secret field of an event appears in no log."""
    line = make().of_event(envelope(Anything()), "info")
    assert "hunter2" not in line
    assert "****" in line


@pytest.mark.parametrize("make", [json_lines, plain])
def test_what_cannot_be_rendered_is_named_in_the_line(make: type[Lines]) -> None:
    """An event with a value that has no JSON form is logged all the same, with the reason."""
    line = make().of_event(envelope(Anything(value=object())), "info")
    assert "sample.anything" in line
    assert "Unable to serialize" in line


def test_a_console_line_reads_from_left_to_right() -> None:
    """Time, level, name, the event's fields, and then where it comes from."""
    line = plain().of_event(envelope(Traded(), 9, cause=4), "info")
    assert re.sub(" +", " ", line) == (
        "2014-01-02T12:00:00.000009Z [info ] sample.traded symbol=BTC price=1.5 source=paper "
        "id=run-9 correlation=run-4 causation=run-4"
    )


def test_a_console_line_does_not_repeat_the_id_of_a_root() -> None:
    """The first event of a chain is its own correlation, which needs no saying."""
    assert "correlation" not in plain().of_event(envelope(Traded()), "info")


def test_colours_are_only_added() -> None:
    """A coloured line without its colours is the plain line."""
    coloured = console_lines(colours=True).of_event(envelope(Traded()), "error")
    assert coloured != ESCAPE.sub("", coloured)
    assert ESCAPE.sub("", coloured) == plain().of_event(envelope(Traded()), "error")


def test_a_field_that_is_called_like_a_part_of_the_line_stays_apart() -> None:
    """An event with a field `level` does not change the level of its line."""
    line = plain().of_event(envelope(Anything(level="loud")), "info")
    assert "[info" in line
    assert "data.level=loud" in line


def test_a_stack_is_shown_below_the_line() -> None:
    """Where the loop stood still is shown as the stack that it is."""
    line = plain().of_event(envelope(Anything(stack="File a\n  File b")), "info")
    assert line.endswith("\nFile a\n  File b")


@given(st.text())
def test_text_cannot_steer_a_terminal(text: str) -> None:
    """An event's text, wherever it comes from, moves no cursor and forges no line."""
    event = Anything.model_construct(value=text, level=text, stack="")
    line = plain().of_event(envelope(event), "info")
    assert line.isprintable()


def test_a_notice_is_a_warning_of_the_log_itself() -> None:
    """What the log says about itself looks like any other line."""
    time = envelope(Traded(), 0).time
    record = json.loads(json_lines().of_notice(time, "3 events not logged: x", missed=3))
    assert record == {
        "timestamp": "2014-01-02T12:00:00.000000Z",
        "level": "warning",
        "event": "3 events not logged: x",
        "missed": 3,
    }
    assert NOON == 1_388_664_000_000_000_000


def test_structlog_s_own_configuration_is_neither_used_nor_changed() -> None:
    """An application's structlog set-up does not reach the log, nor the log the application."""
    expected = json_lines().of_event(envelope(Traded()), "info")
    structlog.configure(processors=[], wrapper_class=structlog.make_filtering_bound_logger(50))
    before = structlog.get_config()
    try:
        assert json_lines().of_event(envelope(Traded()), "info") == expected
        assert structlog.get_config() == before
    finally:
        structlog.reset_defaults()


def test_events_of_any_class_are_rendered() -> None:
    """An event without any field still has a line."""

    class Emptied(Event, type="sample.emptied"):
        """An event that says no more than that it happened."""

    record = json.loads(json_lines().of_event(envelope(Emptied()), "info"))
    assert record["data"] == {}
