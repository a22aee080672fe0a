"""Replies: what Discord's answer means for a message.

Codes are from https://discord.com/developers/docs/topics/opcodes-and-status-codes#json, and
the forms of a rate limit from https://discord.com/developers/docs/topics/rate-limits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

UNKNOWN_WEBHOOK: Final = 10015

_CODES: Final[Mapping[int, str]] = {
    10003: "unknown channel",
    10008: "unknown message",
    UNKNOWN_WEBHOOK: "unknown webhook",
    50027: "invalid webhook token",
    50035: "invalid form body",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, its headers with names in lower case, and its body if that is JSON."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def code(self) -> int | None:
        """Discord's own code of an error."""
        code = self.body.get("code") if isinstance(self.body, dict) else None
        return code if isinstance(code, int) and not isinstance(code, bool) else None

    def __str__(self) -> str:
        if self.code is None:
            return f"HTTP {self.status}"
        words = _CODES.get(self.code)
        return f"HTTP {self.status}, code {self.code}" + (f" ({words})" if words else "")


@dataclass(frozen=True, slots=True)
class Unreachable:
    """There was no answer; `reason` says why and names no address."""

    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is there; `message_id` is None where the answer does not say."""

    message_id: str | None


@dataclass(frozen=True, slots=True)
class Limited:
    """Too many requests: make none for some seconds, to no webhook at all if `everywhere`."""

    seconds: float
    everywhere: bool


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Nobody knows whether it would be accepted: try later, after `seconds` where they are set."""

    reason: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class MessageGone:
    """The message that was to be edited has been deleted."""


@dataclass(frozen=True, slots=True)
class WebhookGone:
    """The webhook has been deleted, or its token is wrong."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Discord will not take this message, however often it is sent."""

    reason: str


Verdict = Accepted | Limited | Unavailable | MessageGone | WebhookGone | Refused


def judge(reply: Reply | Unreachable, *, editing: bool) -> Verdict:
    """What becomes of a message; `editing` says whether one was to be edited or posted."""
    if isinstance(reply, Unreachable):
        return Unavailable(reply.reason)
    status, code = reply.status, reply.code
    if 200 <= status < 300:
        return Accepted(_message_id(reply.body))
    if status == 429:
        pause = _pause(reply)
        return Unavailable(str(reply)) if pause is None else Limited(pause, _is_global(reply))
    if status == 404 and editing and code != UNKNOWN_WEBHOOK:
        return MessageGone()
    if status in (401, 404) or (status == 403 and code is not None):
        return WebhookGone(str(reply))
    if status in (403, 408) or status >= 500:
        return Unavailable(str(reply), number(reply.headers.get("retry-after")))
    return Refused(str(reply))


def number(value: object) -> float | None:
    """A finite number, 0 or more, out of a header or a body; None for anything else."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def _message_id(body: Any) -> str | None:
    found = body.get("id") if isinstance(body, dict) else None
    return found if isinstance(found, str) and found.isascii() and found.isdigit() else None


def _pause(reply: Reply) -> float | None:
    """Seconds to wait, if it says so; body and Reset-After are exact, Retry-After is rounded."""
    body = reply.body if isinstance(reply.body, dict) else {}
    said = (
        body.get("retry_after"),
        reply.headers.get("x-ratelimit-reset-after"),
        reply.headers.get("retry-after"),
    )
    return next((found for one in said if (found := number(one)) is not None), None)


def _is_global(reply: Reply) -> bool:
    headers = reply.headers
    return (
        (isinstance(reply.body, dict) and reply.body.get("global") is True)
        or headers.get("x-ratelimit-global", "").lower() == "true"
        or headers.get("x-ratelimit-scope", "").lower() == "global"
    )
