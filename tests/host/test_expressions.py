"""The language of `where=` expressions: what it means, what it refuses and what it says then."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
from hookbus.errors import ExpressionError, UsageError
from hookbus.events import Event
from hookbus.expressions.expression import MAX_LENGTH, compile_expression
from pydantic import BaseModel, ConfigDict, Field, computed_field


class Side(StrEnum):
    """A side of the market, as text."""

    BUY = "buy"
    SELL = "sell"


class Colour(Enum):
    """An Enum that equals none of its values."""

    RED = "red"
    BLUE = "blue"


class Order(BaseModel):
    """A nested model."""

    side: Side
    price: Decimal
    parent: Order | None = None


class Limit(BaseModel):
    """Another model that may stand in the same place as an order."""

    model_config = ConfigDict(extra="allow")

    ceiling: float


class SignalGiven(Event, type="test.signal-given"):
    """An event with a field of every kind."""

    symbol: str = "BTC"
    strength: Annotated[float, Field(ge=-1)] = 0.7
    count: int = 3
    closed: bool = True
    note: str | None = None
    target: float | None = None
    tags: tuple[str, ...] = ("fast", "new")
    seen: frozenset[int] = frozenset({1, 2})
    limits: dict[str, float] = Field(default={"BTC": 2.0, "ETH": 5.0})
    order: Order = Order(side=Side.BUY, price=Decimal("3.5"))
    either: Order | Limit = Limit(ceiling=2.0)
    colour: Colour = Colour.RED
    mode: Literal["live", "paper"] = "paper"
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    end: datetime = datetime(2026, 1, 2, tzinfo=UTC)
    wait: timedelta = timedelta(hours=1)
    payload: Any = None

    @computed_field
    def score(self) -> float:
        """A field that is calculated."""
        return self.strength * self.count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("strength > 0.5 and symbol == 'BTC'", True),
        ("strength > 0.5 and symbol == 'ETH'", False),
        ("symbol != 'ETH' or strength > 5", True),
        ("not closed", False),
        ("closed", True),
        ("0 < strength <= 0.7 < count", True),
        ("symbol in ['BTC', 'ETH']", True),
        ("symbol not in ('BTC', 'ETH')", False),
        ("symbol in {'ETH'}", False),
        ("count in (-3, 3)", True),
        ("symbol in 'BTC ETH'", True),
        ("'fast' in tags and 'slow' not in tags", True),
        ("2 in seen and 'ETH' in limits", True),
        ("note is None and target is None", True),
        ("note is not None", False),
        ("note == None and note != 'x'", True),
        ("note is not None and note < 'b'", False),
        ("(strength + 1) * 2 - count / 4 > 2.6", True),
        ("count % 2 == 1", True),
        ("-strength < 0", True),
        ("abs(-strength) == strength", True),
        ("min(strength, 1, count) == strength and max(limits['BTC'], count) == 3", True),
        ("max(tags) == 'new' and len(tags) == 2 and len(symbol) == 3", True),
        ("lower(symbol) == 'btc' and upper(lower(symbol)) == symbol", True),
        ("startswith(symbol, 'B') and endswith(symbol, 'C')", True),
        ("order.side == 'buy' and order.price > 3 and order.price < 3.6", True),
        ("order.price / 2 + count > 4", True),
        ("order.parent is None or order.parent.side == 'sell'", True),
        ("either.ceiling == 2", True),
        ("tags[0] == 'fast' and tags[-1] == 'new' and symbol[0] == 'B'", True),
        ("limits['ETH'] > limits['BTC']", True),
        ("colour.name == 'RED' and colour.value == 'red'", True),
        ("mode == 'paper' and mode in ('live', 'paper')", True),
        ("end - start > wait and start + wait < end and wait * 2 != wait", True),
        ("payload is None", True),
        ("score > 2", True),
        ("(symbol ==\n 'BTC')", True),
        ("  symbol == 'BTC'  # only this one", True),
        ("True", True),
    ],
)
def test_accepted_expressions_mean_what_they_say(text: str, expected: bool) -> None:
    """Everything that the language offers gives the value that Python would give."""
    assert compile_expression(text, SignalGiven)(SignalGiven()) is expected
    assert compile_expression(text, None)(SignalGiven()) is expected


@pytest.mark.parametrize(
    ("text", "column", "reason", "mend"),
    [
        ("symbl == 'BTC'", 1, "SignalGiven has no field 'symbl'", "did you mean 'symbol'?"),
        ("closed and strenght > 1", 12, "no field 'strenght'", "did you mean 'strength'?"),
        ("order.sid == 'buy'", 7, "Order has no field 'sid'", "did you mean 'side'?"),
        ("order.parent.prise > 1", 14, "Order has no field 'prise'", "did you mean 'price'?"),
        ("symbol.name == 'x'", 8, "text has no field 'name'", "it has no fields"),
        ("colour.nmae == 'RED'", 8, "Colour has no field 'nmae'", "did you mean 'name'?"),
        ("closed == true", 11, "no field 'true'", "did you mean 'True'?"),
        ("zzz", 1, "no field 'zzz'", "its fields are symbol, strength"),
        ("len > 2", 1, "'len' is a function", "write len(...)"),
        ("symbol > 5", 1, "> does not compare text with a whole number", "quotes"),
        ("0 < count < symbol", 5, "< does not compare a whole number with text", "quotes"),
        ("target < None", 1, "< does not compare", "write 'is None'"),
        ("start > 5", 1, "a datetime with a whole number", "values of one kind"),
        ("symbol == 5", 1, "text never equals a whole number", "quotes"),
        ("colour == 'red'", 1, "an Enum never equals text", "compare its .value"),
        ("order.side == 'bye'", 1, "never equal", "did you mean 'buy'?"),
        ("mode in ('live', 'demo')", 18, "never equal", "one of 'live', 'paper'"),
        ("symbol in ('BTC', 5)", 19, "text never equals a whole number", "quotes"),
        ("5 in tags", 1, "a whole number never equals text", "quotes"),
        ("5 in symbol", 1, "a whole number is never in a text", "look for a text"),
        ("symbol in strength", 11, "nothing is in a number", "a list of values"),
        ("symbol * 3 == 'x'", 1, "* does not take text and a whole number", "numbers"),
        ("'%99d' % count == 'x'", 1, "% does not take text", "numbers"),
        ("order.price * 0.5 > 1", 1, "a Decimal and a number", "x / 2 for x * 0.5"),
        ("-symbol == 'x'", 1, "text has no negative", "number"),
        ("strength[0] > 1", 1, "a number has no item [0]", "the field itself"),
        ("tags['a'] == 'x'", 1, "a sequence has no item ['a']", "the field itself"),
        ("tags[count] == 'x'", 6, "an item is named by a constant", "write x[0]"),
        ("tags[0:1] == 'x'", 1, "a slice is not allowed", "startswith"),
        ("lower(strength) == 'x'", 1, "lower() does not take a number", "write lower(text)"),
        ("len(count) == 1", 1, "len() does not take a whole number", "len(text or sequence)"),
        ("min(count, symbol) == 1", 1, "min() does not take", "min(x, y, ...)"),
        ("max(count) == 1", 1, "max() does not take a whole number", "max(sequence)"),
        ("abs(symbol) == 1", 1, "abs() does not take text", "abs(number)"),
        ("startswith(symbol)", 1, "startswith() has the wrong values", "startswith(text, 'start')"),
        ("min(tags, key=len) == 'x'", 1, "min() has the wrong values", "min(x, y, ...)"),
        ("symbol.lower() == 'btc'", 1, "methods cannot be called", "lower(field, ...)"),
        ("lowr(symbol) == 'btc'", 1, "'lowr' is no function", "did you mean 'lower'?"),
        ("print(symbol)", 1, "'print' is no function", "the functions are abs"),
        ("tags[0](1)", 1, "this cannot be called", "the functions are abs"),
        ("count is 3", 10, "'is' compares a field with None only", "write =="),
        ("1 is None", 6, "'is' compares a field with None only", "write =="),
        ("count ** 2 > 4", 1, "** is not allowed", "write x * x"),
        ("count // 2 > 4", 1, "// is not allowed", "write x / y"),
        ("closed & closed", 1, "& is not allowed", "write 'and'"),
        ("closed | closed", 1, "| is not allowed", "write 'or'"),
        ("count << 9 > 1", 1, "LShift is not allowed", "fields, comparisons"),
        ("~count", 1, "~ is not allowed", "write 'not'"),
        ("+count", 1, "a leading + is not allowed", "leave it out"),
        ("1 if closed else 0", 1, "if ... else is not allowed", "'and' and 'or'"),
        ("symbol == f'{note}'", 11, "an f-string is not allowed", "a plain text"),
        ("(n := 1)", 2, ":= is not allowed", "write =="),
        ("lambda: 1", 1, "a lambda is not allowed", "a function"),
        ("[t for t in tags]", 1, "a comprehension is not allowed", "a function"),
        ("limits == {'BTC': 1}", 11, "a dictionary is not allowed", "a list"),
        ("tags == [*tags]", 10, "a list holds only constants", "texts and numbers"),
        ("tags == [['a']]", 10, "a list holds only constants", "texts and numbers"),
        ("symbol == b'BTC'", 11, "a constant of type bytes", "write a text"),
        ("count == 1j", 10, "a constant of type complex", "write a text"),
        ("payload == ...", 12, "a constant of type ellipsis", "write a text"),
        ("_secret == 1", 1, "'_secret' is private", "without an underscore"),
        ("payload.__class__ == 1", 9, "'__class__' is private", "without an underscore"),
        ("(count + 1).real == 1", 2, "only fields have fields and items", "name"),
        ("symbol = 'BTC'", 8, "invalid syntax", "write =="),
        ("closed && closed", 9, "invalid syntax", "write 'and'"),
        ("closed || closed", 9, "invalid syntax", "write 'or'"),
        ("symbol == 'BTC", 11, "unterminated string literal", "texts in quotes"),
        ("symbol == '\\d'", 11, "invalid escape sequence", "two backslashes"),
        ("(symbol ==\n  stength)", 3, "line 2", "did you mean 'strength'?"),
        ("'ä' == symbol and z > 1", 19, "no field 'z'", "its fields are"),
    ],
)
def test_refused_expressions_say_where_why_and_what_to_write(
    text: str, column: int, reason: str, mend: str
) -> None:
    """What the language does not offer is refused at its place, with the mend."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, SignalGiven)
    message, _, caret = str(caught.value).split("\n")
    assert f"column {column}:" in message
    assert reason in message
    assert mend in message
    assert caret == " " * (4 + column - 1) + "^"


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_expression_says_how_to_get_everything(text: str) -> None:
    """An empty setting is a mistake that is pointed out, not a predicate that matches nothing."""
    with pytest.raises(ExpressionError, match="leave where= out"):
        compile_expression(text, SignalGiven)


