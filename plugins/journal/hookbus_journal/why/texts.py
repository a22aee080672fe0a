"""How times, durations and events are written for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hookbus import StoredEvent

from hookbus_journal.why.reader import event_id, fields_of

__all__ = [
    "as_cloudevent",
    "duration",
    "in_short",
    "missing_cause",
    "moment",
    "named",
    "shortened",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"))
_WORDS = 60
_LINE = 110


def moment(time_ns: int) -> str:
    """A time in UTC, to the microsecond where it has any."""
    return (_EPOCH + timedelta(microseconds=time_ns // 1000)).isoformat().replace("+00:00", "Z")


def duration(time_ns: int) -> str:
    """A span of time in its largest unit, such as 1.5 h."""
    sign, time_ns = ("-", -time_ns) if time_ns < 0 else ("", time_ns)
    milliseconds = time_ns / 1_000_000
    for size, unit in _UNITS:
        if milliseconds >= size:
            return f"{sign}{milliseconds / size:.3g} {unit}"
    return f"{sign}{time_ns / 1000:.3g} us" if time_ns else "0 s"


def named(event: StoredEvent) -> str:
    """An event by type, key and id."""
    about = "" if event.key is None else f" of {event.key}"
    return f"{event.type}{about} ({event_id(event)})"


def missing_cause(id_: str) -> str:
    """What is said of a cause that the journal does not have."""
    return f"the first cause, {id_}, is not in the journal: it was pruned, or never recorded"


def in_short(event: StoredEvent, first: Sequence[str] = ()) -> str:
    """The most telling fields of an event in one line; those named `first` lead.

    What says nothing is left out: empty fields, the key, which stands beside it, and a time that is
    the event's own.
    """
    data = fields_of(event)
    told = {name: data[name] for name in (*first, *data) if name in data}
    words = [f"{name}={_word(value)}" for name, value in told.items() if _tells(event, value)]
    line = " ".join(words)
    return shortened(line, _LINE)


def _tells(event: StoredEvent, value: Any) -> bool:
    if value is None or value in ("", [], {}):
        return False
    return value not in (event.key, moment(event.time_ns))


def _word(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    plain = isinstance(value, str) and value and not any(char.isspace() for char in value)
    text = value if plain else json.dumps(value, ensure_ascii=False)
    return shortened(text, _WORDS)


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; dots stand for the rest."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def as_cloudevent(event: StoredEvent) -> Any:
    """An event as CloudEvents 1.0 in JSON-like form."""
    return json.loads(event.to_json())
