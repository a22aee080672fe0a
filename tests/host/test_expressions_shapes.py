"""What expressions know of annotations that say less, or more, than a plain type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Flag, IntEnum
from typing import Any, Literal, NamedTuple, NewType

import pytest
from hookbus.errors import ExpressionError
from hookbus.expressions.expression import compile_expression
from pydantic import BaseModel, JsonValue
from typing_extensions import TypeAliasType

Symbol = NewType("Symbol", str)
Tree = TypeAliasType("Tree", "dict[str, Tree] | list[Tree] | float")


class Level(IntEnum):
    """Numbers with names."""

    LOW = 1
    HIGH = 2


class Right(Flag):
    """An Enum whose members combine."""

    READ = 1
    WRITE = 2


class Point(NamedTuple):
    """A tuple with fields."""

    x: float
    y: float


class Leaf(BaseModel):
    """One of two models."""

    size: int


class Branch(BaseModel):
    """The other one."""

    size: str
    leaves: Sequence[Leaf] = ()


class Strange(BaseModel):
    """Fields with unusual annotations."""

    symbol: Symbol = Symbol("BTC")
    data: JsonValue = None
    tree: Tree = {}
    level: Level = Level.HIGH
    right: Right = Right.READ
    point: Point = Point(1, 2)
    node: Leaf | Branch = Branch(size="big", leaves=[Leaf(size=1)])
    number: int | str = 5
    books: Mapping[Literal["bid", "ask"], tuple[Decimal, ...]] = {"bid": (Decimal(1),)}
    anything: Any = None
    raw: bytes = b"abc"


@pytest.mark.parametrize(
    "text",
    [
        "symbol == 'BTC' and startswith(symbol, 'B')",
        "data is None",
        "len(tree) == 0",
        "level == 2 and level > 1 and level in (1, 2)",
        "right.name == 'READ' and right.value == 1",
        "point.x < point.y and point[0] == 1",
        "node.size == 'big' and node.leaves[0].size == 1",
        "number == 5 and number * 2 > 9",
        "books['bid'][0] == 1 and 'ask' not in books",
        "anything is None or anything.deep[0]['er'] % 2 == 1",
        "len(raw) == 3 and raw[0] == 97",
    ],
)
def test_what_may_be_true_is_accepted(text: str) -> None:
    """An annotation that is not understood, or allows several types, never refuses too much."""
    assert compile_expression(text, Strange)(Strange()) is True


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("symbol > 5", "does not compare text with a whole number"),
        ("level == 3", "the value is one of 1, 2"),
        ("level == 'HIGH'", "never equals"),
        ("node.leaves[0].sise == 1", "did you mean 'size'"),
        ("node.colour == 1", "Leaf or Branch has no field 'colour'"),
        ("books['bdi'][0] == 1", "did you mean 'bid'"),
        ("books[0][0] == 1", "a whole number never equals text"),
        ("'bdi' in books", "did you mean 'bid'"),
        ("books['bid'][0] * 0.5 == 1", "a Decimal and a number"),
        ("number ** 2 == 1", "is not allowed"),
    ],
)
def test_what_is_never_true_is_refused(text: str, reason: str) -> None:
    """What an annotation does say is used, also behind aliases, unions and containers."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, Strange)
    assert reason in str(caught.value)
