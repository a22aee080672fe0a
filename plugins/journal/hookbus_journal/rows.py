"""Rows: how an envelope is kept, and how it comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hookbus import Envelope, Event, JournalError, StoredEvent

COLUMNS: Final = 15
"""The columns of the table `events`."""

SELECT: Final = """
SELECT position, runs.name, sequence, types.name, version, sources.name, time_ns, key,
       correlations.name || '-' || correlation, causations.name || '-' || causation, depth, data
FROM events
CROSS JOIN runs ON runs.id = run CROSS JOIN types ON types.id = type
CROSS JOIN sources ON sources.id = source
CROSS JOIN runs AS correlations ON correlations.id = correlation_run
LEFT JOIN runs AS causations ON causations.id = causation_run
"""
"""The stored events; a WHERE clause may follow."""

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Form:
    """What the rows of all events of one class have in common; `write` makes JSON of an event."""

    type: int
    version: int
    key: str | None
    write: Callable[[Event], bytes]


def form_of(cls: type[Event], number: int) -> Form:
    """The form of a class whose type has some number; it must not be an abstract base."""
    declared = cls.__event__
    if declared is None:
        raise JournalError(f"{cls.__qualname__} is an abstract base and has no wire name")
    return Form(number, declared.version, declared.key, cls.__pydantic_serializer__.to_json)


def data_of(envelope: Envelope, form: Form) -> str:
    """The event's fields as JSON; raises `JournalError` for what no JSON can express."""
    try:
        return form.write(envelope.event).decode()
    except Exception:  # noqa: BLE001 - serializers belong to the event's author
        return _careful_data_of(envelope)


def _careful_data_of(envelope: Envelope) -> str:
    """The same for texts that are no Unicode, which JSON can express as escapes."""
    record = json.loads(envelope.to_json())
    if "dataerror" in record:
        raise JournalError(f"{envelope.type} cannot be written as JSON: {record['dataerror']}")
    return json.dumps(record["data"], separators=(",", ":"))


def size_of(data: str) -> int:
    """How many bytes a text takes."""
    return len(data) if data.isascii() else len(data.encode())


def stored(row: tuple[Any, ...]) -> StoredEvent:
    """The event in a row of `SELECT`."""
    return StoredEvent(*row)


def split_id(event_id: str) -> tuple[str, int]:
    """The run and the sequence that make an event's id."""
    run, _, sequence = event_id.rpartition("-")
    return run, int(sequence)


def from_cloudevent(text: str, position: int) -> StoredEvent:
    """The event of a dead letter, which may be kept no longer in the table `events`."""
    record = json.loads(text)
    run, sequence = split_id(record["id"])
    return StoredEvent(
        position=position,
        run=run,
        sequence=sequence,
        type=record["type"],
        version=record["dataversion"],
        source=record["source"].removeprefix("/hookbus/"),
        time_ns=time_of(record["time"]),
        key=record.get("subject"),
        correlation_id=record["correlationid"],
        causation_id=record.get("causationid"),
        depth=0,
        data=json.dumps(record["data"], separators=(",", ":"), ensure_ascii=False),
    )


def time_of(text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time in UTC, to the nanosecond."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    since = datetime.fromisoformat(f"{seconds}+00:00") - _EPOCH
    return since // timedelta(seconds=1) * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)
