"""What is known of a value before it exists: the kinds that a field's annotation allows.

`where=` expressions are checked against these shapes when somebody subscribes. A shape without
kinds is unknown; whatever involves one is left to the run.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from itertools import product
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel


class Kind(Enum):
    """A family of values that may be compared and combined; the value is its name in messages."""

    BOOL = "a truth value"
    INT = "a whole number"
    FLOAT = "a number"
    DECIMAL = "a Decimal"
    TEXT = "text"
    DATETIME = "a datetime"
    DATE = "a date"
    TIME = "a time of day"
    DURATION = "a timedelta"
    NONE = "None"
    SEQUENCE = "a sequence"
    SET = "a set"
    MAPPING = "a mapping"
    MODEL = "a model"
    ENUM = "an Enum"


NUMERIC = frozenset({Kind.BOOL, Kind.INT, Kind.FLOAT, Kind.DECIMAL})
"""The kinds that count as numbers."""

SIZED = frozenset({Kind.TEXT, Kind.SEQUENCE, Kind.SET, Kind.MAPPING})
"""The kinds that have a length."""

_ORDERED = frozenset(
    {Kind.TEXT, Kind.SEQUENCE, Kind.SET, Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.DURATION}
)

_CLASSES: tuple[tuple[type, Kind], ...] = (
    (bool, Kind.BOOL),
    (int, Kind.INT),
    (float, Kind.FLOAT),
    (Decimal, Kind.DECIMAL),
    (str, Kind.TEXT),
    (datetime, Kind.DATETIME),
    (date, Kind.DATE),
    (time, Kind.TIME),
    (timedelta, Kind.DURATION),
    (type(None), Kind.NONE),
    (BaseModel, Kind.MODEL),
    (Enum, Kind.ENUM),
    (Mapping, Kind.MAPPING),
    (Set, Kind.SET),
    (Sequence, Kind.SEQUENCE),
)

_MAX_DEPTH = 6

_TEMPORAL: dict[tuple[type[ast.operator], Kind, Kind], Kind] = {
    (ast.Sub, Kind.DATETIME, Kind.DATETIME): Kind.DURATION,
    (ast.Sub, Kind.DATETIME, Kind.DURATION): Kind.DATETIME,
    (ast.Add, Kind.DATETIME, Kind.DURATION): Kind.DATETIME,
    (ast.Add, Kind.DURATION, Kind.DATETIME): Kind.DATETIME,
    (ast.Sub, Kind.DATE, Kind.DATE): Kind.DURATION,
    (ast.Sub, Kind.DATE, Kind.DURATION): Kind.DATE,
    (ast.Add, Kind.DATE, Kind.DURATION): Kind.DATE,
    (ast.Add, Kind.DURATION, Kind.DATE): Kind.DATE,
    (ast.Add, Kind.DURATION, Kind.DURATION): Kind.DURATION,
    (ast.Sub, Kind.DURATION, Kind.DURATION): Kind.DURATION,
    (ast.Mod, Kind.DURATION, Kind.DURATION): Kind.DURATION,
    (ast.Div, Kind.DURATION, Kind.DURATION): Kind.FLOAT,
    **{(ast.Mult, Kind.DURATION, kind): Kind.DURATION for kind in (Kind.INT, Kind.FLOAT)},
    **{(ast.Mult, kind, Kind.DURATION): Kind.DURATION for kind in (Kind.INT, Kind.FLOAT)},
    **{(ast.Div, Kind.DURATION, kind): Kind.DURATION for kind in (Kind.INT, Kind.FLOAT)},
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The kinds a value may have, none when unknown.

    `item` is the shape of what a container yields, `value` what a mapping's keys lead to, `classes`
    the models or Enums it may belong to, `choices` the only texts and numbers it may equal.
    """

    kinds: frozenset[Kind] = frozenset()
    item: Shape | None = None
    value: Shape | None = None
    classes: tuple[type, ...] = ()
    choices: frozenset[Any] | None = None

    def within(self, kinds: Iterable[Kind]) -> bool:
        """Whether the value, when it is not None, is surely of one of `kinds`."""
        return bool(self.kinds) and self.kinds <= {*kinds, Kind.NONE}

    def may_be(self, kinds: Iterable[Kind]) -> bool:
        """Whether the value is unknown or may be of one of `kinds`."""
        return not self.kinds or not self.kinds.isdisjoint(kinds)

    def __str__(self) -> str:
        names = sorted(kind.value for kind in self.kinds - {Kind.NONE})
        return " or ".join(names) or ("None" if self.kinds else "unknown")


UNKNOWN = Shape()
"""The shape of what nothing is known of."""


def plain(*kinds: Kind) -> Shape:
    """The shape of plain values of the given kinds."""
    return Shape(frozenset(kinds))


def join(shapes: Iterable[Shape]) -> Shape:
    """The shape of a value that has one of several shapes; unknown when one of them is."""
    parts = tuple(shapes)
    if len(parts) == 1:
        return parts[0]
    if not parts or any(not part.kinds for part in parts):
        return UNKNOWN
    return Shape(
        frozenset().union(*(part.kinds for part in parts)),
        _join_known(part.item for part in parts),
        _join_known(part.value for part in parts),
        tuple(dict.fromkeys(cls for part in parts for cls in part.classes)),
        _join_choices(parts),
    )


