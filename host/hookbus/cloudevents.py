"""CloudEvents: the text form of envelopes, the same bytes for the same envelope.

Most events take the short way: pydantic writes their data straight to JSON. What could come out
differently there than from Python's `json`, which settles the form, takes the careful way.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from hookbus.events import Event, event_type

_EPOCH = date(1970, 1, 1)
_TWO_DIGITS = tuple(f"{number:02d}" for number in range(60))
_CLOCK = tuple(f"{hour:02d}:{minute}" for hour in range(24) for minute in _TWO_DIGITS)

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_anything = json.JSONEncoder(separators=(",", ":")).encode

quoted: Callable[[str], str] = _encode
"""A text as JSON, with its quotes."""

_STRAIGHT: Final = frozenset(
    (
        *(
            "bool",
            "date",
            "datetime",
            "decimal",
            "float",
            "int",
            "none",
            "str",
            "time",
            "timedelta",
        ),
        *("default", "dict", "list", "literal", "nullable", "tuple", "union"),
        *("function-after", "function-before", "model", "model-field", "model-fields", "no-info"),
    )
)
"""Kinds of core schema that pydantic and `json` write alike, small floats excepted."""

_SMALL_FLOAT = re.compile(rb"[:,\[-]0\.0000|\de-\d(?!\d)")
"""Floats of which pydantic writes the exponent in another way than Python."""


@dataclass(frozen=True, slots=True)
class TextForm:
    """What the text of all events of one class has in common.

    `write` turns an event into the JSON of its data; None where only the careful way will do.
    """

    name: str
    version: int
    key: str | None
    write: Callable[[Event], bytes] | None


@lru_cache(maxsize=1024)
def text_form(cls: type[Event]) -> TextForm:
    """The text form of an event class; raises `UsageError` for an abstract base."""
    declared = event_type(cls)
    write = cls.__pydantic_serializer__.to_json if _is_straight(cls) else None
    return TextForm(declared.name, declared.version, declared.key, write)


def _is_straight(cls: type[Event]) -> bool:
    kinds = list(_kinds(cls.__pydantic_core_schema__))
    return (
        cls.model_dump is Event.model_dump
        and cls.model_config.get("ser_json_inf_nan") == "strings"
        and kinds.count("model") == 1
        and _STRAIGHT.issuperset(kinds)
    )


def _kinds(part: Any) -> Iterator[str]:
    """The kinds of core schema in `part`; what is serialised in another way has a kind for that."""
    inner: Iterable[Any] = part if isinstance(part, list | tuple) else ()
    if isinstance(part, dict):
        inner = part.values()
        if isinstance(part.get("type"), str):
            yield _kind(part)
            inner = [value for name, value in part.items() if name not in ("type", "metadata")]
    for item in inner:
        yield from _kinds(item)


def _kind(schema: dict[str, Any]) -> str:
    if "serialization" in schema:
        return "serialised by a function"
    if schema["type"] == "dict" and schema.get("keys_schema", {}).get("type") != "str":
        return "dict of other keys"
    return str(schema["type"])


def data_text(event: Event, write: Callable[[Event], bytes]) -> str | None:
    """The JSON of an event's data; None where only the careful way will do."""
    try:
        data = write(event)
    except Exception:  # noqa: BLE001 - the careful way says what is wrong
        return None
    if (b"0.0000" in data or b"e-" in data) and _SMALL_FLOAT.search(data):
        return None
    return data.decode()


def careful_text(record: dict[str, Any]) -> str:
    """One line of JSON for any record that is JSON-like but for its floats and surrogates."""
    try:
        text = _encode(record)
    except ValueError:
        record = _finite(record)
        text = _encode(record)
    return text if is_utf8(text) else _encode_anything(record)


def is_utf8(text: str) -> bool:
    """Whether `text` can be written to a file: not where it has a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def format_time(time_ns: int) -> str:
    """RFC 3339 text of a time in nanoseconds since 1970, to the nanosecond where it matters."""
    seconds, fraction = divmod(time_ns, 1_000_000_000)
    days, seconds = divmod(seconds, 86_400)
    minutes, seconds = divmod(seconds, 60)
    text = f"{_date(days)}T{_CLOCK[minutes]}:{_TWO_DIGITS[seconds]}"
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else f"{text}Z"


@lru_cache(maxsize=64)
def _date(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).isoformat()
