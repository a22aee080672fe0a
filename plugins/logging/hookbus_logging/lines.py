"""Envelopes as lines of text, rendered by a structlog logger that belongs to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from hookbus import Envelope
from pydantic import TypeAdapter
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from hookbus_logging.levels import SEVERITY, Level

_RESERVED = frozenset(
    {
        "causation",
        "correlation",
        "event",
        "exc_info",
        "exception",
        "id",
        "level",
        "logger",
        "logger_name",
        "source",
        "stack",
        "timestamp",
    }
)
"""Words with a meaning of their own on a console line."""

_JSON: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class Lines:
    """Renders envelopes and notices, one line each, without a line end.

    One object serves one thread at a time.
    """

    def __init__(self, *renderers: Processor) -> None:
        self._rendered = _Rendered()
        logger: FilteringBoundLogger = structlog.wrap_logger(
            self._rendered,
            processors=[structlog.processors.add_log_level, *renderers],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            context_class=dict,
            cache_logger_on_first_use=False,
        )
        self._logger = logger.bind()

    def of_event(self, envelope: Envelope, level: Level) -> str:
        """The line of one event; what cannot be rendered is named in the line instead."""
        known: dict[str, Any] = {"timestamp": _timestamp(envelope.time), "source": envelope.source}
        known |= {"id": envelope.id, "correlation_id": envelope.correlation_id}
        if envelope.causation_id is not None:
            known["causation_id"] = envelope.causation_id
        if envelope.key is not None:
            known["key"] = envelope.key
        try:
            data = envelope.event.model_dump(mode="json")
            return self._render(level, envelope.type, **known, data=data)
        except (ValueError, TypeError) as error:
            data = {"unreadable": f"{type(error).__name__}: {error}"}
            return self._render(level, envelope.type, **known, data=data)

    def of_notice(self, time: datetime, text: str, **details: Any) -> str:
        """A line of the log about itself, as a warning."""
        return self._render("warning", text, timestamp=_timestamp(time), **details)

    def _render(self, level: Level, event: str, /, **fields: Any) -> str:
        self._logger.log(SEVERITY[level], event, **fields)
        return self._rendered.take()


class _Rendered:
    """What structlog takes for a logger: keeps the text that the last processor made."""

    def __init__(self) -> None:
        self._text = ""

    def _keep(self, text: str) -> None:
        self._text = text

    debug = info = warning = error = _keep

    def take(self) -> str:
        return self._text


def json_lines() -> Lines:
    """One JSON object per line: timestamp, level and event first, the event's fields in `data`."""
    return Lines(_lead_with_what_matters, structlog.processors.JSONRenderer(serializer=_dump))


def console_lines(*, colours: bool) -> Lines:
    """Lines for people: time, level, wire name, the event's fields, then where it comes from."""
    return Lines(_flatten, structlog.dev.ConsoleRenderer(colors=colours, sort_keys=False))


def _timestamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _lead_with_what_matters(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
    return {key: fields.pop(key) for key in ("timestamp", "level", "event")} | dict(fields)


def _dump(fields: EventDict, **_: Any) -> str:
    return _JSON.dump_json(dict(fields)).decode()


def _flatten(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
    data: Mapping[str, Any] = fields.pop("data", {})
    line = {key: fields.pop(key) for key in ("timestamp", "level", "event")}
    for key, value in data.items():
        if key == "stack" and isinstance(value, str) and value:
            line[key] = "\n".join(str(_printable(part)) for part in value.splitlines())
        else:
            line[f"data.{key}" if key in _RESERVED else key] = _printable(value)
    fields.pop("key", None)
    correlation, causation = fields.pop("correlation_id", None), fields.pop("causation_id", None)
    line |= fields
    if correlation is not None and correlation != fields.get("id"):
        line["correlation"] = correlation
    if causation is not None:
        line["causation"] = causation
    return line


def _printable(value: Any) -> Any:
    """A value as it is; text that could steer a terminal as something that shows its escapes."""
    return _Escaped(value) if isinstance(value, str) and not value.isprintable() else value


class _Escaped:
    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return repr(self._text)
