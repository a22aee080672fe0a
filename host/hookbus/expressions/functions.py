"""The functions that a `where=` expression may call, and all that its compiled form can reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import combinations
from numbers import Number
from typing import Any

from hookbus.expressions.shapes import NUMERIC, SIZED, UNKNOWN, Kind, Shape, join, may_order, plain

MOST = 100
"""How many values `min` and `max` take."""

_NUMBERS = (int, float, Decimal, timedelta, Number)
_TEXT = frozenset({Kind.TEXT})


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language: `use` shows how to call it.

    `result` gives the shape of its value for the shapes of its arguments, None when it would fail.
    """

    call: Callable[..., Any]
    use: str
    least: int
    most: int
    result: Callable[[Sequence[Shape]], Shape | None]


def _magnitude(shapes: Sequence[Shape]) -> Shape | None:
    possible = NUMERIC | {Kind.DURATION}
    return Shape(shapes[0].kinds & possible) if shapes[0].may_be(possible) else None


def _extreme(shapes: Sequence[Shape]) -> Shape | None:
    if len(shapes) > 1:
        orderly = all(may_order(one, other) for one, other in combinations(shapes, 2))
        return join(shapes) if orderly else None
    if not shapes[0].may_be({Kind.SEQUENCE, Kind.SET}):
        return None
    return (shapes[0].kinds and shapes[0].item) or UNKNOWN


def _length(shapes: Sequence[Shape]) -> Shape | None:
    return plain(Kind.INT) if shapes[0].may_be(SIZED) else None


def _text(shapes: Sequence[Shape]) -> Shape | None:
    return plain(Kind.TEXT) if shapes[0].may_be(_TEXT) else None


def _part(shapes: Sequence[Shape]) -> Shape | None:
    return plain(Kind.BOOL) if all(shape.may_be(_TEXT) for shape in shapes) else None


FUNCTIONS: dict[str, Function] = {
    "abs": Function(abs, "abs(number)", 1, 1, _magnitude),
    "min": Function(min, "min(x, y, ...) or min(sequence)", 1, MOST, _extreme),
    "max": Function(max, "max(x, y, ...) or max(sequence)", 1, MOST, _extreme),
    "len": Function(len, "len(text or sequence)", 1, 1, _length),
    "lower": Function(str.lower, "lower(text)", 1, 1, _text),
    "upper": Function(str.upper, "upper(text)", 1, 1, _text),
    "startswith": Function(str.startswith, "startswith(text, 'start')", 2, 2, _part),
    "endswith": Function(str.endswith, "endswith(text, 'end')", 2, 2, _part),
}
"""The functions of the language, by name."""


def _need_numbers(sign: str, left: object, right: object) -> None:
    if not (isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS)):
        kinds = f"{type(left).__name__} and {type(right).__name__}"
        raise TypeError(f"{sign} needs a number on either side, not {kinds}")


def times(left: Any, right: Any) -> Any:
    """A product of numbers: a text or a list times a number could fill the memory."""
    _need_numbers("*", left, right)
    return left * right


def rest(left: Any, right: Any) -> Any:
    """The rest of a division of numbers: `%` would format a text, to any width it asks for."""
    _need_numbers("%", left, right)
    return left % right


NAMESPACE: dict[str, Any] = {
    "__builtins__": {},
    "times": times,
    "rest": rest,
    **{name: function.call for name, function in FUNCTIONS.items()},
}
"""All that a compiled expression can reach besides its event."""
