"""Mistakes in settings, in plain language: what is wrong, where, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hookbus.settings.secrets import HIDDEN, holds_secret, redact, secret_texts

Place = tuple[str | int, ...]
"""The way to a value: keys of tables and positions in lists."""

_DATE_AND_TIME: Final = "must be a date and time such as 2024-01-31T09:30:00Z"
_PLAIN: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such setting",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text, in quotes",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "list_type": "must be a list, in square brackets",
    "tuple_type": "must be a list, in square brackets",
    "set_type": "must be a list, in square brackets",
    "frozen_set_type": "must be a list, in square brackets",
    "too_short": "must have a length of at least {min_length}",
    "too_long": "must have a length of at most {max_length}",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "path_type": "must be a path, in quotes",
    "datetime_type": _DATE_AND_TIME,
    "datetime_parsing": _DATE_AND_TIME,
    "datetime_from_date_parsing": _DATE_AND_TIME,
    "timezone_naive": "must not have a time zone",
    "timezone_aware": "must have a time zone, such as the Z in 2024-01-31T09:30:00Z",
    "date_type": "must be a date such as 2024-01-31",
    "date_parsing": "must be a date such as 2024-01-31",
    "date_from_datetime_parsing": "must be a date such as 2024-01-31",
    "value_error": "{error}",
    "assertion_error": "{error}",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with the data for a model; `value` is hidden where it may be a secret."""

    place: Place
    value: Any
    reason: str
    mend: str


class MistakesFound(Exception):  # noqa: N818 - never seen outside: it becomes a public error
    """Data does not fit its model; `mistakes` holds every reason."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(mistake.reason for mistake in mistakes))


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The one of `words` that was most probably meant by `word`, or None."""
    known = sorted(words)
    folded = {name.lower().replace("-", "_"): name for name in known}
    near = difflib.get_close_matches(word.lower().replace("-", "_"), folded, n=1)
    return folded[near[0]] if near else None


def suggest(word: str, words: Iterable[str], otherwise: str) -> str:
    """A sentence with the word that was probably meant, or `otherwise`."""
    near = nearest(word, words)
    return f"Did you mean {near!r}?" if near else otherwise


def explain(
    model: type[BaseModel], data: Any, error: ValidationError, also: Iterable[str] = ()
) -> list[Mistake]:
    """Turn what pydantic says of `data` into one mistake for each place, secrets hidden.

    `also` are keys that are allowed beside those of the model, for suggestions.
    """
    found: dict[Place, list[Mistake]] = {}
    for detail in error.errors(include_url=False):
        place = _place(data, detail)
        beside = tuple(also) if len(place) == 1 else ()
        found.setdefault(place, []).append(_mistake(model, data, place, detail, beside))
    secrets = secret_texts(model, data)
    return [_joined(mistakes, secrets) for mistakes in found.values()]


def _joined(mistakes: list[Mistake], secrets: tuple[str, ...]) -> Mistake:
    """One mistake out of those that the members of a union found in the same place."""
    first = mistakes[0]
    reason = ", or ".join(dict.fromkeys(mistake.reason for mistake in mistakes))
    return Mistake(first.place, first.value, redact(reason, secrets), redact(first.mend, secrets))


def _place(data: Any, detail: ErrorDetails) -> Place:
    """The part of pydantic's location that is in the data: it also names members of unions."""
    place: Place = ()
    for key in detail["loc"]:
        absent = object()
        below = _item(data, key, absent)
        if below is absent:
            return (*place, key) if detail["type"] == "missing" else place
        place, data = (*place, key), below
    return place


def _item(data: Any, key: str | int, default: Any) -> Any:
    if isinstance(data, Mapping):
        return data.get(key, default)
    if isinstance(data, list | tuple) and isinstance(key, int) and key < len(data):
        return data[key]
    return default


def _mistake(
    model: type[BaseModel], data: Any, place: Place, detail: ErrorDetails, also: tuple[str, ...]
) -> Mistake:
    table, field = _owner(model, place)
    reason = _reason(detail)
    if detail["type"] == "extra_forbidden":
        # An unknown key may be a misspelt secret, so its value is not shown.
        return Mistake(place, None, reason, _unknown_key(str(place[-1]), table, also))
    if detail["type"] == "missing" or not place:
        return Mistake(place, None, reason, _advice(place, field, "Set"))
    value = HIDDEN if field is None or holds_secret(field.annotation) else _shown(data, place)
    return Mistake(place, value, reason, _advice(place, field, "Change", detail, value))


def _owner(model: type[BaseModel], place: Place) -> tuple[type[BaseModel], FieldInfo | None]:
    """The innermost model on the way to `place`, and the field of it that leads there."""
    field = None
    inside: type[BaseModel] | None = model
    for key in place:
        if isinstance(key, int) and field is not None:
            continue
        if inside is None:
            break
        model, field = inside, _field(inside, key)
        inside = _only_model(field.annotation) if field else None
    return model, field


def _only_model(annotation: Any) -> type[BaseModel] | None:
    """The one model in an annotation such as `Limits | None` or `tuple[Limits, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return None
    models = {model for part in get_args(annotation) if (model := _only_model(part))}
    return models.pop() if len(models) == 1 else None


def _field(model: type[BaseModel], key: str | int) -> FieldInfo | None:
    for name, info in model.model_fields.items():
        if key in (name, info.alias):
            return info
    return None


def _shown(data: Any, place: Place) -> Any:
    for key in place:
        data = _item(data, key, None)
    return data


def _reason(detail: ErrorDetails) -> str:
    plain = _PLAIN.get(detail["type"])
    if plain is not None:
        limits = {name: _number(value) for name, value in detail.get("ctx", {}).items()}
        return plain.format(**limits).rstrip(".")
    message = detail["msg"].replace("Input should", "must").rstrip(".")
    return message[:1].lower() + message[1:]


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unknown_key(key: str, model: type[BaseModel], also: tuple[str, ...]) -> str:
    known = sorted({info.alias or name for name, info in model.model_fields.items()} | set(also))
    listed = f"Known here: {', '.join(known)}." if known else "Remove it."
    return suggest(key, known, listed)


def _advice(
    place: Place,
    field: FieldInfo | None,
    verb: str,
    detail: ErrorDetails | None = None,
    value: Any = None,
) -> str:
    if not place:
        return "Change one of the settings it speaks of."
    expected = str(detail.get("ctx", {}).get("expected", "")) if detail else ""
    choices = [part.strip("'") for part in expected.replace(" or ", ", ").split(", ")]
    if isinstance(value, str) and value != HIDDEN and nearest(value, choices):
        return suggest(value, choices, "")
    meaning = f": {field.description.rstrip('.')}" if field and field.description else ""
    return f"{verb} {place[-1]!r}{meaning}."
