"""Random expressions: the accepted ones mean what Python means, the others do nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import pytest
from hookbus.errors import ExpressionError
from hookbus.expressions.expression import compile_expression
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel


class Inner(BaseModel):
    """A nested model."""

    size: float = 0.0
    label: str = ""


class Sample(BaseModel):
    """A model whose fields the random expressions use."""

    symbol: str = ""
    price: float = 0.0
    count: int = 0
    closed: bool = False
    target: float | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()
    levels: dict[str, float] = {}
    inner: Inner = Inner()


REFERENCE: dict[str, Any] = {
    "__builtins__": {},
    "abs": abs,
    "min": min,
    "max": max,
    "len": len,
    "lower": lambda text: str.lower(text),
    "upper": lambda text: str.upper(text),
    "startswith": lambda text, start: str.startswith(text, start),
    "endswith": lambda text, end: str.endswith(text, end),
}
"""What the functions of the language are in plain Python."""

NUMBER_FIELDS = ("price", "count", "target", "inner.size", "levels['a']")
TEXT_FIELDS = ("symbol", "note", "inner.label", "tags[0]", "symbol[-1]")

texts = st.text("abAB' \\", max_size=3)
floats = st.floats(allow_nan=False, width=16) | st.sampled_from([0.0, 1.0, -1.0])
samples = st.builds(
    Sample,
    symbol=texts,
    price=floats,
    count=st.integers(-3, 3),
    closed=st.booleans(),
    target=st.none() | floats,
    note=st.none() | texts,
    tags=st.lists(texts, max_size=2).map(tuple),
    levels=st.dictionaries(st.sampled_from("ab"), floats),
    inner=st.builds(Inner, size=floats, label=texts),
)


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    constant = st.integers(0, 9).map(str) | st.floats(0, 9).map(repr)
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner | constant),
        st.builds("({} {} {})".format, constant, st.sampled_from("+-*/%"), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner | constant),
        st.builds("{}({})".format, st.sampled_from(["-", "abs"]), inner),
        st.builds("len({})".format, st.sampled_from(["symbol", "tags", "levels", "note"])),
    )


def _texts(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(["lower", "upper"]), inner),
        st.builds("({} + {})".format, inner, inner | texts.map(repr)),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, texts.map(repr)),
    )


numbers = st.recursive(st.sampled_from(NUMBER_FIELDS), _numbers, max_leaves=4)
words = st.recursive(st.sampled_from(TEXT_FIELDS), _texts, max_leaves=3)
signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
lists = st.sampled_from(["[{}]", "({},)", "{{{}}}"])


def _listed(items: list[object]) -> str:
    return ", ".join(map(repr, items))


comparisons = st.one_of(
    st.builds("{} {} {}".format, numbers, signs, numbers | st.integers(-9, 9).map(str)),
    st.builds("{} {} {} {} {}".format, numbers, signs, numbers, signs, numbers),
    st.builds("{} {} {}".format, words, signs, words | texts.map(repr)),
    st.builds("{} {} {}".format, words, st.sampled_from(["in", "not in"]), words),
    st.builds("{} in tags".format, words),
    st.builds("{} not in levels".format, words),
    st.builds("{} is None".format, st.sampled_from(["note", "target", "inner", "levels['b']"])),
    st.builds("{} is not None".format, words.filter(lambda text: text.isidentifier())),
    st.builds("{}({}, {})".format, st.sampled_from(["startswith", "endswith"]), words, words),
    st.builds(
        lambda word, form, items: f"{word} in {form.format(_listed(items))}",
        words,
        lists,
        st.lists(texts, min_size=1, max_size=3),
    ),
    st.builds(
        lambda number, form, items: f"{number} not in {form.format(_listed(items))}",
        numbers,
        lists,
        st.lists(st.integers(-3, 3), min_size=1, max_size=3),
    ),
    st.just("closed"),
)
expressions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {} or {})".format, inner, inner, inner),
        st.builds("not ({})".format, inner),
        st.builds("({}) == ({})".format, inner, inner),
    ),
    max_leaves=5,
).filter(lambda text: len(text) < 900)


def _outcome(evaluate: Callable[[], object]) -> object:
    try:
        return bool(evaluate())
    except (TypeError, LookupError, ArithmeticError) as error:
        return type(error)


@settings(max_examples=400, deadline=None)
@given(expressions, samples)
def test_accepted_expressions_agree_with_python(text: str, sample: Sample) -> None:
    """Over the fields of an event, an expression has the value, or the error, Python gives it."""
    names = {name: getattr(sample, name) for name in Sample.model_fields}
    expected = _outcome(lambda: eval(text, dict(REFERENCE), names))
    assert _outcome(lambda: compile_expression(text, Sample)(sample)) == expected
    assert _outcome(lambda: compile_expression(text, None)(sample)) == expected


class Tripwire:
    """An event that notices what an expression does to it beyond reading plain fields."""

    def __init__(self) -> None:
        self.touched: list[str] = []

    def __getattr__(self, name: str) -> Tripwire:
        if name.startswith("_"):
            self.touched.append(name)
            raise AttributeError(name)
        return self

    def __call__(self, *_: object, **__: object) -> Tripwire:
        """Notice that something was called."""
        self.touched.append("call")
        return self

    def __getitem__(self, _: object) -> Tripwire:
        return self


WORDS = r"""
symbol price tags inner levels note event abs min len lower startswith times rest
__import__ __builtins__ __class__ __subclasses__ mro format format_map f_globals gi_frame
eval exec open print getattr globals os system _private
( ) ( ) [ ] { } . . , : := = == != < > <= >= + - * / % ** // @ & | ^ ~ << >> -> ! ; \
if else for in in not not is None True False and or lambda await yield async from import
def return del global class with as assert raise try match case type
'a' "b" '%999d' '{0.__class__}' f'{symbol}' f'{open(1)}' b'x' r'\' ''' 0 1 1.5 1e999 9j 0x1f
0777 1_000 ... # symbol=='a' ().__class__.__bases__[0] __import__('os').system('x') (lambda:0)()
{**levels} *tags price**price 'a'*999999999
"""
WIDE_LINE = chr(0xFF3F)
"""A character that Python's identifiers turn into an underscore."""

