"""Any valid event of any type of the vocabulary, made from its annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from hookbus import Event, Settings
from hookbus_trading import (
    Bar,
    OpportunitiesUpdated,
    Order,
    StatsUpdated,
    TradeExecuted,
    TradingSignal,
)
from hookbus_trading.plugin import TradingPlugin
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

EVENTS: tuple[type[Event], ...] = TradingPlugin(Settings()).hookbus_events()
"""Every event type of the vocabulary."""

_LARGEST = 1e15
_WORDS = st.sampled_from("ABC")


def instances(model: type[Event]) -> st.SearchStrategy[Event]:
    """Valid events of one type; every field takes any value that its annotation allows."""
    fields = {
        name: _values(field.annotation, field.metadata)
        for name, field in model.model_fields.items()
    }
    consistent = _CONSISTENT.get(model, _as_they_are)
    return st.fixed_dictionaries(fields).map(lambda values: model(**consistent(values)))


def _values(annotation: Any, metadata: Sequence[Any] = ()) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(arguments[0], [*_flat(arguments[1:]), *metadata])
    if origin in (Union, UnionType):
        return st.one_of([_values(one) for one in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(_values(arguments[0]), _values(arguments[1]), max_size=3)
    return _PLAIN[annotation](_bounds(metadata))


def _flat(metadata: Iterable[Any]) -> Iterable[Any]:
    for one in metadata:
        yield from one.metadata if isinstance(one, FieldInfo) else [one]


def _bounds(metadata: Sequence[Any]) -> dict[str, Any]:
    """The limits of a value by the names that strategies give them."""
    found: dict[str, Any] = {}
    for one in metadata:
        if isinstance(one, annotated_types.Gt):
            found |= {"min_value": one.gt, "exclude_min": True}
        elif isinstance(one, annotated_types.Ge):
            found["min_value"] = one.ge
        elif isinstance(one, annotated_types.Le):
            found["max_value"] = one.le
        elif isinstance(one, annotated_types.MinLen):
            found["min_size"] = one.min_length
        elif isinstance(one, annotated_types.MaxLen):
            found["max_size"] = one.max_length
    return found


def _floats(bounds: dict[str, Any]) -> st.SearchStrategy[float]:
    return st.floats(**{"min_value": -_LARGEST, "max_value": _LARGEST, **bounds})


def _decimals(bounds: dict[str, Any]) -> st.SearchStrategy[Decimal]:
    exclude = bounds.pop("exclude_min", False)
    numbers = st.decimals(**bounds, allow_nan=False, allow_infinity=False)
    return numbers.filter(bool) if exclude else numbers


_PLAIN: dict[Any, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
    bool: lambda bounds: st.booleans(),
    int: lambda bounds: st.integers(**bounds),
    float: _floats,
    Decimal: _decimals,
    str: lambda bounds: st.text(**bounds),
    datetime: lambda bounds: st.datetimes(timezones=st.just(UTC)),
    NoneType: lambda bounds: st.none(),
}


def _as_they_are(values: dict[str, Any]) -> dict[str, Any]:
    return values


def _ordered_prices(values: dict[str, Any]) -> dict[str, Any]:
    low, first, last, high = sorted(values[name] for name in ("open", "high", "low", "close"))
    return values | {"low": low, "open": last, "close": first, "high": high}


def _entry_price(values: dict[str, Any]) -> dict[str, Any]:
    wanted = None if values["order_type"] == "market" else values["entry_price"] or values["price"]
    return values | {"entry_price": wanted}


def _order_price(values: dict[str, Any]) -> dict[str, Any]:
    wanted = None if values["type"] == "market" else values["price"] or values["quantity"]
    return values | {"price": wanted}


def _scored(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"symbols": tuple(values["scores"])}


def _in_order(values: dict[str, Any]) -> dict[str, Any]:
    entry, last = values["entry_time"], values["exit_time"]
    return values | {"exit_time": max(entry, last) if entry and last else last}


def _counted(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"won": min(values["won"], values["trades"])}


_CONSISTENT: dict[type[Event], Callable[[dict[str, Any]], dict[str, Any]]] = {
    Bar: _ordered_prices,
    TradingSignal: _entry_price,
    Order: _order_price,
    OpportunitiesUpdated: _scored,
    TradeExecuted: _in_order,
    StatsUpdated: _counted,
}
"""What makes the fields of some events agree with one another."""
