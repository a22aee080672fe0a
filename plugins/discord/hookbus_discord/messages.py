"""Messages: what is sent to Discord for an alert, or for a group of them.

The limits are Discord's, from https://discord.com/developers/docs/resources/message#embed-object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hookbus_discord.alerts import Alert
from hookbus_discord.settings import Severity
from hookbus_discord.text import clip, length, plain

TITLE: Final = 256
DESCRIPTION: Final = 4096
FIELDS: Final = 25
FIELD_NAME: Final = 256
FIELD_VALUE: Final = 1024
FOOTER: Final = 2048
TOTAL: Final = 6000
CONTENT: Final = 2000

COLOURS: Final[Mapping[Severity, int]] = {
    "info": 0x3498DB,
    "warning": 0xF1C40F,
    "error": 0xE67E22,
    "critical": 0xE74C3C,
}
"""The colour at the side of an embed: blue, yellow, orange, red."""

_SHORT: Final = 40
_KINDS_SHOWN: Final = 5
_FOOTER_SHOWN: Final = 300
_REASONS: Final = ("reason", "error", "detail")


def message(first: Alert, latest: Alert, count: int, kinds: Mapping[str, int]) -> dict[str, Any]:
    """The payload for a group of `count` alerts; `kinds` counts them by wire name.

    It shows the first one, which is nearest to the cause, and the latest.
    """
    shown = (first,) if count == 1 else (first, latest)
    body: dict[str, Any] = {
        "embeds": [_embed(alert, TOTAL // len(shown)) for alert in shown],
        "allowed_mentions": {"parse": []},
    }
    if count > 1:
        body["content"] = _heading(first, latest, count, kinds)
    return body


def probe(webhook: str) -> dict[str, Any]:
    """The payload that shows that a webhook works."""
    title = plain("Test of hookbus-discord")
    text = plain(f"The webhook {webhook} works.")
    embed = {"title": title, "description": text, "color": COLOURS["info"]}
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _heading(first: Alert, latest: Alert, count: int, kinds: Mapping[str, int]) -> str:
    begin, end = (alert.envelope.time_ns // 1_000_000_000 for alert in (first, latest))
    text = f"**{count:,} alerts** from <t:{begin}:T> to <t:{end}:T>"
    if len(kinds) > 1:
        listed = [f"{plain(name)} ({n:,})" for name, n in kinds.items()]
        more = len(listed) - _KINDS_SHOWN
        text += ": " + ", ".join(listed[:_KINDS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return clip(text, CONTENT)


def _embed(alert: Alert, room: int) -> dict[str, Any]:
    data = _data(alert)
    reason = _reason(alert, data)
    title = clip(plain(_title(alert)), TITLE)
    room -= length(title) + _FOOTER_SHOWN
    embed: dict[str, Any] = {
        "title": title,
        "color": COLOURS[alert.severity],
        "timestamp": alert.envelope.time.isoformat(),
    }
    if reason is not None:
        embed["description"] = clip(plain(data.pop(reason)), min(DESCRIPTION, room * 2 // 3))
        room -= length(embed["description"])
    fields, left_out = _fit(list(_chosen(alert, data)), room)
    if fields:
        embed["fields"] = fields
    embed["footer"] = {"text": _footer(alert, left_out)}
    return embed


def _title(alert: Alert) -> str:
    title = alert.rule.settings.title or alert.envelope.type
    key = alert.envelope.key
    return title if key is None else f"{title}: {key}"


def _data(alert: Alert) -> dict[str, Any]:
    try:
        return alert.envelope.event.model_dump(mode="json")
    except Exception:  # noqa: BLE001 - serializers belong to the event's author
        return {name: _simple(value) for name, value in alert.envelope.event}


def _simple(value: Any) -> Any:
    shown = isinstance(value, str | int | float)
    return value if shown else f"{type(value).__name__} that cannot be shown"


def _reason(alert: Alert, data: Mapping[str, Any]) -> str | None:
    """The field whose text says why, unless it was chosen to be shown as one of the fields."""
    among = [key for key in _REASONS if key not in (alert.rule.settings.fields or ())]
    return next((key for key in among if isinstance(data.get(key), str) and data[key]), None)


def _chosen(alert: Alert, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    wanted = alert.rule.settings.fields
    for name in data if wanted is None else wanted:
        value = data.get(name)
        if value not in (None, "", [], {}):
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fit(pairs: list[tuple[str, str]], room: int) -> tuple[list[dict[str, Any]], int]:
    """The fields that fit into `room` units, and how many do not."""
    fields: list[dict[str, Any]] = []
    for name, value in pairs:
        label, text = clip(plain(name), FIELD_NAME), clip(plain(value), FIELD_VALUE)
        cost = length(label) + length(text)
        if len(fields) < FIELDS and cost <= room:
            room -= cost
            fields.append({"name": label, "value": text, "inline": length(text) <= _SHORT})
    return fields, len(pairs) - len(fields)


def _footer(alert: Alert, left_out: int) -> str:
    envelope = alert.envelope
    parts = [alert.severity, envelope.type, f"from {envelope.source}", envelope.id]
    note = f" · fields left out: {left_out}" if left_out else ""
    return clip(" · ".join(parts), _FOOTER_SHOWN - length(note)) + note
