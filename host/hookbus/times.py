"""Times as people write them on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from hookbus.clock import SECOND, to_ns
from hookbus.errors import UsageError

_AGO: Final = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def parse_time(text: str, now_ns: int) -> int:
    """Nanoseconds since 1970 of a date with or without a time of day, or of a span before now.

    A date is in UTC unless it has an offset; a span is a number with s, m, min, h or d: `2h` is two
    hours before `now_ns`. Raises `UsageError`.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return now_ns - int(float(ago[1]) * _SECONDS[ago[2]] * SECOND)
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is no time; write 2026-11-25T14:30, or 2h for two hours ago"
        ) from None
    return to_ns(time if time.tzinfo else time.replace(tzinfo=UTC))
