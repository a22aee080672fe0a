"""Rate limits: what Discord's headers allow. There are no limits in here but those they name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

from hookbus_discord.alerts import SECOND
from hookbus_discord.replies import number

Route = Literal["post", "edit"]


@dataclass(slots=True)
class Pause:
    """A global limit, which holds for every webhook; nanoseconds since 1970."""

    until_ns: int = 0


@dataclass(slots=True)
class Bucket:
    """What is left of one limit until it is reset; nanoseconds since 1970."""

    limit: int
    remaining: int
    reset_ns: int


class RateLimits:
    """The limits of one webhook, by bucket, as its answers tell of them.

    `reserve` is the share of each bucket that only critical alerts may use, rounded up; one request
    at least is left to the others. `everywhere` is shared by all webhooks.
    """

    def __init__(self, reserve: float, everywhere: Pause) -> None:
        self._reserve = reserve
        self._everywhere = everywhere
        self._names: dict[Route, str] = {}
        self._buckets: dict[str, Bucket] = {}

    def wait_ns(self, route: Route, *, critical: bool, now_ns: int) -> int:
        """Nanoseconds until a request may be made; 0 or less means now."""
        wait = self._everywhere.until_ns - now_ns
        bucket = self._buckets.get(self._name(route))
        if bucket is None or bucket.reset_ns <= now_ns:
            return wait
        kept = 0 if critical else min(math.ceil(bucket.limit * self._reserve), bucket.limit - 1)
        return wait if bucket.remaining > kept else max(wait, bucket.reset_ns - now_ns)

    def spend(self, route: Route) -> None:
        """Count a request before its answer is there, or in case that none comes."""
        bucket = self._buckets.get(self._name(route))
        if bucket is not None:
            bucket.remaining -= 1

    def note(self, route: Route, headers: Mapping[str, str], now_ns: int) -> None:
        """Take over what the headers (names in lower case) of an answer say."""
        name = headers.get("x-ratelimit-bucket")
        if name:
            self._names[route] = name
        remaining = number(headers.get("x-ratelimit-remaining"))
        seconds = _reset_after(headers, now_ns)
        if remaining is None or seconds is None:
            return
        limit = number(headers.get("x-ratelimit-limit")) or remaining + 1
        reset_ns = now_ns + math.ceil(seconds * SECOND)
        self._buckets[self._name(route)] = Bucket(max(1, int(limit)), int(remaining), reset_ns)

    def pause(self, route: Route, seconds: float, now_ns: int, *, everywhere: bool) -> None:
        """Make no request for some seconds: on this route's bucket, or at all."""
        until_ns = now_ns + math.ceil(seconds * SECOND)
        if everywhere:
            self._everywhere.until_ns = max(self._everywhere.until_ns, until_ns)
            return
        known = self._buckets.get(self._name(route))
        self._buckets[self._name(route)] = Bucket(known.limit if known else 1, 0, until_ns)

    def _name(self, route: Route) -> str:
        return self._names.get(route, route)


def _reset_after(headers: Mapping[str, str], now_ns: int) -> float | None:
    """Seconds until the reset; the instant in Reset is of the server's clock, as is Date."""
    after = number(headers.get("x-ratelimit-reset-after"))
    reset = number(headers.get("x-ratelimit-reset"))
    if after is not None or reset is None:
        return after
    try:
        now = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        now = now_ns / SECOND
    return max(0.0, reset - now)