WIDE_CLASS = f"{WIDE_LINE * 2}class{WIDE_LINE * 2}"
ODD = ["\t", "\n", "\r", "\f", "\0", "\u2028", "\ud800", "ä", chr(0x1D42C), WIDE_CLASS]
TOKENS = st.sampled_from([*WORDS.split(), *ODD])
junk = st.one_of(
    st.lists(TOKENS, max_size=12).map(" ".join),
    st.lists(TOKENS, max_size=6).map("".join),
    st.text(max_size=60),
    st.builds(lambda token, times: token * times, TOKENS, st.integers(1, 1100)),
    st.builds(
        lambda a, b, n: a * n + b * n,
        st.sampled_from("([{-"),
        st.sampled_from(")]} 1"),
        st.integers(1, 400),
    ),
)


def _check_reach(function: Callable[[object], bool]) -> None:
    assert isinstance(function, FunctionType)
    names = function.__code__.co_names
    assert not [name for name in names if name.startswith("_")]
    assert not [item for item in function.__code__.co_consts if isinstance(item, CodeType)]
    assert function.__globals__["__builtins__"] == {}


@settings(max_examples=1500, deadline=None)
@given(junk, st.sampled_from([None, Sample]))
def test_junk_is_refused_or_harmless(text: str, model: type[BaseModel] | None) -> None:
    """No text makes the compiler raise anything but its own error, or the result do anything."""
    try:
        function = compile_expression(text, model)
    except ExpressionError:
        return
    _check_reach(function)
    event = Tripwire()
    _outcome(lambda: function(event))
    assert event.touched == []


ATTACKS = [
    "__import__('os').system('true')",
    "().__class__.__base__.__subclasses__()",
    "symbol.__class__",
    "symbol.format(1)",
    "'{0.__class__}'.format(symbol)",
    "f'{__import__(1)}'",
    "(lambda: 1)()",
    "[tag for tag in tags]",
    "{tag for tag in tags}",
    "{tag: 1 for tag in tags}",
    "any(tag for tag in tags)",
    "(x := 1)",
    f"symbol.{WIDE_CLASS}",
    "getattr(symbol, '__class__')",
    "min(tags, key=print)",
    "max(*tags)",
    "len(**levels)",
    "price ** 999999999",
    "'a' * 999999999 == symbol",
    "['a'] * 999999999 == tags",
    "('a' + 'b') * 99999999 == symbol",
    "lower('a') * 99999999 == symbol",
    "min('a', 'b') * 99999999 == symbol",
    "-('a' * 9) == symbol",
    "'%999999999d' % 1 == symbol",
    "1 << 999999999",
    "await symbol",
    "(yield)",
    "levels[price]",
    "levels[tags]",
    "tags[::2]",
    "1; 2",
    "import os",
    "symbol == 'a'\nprint(1)",
    "event.symbol == 'a'",
    "times(1, 2)",
    "abs",
    "*tags",
    "print",
    "9" * 900 + ".0j",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_known_ways_out_are_closed(text: str) -> None:
    """What breaks out of careless evaluators is refused before anything runs."""
    with pytest.raises(ExpressionError):
        compile_expression(text, Sample)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ATTACKS), st.sampled_from(["not ({})", "closed and ({})", "({}) == 1"]))
def test_ways_out_are_closed_inside_of_other_expressions(text: str, form: str) -> None:
    """No rule forgets to look at what is below it."""
    with pytest.raises(ExpressionError):
        compile_expression(form.format(text), Sample)