def test_a_value_that_is_no_text_is_named() -> None:
    """A number from a settings file in place of the expression gives an error of ours."""
    with pytest.raises(ExpressionError, match="is a text, not int"):
        compile_expression(5, SignalGiven)  # type: ignore[arg-type]


def test_expression_errors_are_usage_errors() -> None:
    """The command line ends with the exit code for wrong usage."""
    assert issubclass(ExpressionError, UsageError)
    assert ExpressionError.exit_code == 2


def test_length_and_nesting_are_limited() -> None:
    """Neither a long nor a deep text can exhaust the parser or the stack."""
    with pytest.raises(ExpressionError, match=f"{MAX_LENGTH} are allowed"):
        compile_expression("count == 1 or " * 100 + "closed", SignalGiven)
    for deep in ("not " * 200 + "closed", "(" * 190 + "1" + ")" * 190 + " + 1" * 60):
        with pytest.raises(ExpressionError, match="nested too deeply"):
            compile_expression(deep, SignalGiven)
    with pytest.raises(ExpressionError):
        compile_expression("(" * 999, SignalGiven)


@pytest.mark.parametrize("text", ["payload * 1000000000 == 1", "payload % 1000000000 == 1"])
@pytest.mark.parametrize("payload", ["%999999999d", "a", [0], (0,), b"a"])
def test_no_text_or_list_is_blown_up_while_running(text: str, payload: object) -> None:
    """Where nothing is known of a field, repeating and formatting it is refused when it runs."""
    with pytest.raises(TypeError, match="needs a number on either side"):
        compile_expression(text, SignalGiven)(SignalGiven(payload=payload))


