"""The envelope: an event with what the bus knows of it."""

from __future__ import annotations

import asyncio
from contextvars import Context, ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from threading import get_ident
from typing import Any

from hookbus.cloudevents import (
    careful_text,
    data_text,
    format_time,
    is_utf8,
    quoted,
    text_form,
)
from hookbus.events import Event, event_type

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Origin:
    """Who publishes, in which run: shared by all envelopes of one plugin."""

    __slots__ = ("quoted_run", "quoted_source", "run", "source")

    def __init__(self, run: str, source: str) -> None:
        self.run = run
        self.source = source
        self.quoted_run = quoted(run)[1:-1]
        self.quoted_source = quoted(source)[1:-1]


class Envelope:
    """One published event.

    `sequence` counts the events of a run from 1, `time_ns` is the publishing time in nanoseconds
    since 1970 (UTC), `depth` the length of the causal chain behind it. Text forms (`id`, `time`,
    JSON) are made when somebody asks, never while publishing.
    """

    __slots__ = ("_causation", "_correlation", "_origin", "depth", "event", "sequence", "time_ns")

    def __init__(
        self,
        event: Event,
        sequence: int,
        time_ns: int,
        origin: Origin,
        correlation: int | str,
        causation: int | str | None,
        depth: int,
    ) -> None:
        self.event = event
        self.sequence = sequence
        self.time_ns = time_ns
        self._origin = origin
        self._correlation = correlation
        self._causation = causation
        self.depth = depth

    @property
    def id(self) -> str:
        """Unique over all runs: the run and the sequence."""
        return self._id_of(self.sequence)

    @property
    def run(self) -> str:
        """The name of the run that it was published in."""
        return self._origin.run

    @property
    def type(self) -> str:
        """The wire name of the event."""
        return event_type(type(self.event)).name

    @property
    def key(self) -> str | None:
        """What the event is about; None where its type declares no key field, or that is None."""
        field = event_type(type(self.event)).key
        value = None if field is None else getattr(self.event, field)
        return None if value is None else str(value)

    @property
    def source(self) -> str:
        """The name of the plugin that published it."""
        return self._origin.source

    @property
    def time(self) -> datetime:
        """The publishing time, aware, in UTC, to the microsecond."""
        return _EPOCH + timedelta(microseconds=self.time_ns // 1000)

    @property
    def correlation_id(self) -> str:
        """The id of the first event of the causal chain."""
        return self._id_of(self._correlation)

    @property
    def causation_id(self) -> str | None:
        """The id of the event whose handler published this one, None for a root."""
        return None if self._causation is None else self._id_of(self._causation)

    @property
    def links(self) -> tuple[int | str, int | str | None]:
        """The first event of the chain and the cause, as the sequences of events of this run.

        An event of another run is named by its id.
        """
        return self._correlation, self._causation

    def _id_of(self, value: int | str) -> str:
        return value if isinstance(value, str) else f"{self._origin.run}-{value}"

    def to_cloudevent(self) -> dict[str, Any]:
        """The envelope as a CloudEvents 1.0 event in JSON-like form.

        Data that no JSON can express, such as an arbitrary object, appears as its `repr`, and
        `dataerror` says why.
        """
        declared = event_type(type(self.event))
        record: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "source": f"/hookbus/{self.source}",
            "type": declared.name,
            "time": format_time(self.time_ns),
            "datacontenttype": "application/json",
            "dataversion": declared.version,
            "sequence": self.sequence,
            "correlationid": self.correlation_id,
        }
        if self._causation is not None:
            record["causationid"] = self.causation_id
        if self.key is not None:
            record["subject"] = self.key
        try:
            record["data"] = self.event.model_dump(mode="json")
        except Exception as error:  # noqa: BLE001 - serializers belong to the event's author
            record["dataerror"] = " ".join(str(error).split())
            record["data"] = {"repr": repr(self.event)}
        return record

    def to_json(self) -> str:
        """One line of JSON, the same bytes for the same envelope.

        A float that JSON does not know is written as "NaN", "Infinity" or "-Infinity", which
        `Event.decode` reads.
        """
        return self._short_text() or careful_text(self.to_cloudevent())

    def _short_text(self) -> str | None:
        """The same text without a dictionary in between, where the event's class allows it."""
        form = text_form(type(self.event))
        data = None if form.write is None else data_text(self.event, form.write)
        if data is None:
            return None
        origin, causation = self._origin, self._causation
        run = origin.quoted_run
        key = None if form.key is None else getattr(self.event, form.key)
        cause = "" if causation is None else f',"causationid":{self._quoted_id(causation)}'
        subject = "" if key is None else f',"subject":{quoted(str(key))}'
        text = (
            f'{{"specversion":"1.0","id":"{run}-{self.sequence}"'
            f',"source":"/hookbus/{origin.quoted_source}","type":"{form.name}"'
            f',"time":"{format_time(self.time_ns)}","datacontenttype":"application/json"'
            f',"dataversion":{form.version},"sequence":{self.sequence}'
            f',"correlationid":{self._quoted_id(self._correlation)}{cause}{subject}'
            f',"data":{data}}}'
        )
        return text if text.isascii() or is_utf8(text) else None

    def _quoted_id(self, value: int | str) -> str:
        return quoted(value) if isinstance(value, str) else f'"{self._origin.quoted_run}-{value}"'

    def as_beginning(self) -> Envelope:
        """A stand-in whose effects count as the first of their causal chain."""
        return Envelope(
            self.event,
            self.sequence,
            self.time_ns,
            self._origin,
            self._correlation,
            self._causation,
            -1,
        )

    def in_hand(self) -> Envelope:
        """Itself: a context that holds an envelope is about this one."""
        return self

    def __repr__(self) -> str:
        return f"<Envelope {self.id} {self.type} from {self.source}>"


