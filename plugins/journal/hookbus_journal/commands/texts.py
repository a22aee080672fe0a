"""Texts: how commands write times, sizes and events."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import click
from hookbus import StoredEvent
from hookbus.commands import fields_in_short


def moment(time_ns: int | None) -> str | None:
    """A time to the second, in UTC."""
    if time_ns is None:
        return None
    return f"{datetime.fromtimestamp(time_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def size(count: float) -> str:
    """Bytes in the unit that fits."""
    if count < 1_000:
        return f"{count:.0f} bytes"
    exponent = min(int(math.log(count, 1_000)), 3)
    return f"{count / 1_000**exponent:,.1f} {('', 'kB', 'MB', 'GB')[exponent]}"


def counted(count: int, noun: str) -> str:
    """A number and its noun: 1 event, 2 events."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def event_line(event: StoredEvent) -> str:
    """An event in one line: time, type, fields and source, as `hookbus events tail` prints it."""
    milliseconds = event.time_ns // 1_000_000 % 1_000
    head = click.style(f"{moment(event.time_ns)}.{milliseconds:03d}", dim=True)
    name, source = click.style(event.type, bold=True), click.style(f"({event.source})", dim=True)
    return f"{head} {name} {fields(event.data)} {source}"


def fields(data: str) -> str:
    """The fields of an event in one line; what is no object of JSON as it is."""
    try:
        found = json.loads(data)
    except ValueError:
        return data
    return fields_in_short(found) if isinstance(found, dict) else data