def test_numbers_of_unknown_fields_are_multiplied() -> None:
    """The guard lets every sort of number through."""
    for payload in (2, 2.0, Decimal(2), True + True):
        assert compile_expression("payload * 2 == 4 and payload % 2 == 0", None)(
            SimpleNamespace(payload=payload)
        )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("target > 1", TypeError),
        ("target + 1 > 1", TypeError),
        ("lower(note) == 'x'", TypeError),
        ("order.parent.price > 1", AttributeError),
        ("limits['DOGE'] > 1", KeyError),
        ("tags[5] == 'x'", IndexError),
        ("count / (count - 3) > 1", ZeroDivisionError),
    ],
)
def test_missing_values_raise_to_the_caller(text: str, error: type[Exception]) -> None:
    """None in an order or a calculation, or a missing item, is an error that can be counted."""
    with pytest.raises(error):
        compile_expression(text, SignalGiven)(SignalGiven())


def test_an_event_without_the_field_raises_when_there_was_no_model() -> None:
    """A pattern may match events that lack the field; that is no silent no."""
    predicate = compile_expression("price > 1", None)
    assert predicate(SimpleNamespace(price=2)) is True
    with pytest.raises(AttributeError, match="price"):
        predicate(SignalGiven())


def test_a_model_that_takes_extra_fields_is_not_asked_for_their_names() -> None:
    """With extra='allow' a name unknown to the model may exist, so it is looked up at run time."""
    assert compile_expression("floor == 1", Limit)(Limit.model_validate({"ceiling": 2, "floor": 1}))


