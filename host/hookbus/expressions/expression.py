"""The safe expression language of `where="strength > 0.5 and symbol == 'BTC'"`.

An expression is written over the fields of one event and may use:

- fields, fields of nested models (`order.side`), `name` and `value` of an Enum, items by constant
  (`tags[0]`, `limits['BTC']`);
- texts, numbers, True, False, None, and lists, tuples and sets of these;
- `==  !=  <  <=  >  >=  in  not in  is None  is not None`, chained as in `0 < strength <= 1`;
- `and`, `or`, `not`; `+  -  *  /  %` and a leading minus;
- `abs(x)  min(...)  max(...)  len(x)  lower(x)  upper(x)  startswith(x, y)  endswith(x, y)`.

Everything else is refused before anything runs: the text is parsed, checked node by node against
this list and against the model's fields, and only then compiled into one function without
builtins. A name that begins with an underscore, any other call, or an operation that could take
far more time or memory than its text does not get that far.

Values mean what they mean in Python. So None equals only None, and ordering None by `<`, or
calculating with it, raises TypeError; write `price is not None and price > 5`. The function lets
such errors through (TypeError; AttributeError for a field that the event does not have;
LookupError for a missing item; ArithmeticError; ValueError for the least of nothing), so that its
caller can count them as failures of the predicate. It never turns them into a silent no.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from typing import cast

from pydantic import BaseModel

from hookbus.errors import ExpressionError
from hookbus.expressions.checker import Checker
from hookbus.expressions.functions import NAMESPACE

MAX_LENGTH = 1000
"""Characters that an expression may have."""

_INSTEAD = (
    (r"&&|\b(AND|And)\b", "write 'and'"),
    (r"\|\||\b(OR|Or)\b", "write 'or'"),
    (r"<>", "write !="),
    (r"(?<![=!<>:])=(?!=)|===", "write == to compare"),
    (r"!(?!=)|\b(NOT|Not)\b", "write 'not'"),
    (r"\\", "write two backslashes for one"),
)


def compile_expression(text: str, model: type[BaseModel] | None) -> Callable[[object], bool]:
    """Compile an expression into a function that says whether an event satisfies it.

    With a `model` the fields are checked at once: an unknown one is refused with the nearest known
    name, and so is what can never succeed, such as `symbol > 5` for a text field. Without one,
    names are looked up when the function runs.

    The result depends on nothing but the text and the model, and keeps no state: callers may cache
    it under the two. Its text is in the function's attribute `expression`. Raises
    `ExpressionError`, which shows the place and says how to mend it.
    """
    source = _Source(text)
    test, _ = Checker(source.error, model).check(source.parse())
    template = ast.parse("lambda event: True if None else False", mode="eval")
    cast("ast.IfExp", cast("ast.Lambda", template.body).body).test = test
    code = compile(ast.fix_missing_locations(template), f"<where {text!r}>", "eval")
    # Only nodes that the checker has let through, and no builtins.
    compiled = eval(code, dict(NAMESPACE))
    compiled.expression = text.strip()
    return cast("Callable[[object], bool]", compiled)


class _Source:
    """The text of an expression, and the places in it."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise ExpressionError(f"a where= expression is a text, not {type(text).__name__}")
        self.text = re.sub("\r\n?", "\n", text.strip())
        if not self.text:
            raise ExpressionError("the where= expression is empty; leave where= out to get all")
        if len(text) > MAX_LENGTH:
            raise ExpressionError(
                f"the where= expression has {len(text)} characters, {MAX_LENGTH} are allowed; "
                "write a function and hand it to where="
            )

    def parse(self) -> ast.expr:
        """The tree of the expression; raises `ExpressionError` for what is no expression."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            line, column = error.lineno or 1, max(1, error.offset or 1)
            raise self._at(line, column, error.msg, self._mend()) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise ExpressionError(
                f"the where= expression {self.text[:60]!r} cannot be read "
                f"({error or type(error).__name__}); write it in a simpler way"
            ) from None

    def error(self, node: ast.expr, reason: str, mend: str) -> ExpressionError:
        """The error for a node of the tree."""
        line = self.text.split("\n")[node.lineno - 1]
        column = len(line.encode()[: node.col_offset].decode(errors="replace")) + 1
        return self._at(node.lineno, column, reason, mend)

    def _mend(self) -> str:
        found = (mend for pattern, mend in _INSTEAD if re.search(pattern, self.text))
        return next(found, "write fields, comparisons, and, or, not; texts in quotes")

    def _at(self, line: int, column: int, reason: str, mend: str) -> ExpressionError:
        lines = self.text.split("\n")
        shown = lines[min(line, len(lines)) - 1].replace("\t", " ")
        caret = " " * min(column - 1, len(shown)) + "^"
        row = f"line {line}, " if len(lines) > 1 else ""
        return ExpressionError(
            f"where= expression, {row}column {column}: {reason}; {mend}\n    {shown}\n    {caret}"
        )