class Lagged:
    """Stands in a stream, or is handed to `on_lagged`, where events were overwritten unread."""

    __slots__ = ("missed",)

    def __init__(self, missed: int) -> None:
        self.missed = missed

    def __repr__(self) -> str:
        return f"Lagged({self.missed})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lagged) and other.missed == self.missed

    def __hash__(self) -> int:
        return hash((Lagged, self.missed))


class Handling:
    """What the task of a subscription has in hand, told without a context variable per event.

    Only that task, and a thread that it waits for, may read it: whatever else has inherited its
    context may run when another event has its turn.
    """

    __slots__ = ("current", "task")

    def __init__(self) -> None:
        self.current: Envelope | None = None
        self.task: asyncio.Task[Any] | None = None

    def in_hand(self) -> Envelope | None:
        """The envelope in hand, in the subscription's task or a thread that it waits for."""
        try:
            task = asyncio.current_task()
        except RuntimeError:
            return self.current
        return self.current if task is self.task else None


class Inlining(Handling):
    """What inline handlers have in hand: set for the length of a call, so only its thread may look.

    It stays in the context of a publisher, which spares it a context variable per event.
    """

    __slots__ = ("thread",)

    def __init__(self) -> None:
        super().__init__()
        self.thread = get_ident()

    def in_hand(self) -> Envelope | None:
        """The envelope in hand, in the thread of the event loop."""
        return self.current if get_ident() == self.thread else None


current_envelope: ContextVar[Envelope | Handling | None] = ContextVar(
    "hookbus_current_envelope", default=None
)
"""The envelope being handled, or where to look it up; read it with `handled_envelope`."""


def handled_envelope() -> Envelope | None:
    """The envelope being handled here: what is published names it as its cause."""
    holder = current_envelope.get()
    return None if holder is None else holder.in_hand()


def frozen_context() -> Context:
    """A copy of this context that keeps the envelope being handled, for work that comes later."""
    context = copy_context()
    context.run(current_envelope.set, handled_envelope())
    return context