def test_the_result_is_always_a_bool() -> None:
    """A field alone is taken for its truth, and callers may count with the answer."""
    assert compile_expression("note or symbol", SignalGiven)(SignalGiven()) is True
    assert compile_expression("note", SignalGiven)(SignalGiven()) is False


def test_equal_texts_give_interchangeable_functions() -> None:
    """A caller may keep one function per text and model."""
    first, second = (compile_expression("count == 3", SignalGiven) for _ in range(2))
    assert first(SignalGiven()) is second(SignalGiven()) is True
    assert first.__code__.co_code == second.__code__.co_code


def test_an_error_while_running_names_the_expression() -> None:
    """A traceback shows which of many predicates failed."""
    with pytest.raises(TypeError) as caught:
        compile_expression("target > 1", SignalGiven)(SignalGiven())
    assert caught.traceback[-1].frame.code.raw.co_filename == "<where 'target > 1'>"


def test_optimised_python_runs_the_same_checks() -> None:
    """`python -OO` strips asserts and docstrings, and must strip no check."""
    code = (
        "from hookbus.expressions.expression import compile_expression as c\n"
        "from hookbus.errors import ExpressionError\n"
        "try: c('x.__class__', None)\n"
        "except ExpressionError: print('refused')\n"
    )
    run = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, check=True)
    assert run.stdout.strip() == b"refused"