def _join_known(shapes: Iterable[Shape | None]) -> Shape | None:
    known = [shape for shape in shapes if shape is not None]
    return join(known) if known else None


def _join_choices(parts: Sequence[Shape]) -> frozenset[Any] | None:
    choices: frozenset[Any] = frozenset()
    for part in parts:
        if part.kinds == {Kind.NONE}:
            continue
        if part.choices is None:
            return None
        choices |= part.choices
    return choices


def shape_of(annotation: Any, depth: int = 0) -> Shape:
    """The shape that an annotation promises; unknown for what is not understood.

    `depth` counts the annotations around it, because an alias may name itself.
    """
    if depth > _MAX_DEPTH:
        return UNKNOWN
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shape_of(arguments[0], depth + 1)
    if origin is Literal:
        return join(_choice(value) for value in arguments)
    if origin in (Union, types.UnionType):
        return join(shape_of(part, depth + 1) for part in arguments)
    if annotation is None:
        return plain(Kind.NONE)
    cls = origin if isinstance(origin, type) else annotation
    if isinstance(cls, type):
        parts = [shape_of(part, depth + 1) for part in arguments if part is not ...]
        return _class_shape(cls, parts)
    alias = getattr(annotation, "__value__", None) or getattr(annotation, "__supertype__", None)
    return UNKNOWN if alias is None else shape_of(alias, depth + 1)


def _class_shape(cls: type, arguments: list[Shape]) -> Shape:
    found = next((kind for base, kind in _CLASSES if issubclass(cls, base)), None)
    if found is None or hasattr(cls, "_fields"):
        return UNKNOWN
    kinds = frozenset({found})
    if found in (Kind.MODEL, Kind.ENUM):
        return Shape(kinds, classes=(cls,))
    if issubclass(cls, Enum):
        values = None if issubclass(cls, Flag) else frozenset(member.value for member in cls)
        return Shape(kinds, choices=values)
    if found is Kind.MAPPING:
        key, value = arguments if len(arguments) == 2 else (UNKNOWN, UNKNOWN)
        return Shape(kinds, key, value)
    return Shape(kinds, join(arguments) if arguments else None)


def _choice(value: object) -> Shape:
    shape = shape_of(type(value))
    if not shape.within({Kind.TEXT, *NUMERIC}) or value is None:
        return shape
    return Shape(shape.kinds, choices=frozenset({value}))


def fields_of(model: type[BaseModel]) -> dict[str, Shape]:
    """The shape of every field and computed field of a model, by name."""
    shapes = {name: shape_of(info.annotation) for name, info in model.model_fields.items()}
    for name, info in model.model_computed_fields.items():
        shapes[name] = shape_of(info.return_type)
    return shapes


def allows_extra(model: type[BaseModel]) -> bool:
    """Whether instances may have fields that the model does not name."""
    return model.model_config.get("extra") == "allow"


def may_equal(left: Shape, right: Shape) -> bool:
    """Whether `==` can ever be true."""
    return _any_pair(left, right, _equal)


def never_the_same(left: Shape, right: Shape) -> bool:
    """Whether two values of one kind differ because each may only be one of some choices."""
    if left.choices is None or right.choices is None:
        return False
    return Kind.NONE not in left.kinds & right.kinds and left.choices.isdisjoint(right.choices)


def may_order(left: Shape, right: Shape) -> bool:
    """Whether `<` can ever succeed."""
    return _any_pair(left, right, _order)


def arithmetic(operator: type[ast.operator], left: Shape, right: Shape) -> Shape | None:
    """The shape of a sum, difference, product, quotient or rest; None when it always fails."""
    if not left.kinds or not right.kinds:
        return UNKNOWN
    pairs = product(left.kinds, right.kinds)
    results = {_combine(operator, one, other) for one, other in pairs} - {None}
    return Shape(frozenset(kind for kind in results if kind)) if results else None


def _any_pair(left: Shape, right: Shape, test: Callable[[Kind, Kind], bool]) -> bool:
    if not left.kinds or not right.kinds:
        return True
    return any(test(one, other) for one, other in product(left.kinds, right.kinds))


def _equal(left: Kind, right: Kind) -> bool:
    return left is right or Kind.NONE in (left, right) or (left in NUMERIC and right in NUMERIC)


def _order(left: Kind, right: Kind) -> bool:
    return (left is right and left in _ORDERED) or (left in NUMERIC and right in NUMERIC)


def _combine(operator: type[ast.operator], left: Kind, right: Kind) -> Kind | None:
    if left in NUMERIC and right in NUMERIC:
        return _combine_numbers(operator, left, right)
    if operator is ast.Add and left is right and left in (Kind.TEXT, Kind.SEQUENCE):
        return left
    return _TEMPORAL.get((operator, left, right))


def _combine_numbers(operator: type[ast.operator], left: Kind, right: Kind) -> Kind | None:
    if Kind.DECIMAL in (left, right):
        return None if Kind.FLOAT in (left, right) else Kind.DECIMAL
    return Kind.FLOAT if operator is ast.Div or Kind.FLOAT in (left, right) else Kind.INT
