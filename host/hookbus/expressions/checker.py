"""The rules of `where=` expressions: which nodes are let through, and what they become.

The checker goes through the tree once. It gives back the tree in which fields are attributes of
`event`, together with the shape of its value.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from itertools import pairwise
from typing import Any, NoReturn, TypeAlias

from pydantic import BaseModel

from hookbus.errors import ExpressionError
from hookbus.expressions.functions import FUNCTIONS
from hookbus.expressions.shapes import (
    NUMERIC,
    SIZED,
    UNKNOWN,
    Kind,
    Shape,
    allows_extra,
    arithmetic,
    fields_of,
    join,
    may_equal,
    may_order,
    never_the_same,
    plain,
    shape_of,
)

MAX_DEPTH = 50
"""How deeply an expression may be nested."""

Checked: TypeAlias = tuple[ast.expr, Shape]
"""A node that was let through, and the shape of its value."""

_TEXT = frozenset({Kind.TEXT})
_PATHS = (ast.Name, ast.Attribute, ast.Subscript)
_CONTAINERS = (ast.List, ast.Tuple, ast.Set)

_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}

_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Pow: ("** is not allowed", "write x * x"),
    ast.FloorDiv: ("// is not allowed", "write x / y"),
    ast.BitAnd: ("& is not allowed", "write 'and'"),
    ast.BitOr: ("| is not allowed", "write 'or'"),
    ast.Invert: ("~ is not allowed", "write 'not'"),
    ast.UAdd: ("a leading + is not allowed", "leave it out"),
    ast.IfExp: ("if ... else is not allowed", "write it with 'and' and 'or'"),
    ast.JoinedStr: ("an f-string is not allowed", "write a plain text"),
    ast.NamedExpr: (":= is not allowed", "write == to compare"),
    ast.Slice: ("a slice is not allowed", "take one item, or write startswith(x, y)"),
    ast.Dict: ("a dictionary is not allowed", "write a list, a tuple or a set"),
    ast.Starred: ("* before a value is not allowed", "write the values out"),
    ast.Lambda: ("a lambda is not allowed", "write a function and hand it to where="),
    ast.ListComp: ("a comprehension is not allowed", "write a function and hand it to where="),
}


class Checker:
    """Checks one expression against the rules and, when there is one, against a model.

    `error` makes the exception for a node, a reason and the mend.
    """

    def __init__(
        self,
        error: Callable[[ast.expr, str, str], ExpressionError],
        model: type[BaseModel] | None,
    ) -> None:
        self._error = error
        self._root = UNKNOWN if model is None else shape_of(model)
        self._depth = 0

    def check(self, node: ast.expr) -> Checked:
        """Let a node through, with all below it, or raise `ExpressionError`."""
        rule = _RULES.get(type(node))
        if rule is None:
            self._refuse(node, node)
        if self._depth >= MAX_DEPTH:
            raise self._error(node, "nested too deeply", "write a function and hand it to where=")
        self._depth += 1
        checked = rule(self, node)
        self._depth -= 1
        return checked

    def _refuse(self, node: ast.expr, what: ast.AST) -> NoReturn:
        name = type(what).__name__
        reason = (f"{name} is not allowed", "write fields, comparisons, 'and', 'or', 'not'")
        raise self._error(node, *_REFUSED.get(type(what), reason))

    def _constant(self, node: ast.Constant) -> Checked:
        if node.value is None:
            return node, plain(Kind.NONE)
        if type(node.value) not in (bool, int, float, str):
            name = type(node.value).__name__
            raise self._error(node, f"a constant of type {name} is not allowed", "write a text")
        return node, Shape(shape_of(type(node.value)).kinds, choices=frozenset({node.value}))

    def _field(self, node: ast.Name) -> Checked:
        event = ast.copy_location(ast.Name("event", ast.Load()), node)
        shape = self._member(node, node.id, self._root)
        return ast.copy_location(ast.Attribute(event, node.id, ast.Load()), node), shape

    def _attribute(self, node: ast.Attribute) -> Checked:
        self._need_path(node.value)
        node.value, owner = self.check(node.value)
        return node, self._member(_name_of(node), node.attr, owner)

    def _need_path(self, node: ast.expr) -> None:
        if not isinstance(node, _PATHS):
            raise self._error(node, "only fields have fields and items", "write the field's name")

    def _member(self, node: ast.expr, name: str, owner: Shape) -> Shape:
        if name.startswith("_"):
            raise self._error(node, f"{name!r} is private", "use fields without an underscore")
        if not owner.kinds:
            return UNKNOWN
        known: list[dict[str, Shape]] = [_members(cls) for cls in owner.classes]
        found = [members[name] for members in known if name in members]
        if found:
            return join(found)
        if any(issubclass(cls, BaseModel) and allows_extra(cls) for cls in owner.classes):
            return UNKNOWN
        raise self._unknown_member(node, name, owner, [key for members in known for key in members])

    def _unknown_member(
        self, node: ast.expr, name: str, owner: Shape, names: Sequence[str]
    ) -> ExpressionError:
        if name in FUNCTIONS:
            return self._error(node, f"{name!r} is a function", f"write {name}(...)")
        owners = " or ".join(cls.__name__ for cls in owner.classes) or str(owner)
        constants = ("True", "False", "None") if owner is self._root else ()
        mend = _nearest(name, [*names, *constants]) or (
            f"its fields are {', '.join(names)}" if names else "it has no fields"
        )
        return self._error(node, f"{owners} has no field {name!r}", mend)

    def _item(self, node: ast.Subscript) -> Checked:
        self._need_path(node.value)
        if isinstance(node.slice, ast.Slice):
            self._refuse(node, node.slice)
        index = _constant_of(node.slice)
        if type(index) not in (int, str):
            raise self._error(node.slice, "an item is named by a constant", "write x[0] or x['a']")
        node.value, owner = self.check(node.value)
        holders = {Kind.MAPPING, *((Kind.SEQUENCE, Kind.TEXT) if type(index) is int else ())}
        if not owner.may_be(holders):
            raise self._error(node, f"{owner} has no item [{index!r}]", "compare the field itself")
        if owner.within({Kind.MAPPING}) and owner.item is not None:
            self._compare_equal(node.slice, self.check(node.slice)[1], owner.item)
        return node, _item_shape(owner)

    def _container(self, node: ast.List | ast.Tuple | ast.Set) -> Checked:
        items = [self._element(element) for element in node.elts]
        kind = Kind.SET if isinstance(node, ast.Set) else Kind.SEQUENCE
        return node, Shape(frozenset({kind}), join(items) if items else None)

    def _element(self, node: ast.expr) -> Shape:
        if not isinstance(node, ast.Constant | ast.UnaryOp) or _constant_of(node) is ...:
            raise self._error(node, "a list holds only constants", "write texts and numbers in it")
        return self.check(node)[1]

    def _logic(self, node: ast.BoolOp) -> Checked:
        checked = [self.check(value) for value in node.values]
        node.values = [value for value, _ in checked]
        return node, join(shape for _, shape in checked)

    def _sign(self, node: ast.UnaryOp) -> Checked:
        if not isinstance(node.op, ast.Not | ast.USub):
            self._refuse(node, node.op)
        node.operand, shape = self.check(node.operand)
        if isinstance(node.op, ast.Not):
            return node, plain(Kind.BOOL)
        if not shape.may_be(NUMERIC | {Kind.DURATION}):
            raise self._error(node, f"{shape} has no negative", "use a number")
        return node, Shape(shape.kinds)

    def _calculation(self, node: ast.BinOp) -> Checked:
        if type(node.op) not in _SIGNS:
            self._refuse(node, node.op)
        node.left, left = self.check(node.left)
        node.right, right = self.check(node.right)
        shape = arithmetic(type(node.op), left, right)
        if shape is None:
            reason = f"{_SIGNS[type(node.op)]} does not take {left} and {right}"
            raise self._error(node, reason, _calculation_mend(left, right))
        guard = {ast.Mult: "times", ast.Mod: "rest"}.get(type(node.op))
        if guard is None or (left.within(NUMERIC) and right.within(NUMERIC)):
            return node, shape
        return _call(node, guard, [node.left, node.right]), shape

    def _comparison(self, node: ast.Compare) -> Checked:
        operands = [node.left, *node.comparators]
        checked = [self.check(operand) for operand in operands]
        for operator, (left, right), (one, other) in zip(
            node.ops, pairwise(operands), pairwise(checked), strict=True
        ):
            self._compare(operator, left, right, one[1], other[1])
        node.left, *node.comparators = [operand for operand, _ in checked]
        return node, plain(Kind.BOOL)

    def _compare(
        self, operator: ast.cmpop, left: ast.expr, right: ast.expr, one: Shape, other: Shape
    ) -> None:
        if isinstance(operator, ast.Is | ast.IsNot):
            self._compare_none(left, right)
        elif isinstance(operator, ast.In | ast.NotIn):
            self._compare_member(left, right, one, other)
        elif isinstance(operator, ast.Eq | ast.NotEq):
            self._compare_equal(left, one, other)
        elif not may_order(one, other):
            reason = f"{_SIGNS[type(operator)]} does not compare {one} with {other}"
            raise self._error(left, reason, _comparison_mend(one, other))

    def _compare_none(self, left: ast.expr, right: ast.expr) -> None:
        none = isinstance(right, ast.Constant) and right.value is None
        if not none or not isinstance(left, (*_PATHS, ast.Call)):
            raise self._error(right, "'is' compares a field with None only", "write == or is None")

    def _compare_equal(self, place: ast.expr, one: Shape, other: Shape) -> None:
        if not may_equal(one, other):
            reason = f"{one} never equals {other}"
            raise self._error(place, reason, _comparison_mend(one, other))
        if never_the_same(one, other):
            wrong, choices = sorted((one.choices or (), other.choices or ()), key=len)
            mend = _nearest(", ".join(map(str, wrong)), map(str, choices))
            listed = ", ".join(sorted(map(repr, choices)))
            raise self._error(place, "never equal", mend or f"the value is one of {listed}")

    def _compare_member(self, left: ast.expr, right: ast.expr, one: Shape, other: Shape) -> None:
        if not other.may_be(SIZED):
            raise self._error(right, f"nothing is in {other}", "write == or a list of values")
        if isinstance(right, _CONTAINERS):
            for element in right.elts:
                self._compare_equal(element, one, self.check(element)[1])
        elif other.within(_TEXT) and not one.may_be(_TEXT):
            raise self._error(left, f"{one} is never in a text", "look for a text in a text")
        elif not other.may_be(_TEXT) and other.item is not None:
            self._compare_equal(left, one, other.item)

    def _function(self, node: ast.Call) -> Checked:
        name = self._function_name(node.func)
        function = FUNCTIONS[name]
        if node.keywords or not function.least <= len(node.args) <= function.most:
            raise self._error(node, f"{name}() has the wrong values", f"write {function.use}")
        checked = [self.check(argument) for argument in node.args]
        shape = function.result([shape for _, shape in checked])
        if shape is None:
            kinds = ", ".join(str(shape) for _, shape in checked)
            raise self._error(node, f"{name}() does not take {kinds}", f"write {function.use}")
        return _call(node, name, [argument for argument, _ in checked]), shape

    def _function_name(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name) and node.id in FUNCTIONS:
            return node.id
        if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS:
            mend = f"write {node.attr}(field, ...) instead of field.{node.attr}(...)"
            raise self._error(node, "methods cannot be called", mend)
        mend = f"the functions are {', '.join(FUNCTIONS)}"
        if isinstance(node, ast.Name):
            raise self._error(
                node, f"{node.id!r} is no function", _nearest(node.id, FUNCTIONS) or mend
            )
        raise self._error(node, "this cannot be called", mend)


def _call(place: ast.expr, name: str, arguments: list[ast.expr]) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), place)
    return ast.copy_location(ast.Call(function, arguments, []), place)


def _name_of(node: ast.Attribute) -> ast.expr:
    place = ast.copy_location(ast.Name(node.attr), node)
    place.lineno = node.end_lineno or node.lineno
    place.col_offset = max(0, (node.end_col_offset or 0) - len(node.attr.encode()))
    return place


def _constant_of(node: ast.expr) -> object:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = node.operand.value if isinstance(node.operand, ast.Constant) else ...
        return -value if isinstance(value, int | float) else ...
    return node.value if isinstance(node, ast.Constant) else ...


def _members(cls: type) -> dict[str, Shape]:
    if issubclass(cls, BaseModel):
        return fields_of(cls)
    values = join(shape_of(type(member.value)) for member in cls) if issubclass(cls, Enum) else None
    return {"name": plain(Kind.TEXT), "value": values or UNKNOWN}


def _item_shape(owner: Shape) -> Shape:
    if owner.within({Kind.MAPPING}):
        return owner.value or UNKNOWN
    if owner.within({Kind.SEQUENCE}):
        return owner.item or UNKNOWN
    return plain(Kind.TEXT) if owner.within(_TEXT) else UNKNOWN


def _nearest(name: str, names: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {near[0]!r}?" if near else None


def _comparison_mend(one: Shape, other: Shape) -> str:
    kinds = one.kinds | other.kinds
    if Kind.ENUM in kinds:
        return "compare its .value or its .name"
    if Kind.NONE in kinds and plain(Kind.NONE) in (one, other):
        return "write 'is None' or 'is not None'"
    if Kind.TEXT in kinds and kinds & NUMERIC:
        return "put texts in quotes and leave numbers without"
    return "compare two values of one kind"


def _calculation_mend(one: Shape, other: Shape) -> str:
    if {Kind.DECIMAL, Kind.FLOAT} <= one.kinds | other.kinds:
        return "write whole numbers beside a Decimal, such as x / 2 for x * 0.5"
    return "calculate with numbers"


_RULES: dict[type[ast.expr], Callable[[Checker, Any], Checked]] = {
    ast.Constant: Checker._constant,
    ast.Name: Checker._field,
    ast.Attribute: Checker._attribute,
    ast.Subscript: Checker._item,
    ast.List: Checker._container,
    ast.Tuple: Checker._container,
    ast.Set: Checker._container,
    ast.BoolOp: Checker._logic,
    ast.UnaryOp: Checker._sign,
    ast.BinOp: Checker._calculation,
    ast.Compare: Checker._comparison,
    ast.Call: Checker._function,
}
