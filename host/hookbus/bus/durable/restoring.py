"""Restoring: envelopes from what a journal keeps."""

from __future__ import annotations

import json
from typing import Any

from hookbus.cloudevents import careful_text, format_time
from hookbus.contracts import StoredEvent
from hookbus.envelope import Envelope, Origin
from hookbus.errors import EventDecodeError
from hookbus.events import EventRegistry


def restore(stored: StoredEvent, registry: EventRegistry) -> Envelope:
    """The envelope as it was published, with its id, time and causality.

    Raises `UnknownEventType` where no plugin declares its type any more, and `EventDecodeError`
    where its data does not fit the type.
    """
    try:
        data = json.loads(stored.data)
    except ValueError as error:
        raise EventDecodeError(f"event {stored.run}-{stored.sequence}: {error}") from None
    return Envelope(
        registry.decode(stored.type, data, stored.version),
        stored.sequence,
        stored.time_ns,
        Origin(stored.run, stored.source),
        stored.correlation_id,
        stored.causation_id,
        stored.depth,
    )


def cloudevent_of(stored: StoredEvent) -> str:
    """The event as CloudEvents 1.0 JSON, whether or not its type is known."""
    try:
        data = json.loads(stored.data)
    except ValueError:
        data = {"text": stored.data}
    record: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{stored.run}-{stored.sequence}",
        "source": f"/hookbus/{stored.source}",
        "type": stored.type,
        "time": format_time(stored.time_ns),
        "datacontenttype": "application/json",
        "dataversion": stored.version,
        "sequence": stored.sequence,
        "correlationid": stored.correlation_id,
    }
    if stored.causation_id is not None:
        record["causationid"] = stored.causation_id
    if stored.key is not None:
        record["subject"] = stored.key
    record["data"] = data
    return careful_text(record)
