"""Restoring: envelopes from what a journal keeps."""

from __future__ import annotations

import json
from typing import Any

from hookbus.contracts import StoredEvent
from hookbus.envelope import Envelope, Origin
from hookbus.errors import EventDecodeError
from hookbus.events import EventRegistry


class RestoredEnvelope(Envelope):
    """An envelope of whatever run: what it leads to names its whole id as the cause."""

    __slots__ = ("_stand_in",)

    _stand_in: Envelope

    def in_hand(self) -> Envelope:
        """A stand-in with the whole id: a sequence means nothing in another run."""
        try:
            return self._stand_in
        except AttributeError:
            whole_id: Any = self.id
            self._stand_in = Envelope(
                self.event,
                whole_id,
                self.time_ns,
                self._origin,
                self._correlation,
                self._causation,
                self.depth,
            )
            return self._stand_in


def restore(stored: StoredEvent, registry: EventRegistry) -> Envelope:
    """The envelope as it was published, with its id, time and causality.

    Raises `UnknownEventType` where no plugin declares its type any more, and `EventDecodeError`
    where its data does not fit the type.
    """
    try:
        data = json.loads(stored.data)
    except ValueError as error:
        raise EventDecodeError(f"event {stored.run}-{stored.sequence}: {error}") from None
    return RestoredEnvelope(
        registry.decode(stored.type, data, stored.version),
        stored.sequence,
        stored.time_ns,
        Origin(stored.run, stored.source),
        stored.correlation_id,
        stored.causation_id,
        stored.depth,
    )
