"""Rows: how an envelope is kept, and how it comes back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

from hookbus import Envelope, Event, JournalError, PayloadTooLarge, StoredEvent

COLUMNS: Final = 15
"""The columns of the table `events`."""

SELECT: Final = """
SELECT position, runs.name, sequence, types.name, version, sources.name, time_ns, key,
       correlations.name || '-' || correlation, causations.name || '-' || causation, depth, data
FROM events
JOIN runs ON runs.id = run JOIN types ON types.id = type JOIN sources ON sources.id = source
JOIN runs AS correlations ON correlations.id = correlation_run
LEFT JOIN runs AS causations ON causations.id = causation_run
"""
"""The stored events; a WHERE clause may follow."""

_DATA: Final = ',"data":'
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def stored(row: tuple[Any, ...]) -> StoredEvent:
    """The event in a row of `SELECT`."""
    return StoredEvent(*row)


def split_id(event_id: str) -> tuple[str, int]:
    """The run and the sequence that make an event's id."""
    run, _, sequence = event_id.rpartition("-")
    return run, int(sequence)


def data_of(envelope: Envelope) -> str:
    """The event's fields as JSON, the same text as in its CloudEvents form.

    Raises `JournalError` for what no JSON can express.
    """
    text = envelope.to_json()
    start = text.index(_DATA)
    if '"dataerror":' in text[:start]:
        reason = json.loads(text)["dataerror"]
        raise JournalError(f"{envelope.type} cannot be written as JSON: {reason}")
    return text[start + len(_DATA) : -1]


def size_of(data: str) -> int:
    """How many bytes a text takes."""
    return len(data) if data.isascii() else len(data.encode())


def limited_data_of(envelope: Envelope, limit: int) -> str:
    """As `data_of`; raises `PayloadTooLarge` above `limit` bytes."""
    data = data_of(envelope)
    size = size_of(data)
    if size > limit:
        raise PayloadTooLarge(
            f"{envelope.type} takes {size:,} bytes as JSON, and the journal takes {limit:,}; raise "
            "[plugins.journal] payload_limit, or put what is large into a file and its name here"
        )
    return data


def version_of(event: Event) -> int:
    """The schema version of an event's class."""
    declared = type(event).__event__
    return 1 if declared is None else declared.version


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
