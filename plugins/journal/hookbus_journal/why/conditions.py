"""Conditions of subscriptions, tried on events as the journal has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from hookbus import ExpressionError, StoredEvent, compile_expression

from hookbus_journal.why.reader import fields_of

__all__ = ["held_back"]


class _Fields(dict[str, Any]):
    """An object of JSON whose items are attributes, too, as in an event."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def held_back(condition: str, events: Iterable[StoredEvent]) -> list[StoredEvent] | None:
    """The events that a condition does not let through.

    None where that cannot be told: it is a function, or the fields as they are stored do not
    decide. Decimals are stored as text, so fields are tried as text and as numbers, and the two
    must not contradict one another.
    """
    try:
        holds = compile_expression(condition, None)
    except ExpressionError:
        return None
    answers = [(event, _answers(holds, event)) for event in events]
    if any(len(found) != 1 for _, found in answers):
        return None
    return [event for event, found in answers if found == {False}]


def _answers(holds: Callable[[object], bool], event: StoredEvent) -> set[bool]:
    answers = set()
    for convert in (lambda text: text, _number):
        try:
            answers.add(holds(_object(fields_of(event), convert)))
        except (TypeError, AttributeError, LookupError, ArithmeticError, ValueError):
            continue
    return answers


def _object(value: Any, convert: Callable[[str], Any]) -> Any:
    if isinstance(value, dict):
        return _Fields((name, _object(one, convert)) for name, one in value.items())
    if isinstance(value, list):
        return [_object(one, convert) for one in value]
    return convert(value) if isinstance(value, str) else value


def _number(text: str) -> Any:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
