"""Restoring: envelopes from what a journal keeps."""

from __future__ import annotations

import json

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
