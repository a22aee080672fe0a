"""Hours: when something is expected at all, so that a closed market is no dead feed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


class Hours(Protocol):
    """Times that count. All arguments are nanoseconds since 1970, or of them."""

    def between(self, begin_ns: int, end_ns: int) -> int:
        """How much counting time lies between two instants; 0 where the second is earlier."""

    def later(self, begin_ns: int, length_ns: int) -> int:
        """The instant at which so much counting time has passed since `begin_ns`."""


class Always:
    """Every moment counts."""

    def between(self, begin_ns: int, end_ns: int) -> int:
        """The time between two instants."""
        return max(0, end_ns - begin_ns)

    def later(self, begin_ns: int, length_ns: int) -> int:
        """So much later."""
        return begin_ns + length_ns


class Sessions:
    """What counts is the time from `opens` to `closes` on some days of the week, in one time zone.

    `days` are numbers, Monday is 0. A session that closes at or before the time it opens ends on
    the next day; it belongs to the day on which it opens.
    """

    def __init__(self, days: frozenset[int], opens: time, closes: time, zone: tzinfo) -> None:
        self._days = days
        self._opens = opens
        self._closes = closes
        self._zone = zone
        self._overnight = closes <= opens

    def between(self, begin_ns: int, end_ns: int) -> int:
        """How much of the time between two instants lies in sessions."""
        total, day = 0, self._day_before(begin_ns)
        while (session := self._session(day))[0] < end_ns:
            total += max(0, min(session[1], end_ns) - max(session[0], begin_ns))
            day += _DAY
        return total

    def later(self, begin_ns: int, length_ns: int) -> int:
        """The instant at which so much session time has passed."""
        day, left = self._day_before(begin_ns), length_ns
        while True:
            opens, closes = self._session(day)
            begin = max(opens, begin_ns)
            if closes - begin >= left:
                return begin + left
            left -= max(0, closes - begin)
            day += _DAY

    def _day_before(self, instant_ns: int) -> date:
        local = (_EPOCH + timedelta(microseconds=instant_ns // 1000)).astimezone(self._zone)
        return local.date() - _DAY

    def _session(self, day: date) -> tuple[int, int]:
        """When the session of a day begins and ends; on a day without one these are the same."""
        opens = self._instant(day, self._opens)
        if day.weekday() not in self._days:
            return opens, opens
        return opens, self._instant(day + _DAY if self._overnight else day, self._closes)

    def _instant(self, day: date, clock: time) -> int:
        instant = datetime.combine(day, clock, self._zone).astimezone(UTC)
        return (instant - _EPOCH) // timedelta(microseconds=1) * 1000
