"""What holds for every event type of the vocabulary, whatever its family."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hookbus_trading
import pytest
from hookbus import Event, EventRegistry
from hookbus.events import event_type
from hookbus_trading import control, flow, pipeline, runners
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.plugins.trading.instances import EVENTS, instances

README = Path(__file__).parents[3] / "plugins" / "trading" / "README.md"
FAMILIES = (flow, control, runners, pipeline)

KEYS = {
    "control.health": "component",
    "control.model_promoted": "model",
    "control.opportunities": None,
    "control.policy": None,
    "control.strategy_promoted": "strategy",
    "control.trading_halted": None,
    "control.trading_resumed": None,
    "pipeline.markets_scored": None,
    "pipeline.trades_ingested": "symbol",
    "pipeline.wallet_rules_evaluated": "wallet",
    "pipeline.wallets_classified": None,
    "pipeline.wallets_discovered": "market",
    "trade.executed": "symbol",
}
"""What the events are about; those of the market and of orders have a symbol, others a runner."""

HIGH_FREQUENCY = {
    "market.bar",
    "market.indicator",
    "pipeline.trades_ingested",
    "runner.position_updated",
    "runner.tick",
}

CRITICAL = {
    "control.health",
    "control.model_promoted",
    "control.strategy_promoted",
    "control.trading_halted",
    "control.trading_resumed",
    "runner.failed",
    "runner.position_closed",
    "runner.position_opened",
    "trade.executed",
    "trading.fill",
    "trading.order",
    "trading.order_cancel_requested",
    "trading.order_cancelled",
    "trading.order_rejected",
}

every_event = pytest.mark.parametrize("model", EVENTS, ids=lambda model: model.__name__)


def expected_key(name: str) -> str | None:
    """The field that identifies what an event is about."""
    return KEYS.get(name, "runner" if name.startswith("runner.") else "symbol")


@every_event
@given(draw=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_it_comes_back_from_json_as_it_was(model: type[Event], draw: st.DataObject) -> None:
    """Whoever reads an event from its wire form gets the same event, to the last digit."""
    event = draw.draw(instances(model))
    registry = EventRegistry()
    registry.register(model, "trading")
    written = json.dumps(event.model_dump(mode="json"), allow_nan=False)
    declared = event_type(model)
    assert registry.decode(declared.name, json.loads(written), declared.version) == event
    assert model.model_validate_json(event.model_dump_json()) == event


@every_event
@given(draw=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_it_is_immutable_and_knows_its_fields(model: type[Event], draw: st.DataObject) -> None:
    """No handler changes an event for the next one, and a misspelt field is an error."""
    event = draw.draw(instances(model))
    name = next(iter(model.model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(event, name, getattr(event, name))
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model.model_validate({**event.model_dump(), "colour": "red"})


def described(schema: Any) -> Iterator[str]:
    """The descriptions of the fields of an event, from the schema that others see."""
    for name, field in schema["properties"].items():
        yield field.get("description", f"({name} has none)")


@every_event
def test_every_field_says_what_it_means(model: type[Event]) -> None:
    """Meaning and unit are sentences in the schema."""
    for text in described(model.model_json_schema()):
        assert re.fullmatch(r"\S.{5,}\.", text), text


UNITS = {
    "price": "quote currency",
    "pnl": "currency|same unit",
    "commission": "account currency",
    "volume": "units of the instrument",
    "quantity": "units of the instrument|quantity",
    "seconds": "seconds",
    "drawdown": "fraction",
    "time": "UTC",
    "expires": "UTC",
}
"""What the description of a field says whose name ends like this."""


@every_event
def test_numbers_and_times_have_their_unit(model: type[Event]) -> None:
    """Nobody has to guess a currency, a unit or a time zone."""
    for name, field in model.model_fields.items():
        for ending, unit in UNITS.items():
            if name.endswith(ending):
                assert re.search(unit, field.description or ""), f"{name}: {field.description}"


@every_event
def test_keys_and_flags_are_as_designed(model: type[Event]) -> None:
    """Throttling and coalescing work per key, and what counts is never dropped."""
    declared = event_type(model)
    assert declared.key == expected_key(declared.name)
    assert declared.high_frequency == (declared.name in HIGH_FREQUENCY)
    assert declared.critical == (declared.name in CRITICAL)


@every_event
def test_it_says_what_has_happened(model: type[Event]) -> None:
    """The first line of the docstring is what lists of events show."""
    first = inspect.cleandoc(model.__doc__ or "").splitlines()[0]
    assert re.fullmatch(r"[A-Z].{15,}\.", first), first


def test_no_flag_is_for_an_event_that_is_not_there() -> None:
    """The sets above name real events, and none is both throttled and never throttled."""
    names = {event_type(model).name for model in EVENTS}
    assert names >= HIGH_FREQUENCY | CRITICAL | set(KEYS)
    assert not HIGH_FREQUENCY & CRITICAL


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_family_exports_what_it_defines(family: Any) -> None:
    """Each module lists its events, in order, and the package has all of them."""
    own = {
        name
        for name, value in vars(family).items()
        if inspect.isclass(value)
        and issubclass(value, Event)
        and value.__module__ == family.__name__
    }
    assert set(family.__all__) == own
    assert own <= set(hookbus_trading.__all__)


def test_every_event_belongs_to_a_family() -> None:
    """An event outside of the four modules would be in no list."""
    assert {model.__module__ for model in EVENTS} == {family.__name__ for family in FAMILIES}


def readme_rows() -> dict[str, list[str]]:
    """The rows of the tables of events in the README, by wire name."""
    found = {}
    for line in README.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            found[cells[1].strip("`")] = cells
    return found


def test_the_readme_has_every_event() -> None:
    """The tables show class, wire name, key and flags as they are, and nothing else."""
    rows = readme_rows()
    assert sorted(rows) == sorted(event_type(model).name for model in EVENTS)
    for model in EVENTS:
        declared = event_type(model)
        flags = ["high-frequency"] * declared.high_frequency + ["critical"] * declared.critical
        key = f"`{declared.key}`" if declared.key else ""
        assert rows[declared.name][:4] == [
            f"`{model.__name__}`", f"`{declared.name}`", key, ", ".join(flags)
        ]  # fmt: skip
