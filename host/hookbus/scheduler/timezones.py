"""Time zones: finding them by name, and going from local times to instants and back."""

from __future__ import annotations

import difflib
import zoneinfo
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)
_DAY = 86_400


def find_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name; raises `LookupError` that says which name is meant."""
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = _nearest(name)
    raise LookupError(f"Did you mean {near!r}?" if near else "Write a name such as 'Europe/Berlin'")


def _nearest(name: str) -> str | None:
    known = sorted(zoneinfo.available_timezones())
    names = {zone.rpartition("/")[2].lower(): zone for zone in known}
    names |= {zone.lower(): zone for zone in known}
    near = difflib.get_close_matches(name.strip().lower().replace(" ", "_"), names, n=1)
    return names[near[0]] if near else None


def wall_second(local: datetime) -> int:
    """A naive local time as a number: the seconds since 1970 that it shows."""
    return (local - _NAIVE_EPOCH) // _SECOND


def wall_time(wall: int) -> datetime:
    """The naive local time of such a number."""
    return _NAIVE_EPOCH + timedelta(seconds=wall)


class LocalTime:
    """The local time of a zone, in whole seconds.

    An instant is a count of seconds since 1970 in UTC; a wall time is the count that a clock on
    the wall shows. Every wall time has one instant: a repeated one that of its first pass, a
    skipped one the end of the gap.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def offset(self, second: int) -> int:
        """Seconds that the wall is ahead of UTC at an instant."""
        offset = (_EPOCH + timedelta(seconds=second)).astimezone(self.zone).utcoffset()
        return (offset or timedelta()) // _SECOND

    def change(self, low: int, high: int) -> int | None:
        """The first instant in `(low, high]` whose offset differs from that at `low`."""
        offset = self.offset(low)
        while low < high:
            step = min(low + _DAY, high)
            if self.offset(step) != offset:
                seconds = range(low, step)
                return low + bisect_left(seconds, True, key=lambda s: self.offset(s) != offset)
            low = step
        return None

    def instant(self, wall: int) -> int:
        """The instant of a wall time."""
        naive = wall_time(wall)
        instant = (naive.replace(tzinfo=self.zone, fold=0) - _EPOCH) // _SECOND
        if instant + self.offset(instant) == wall:
            return instant
        before = (naive.replace(tzinfo=self.zone, fold=1) - _EPOCH) // _SECOND
        end_of_gap = self.change(before, instant)
        return instant if end_of_gap is None else end_of_gap

    def first_wall(self, second: int) -> int:
        """The first wall time whose instant is not before `second`."""
        wall = second + self.offset(second)
        first_pass = self.instant(wall)
        if first_pass >= second:
            return min(wall, second + self.offset(second - 1))
        change = self.change(first_pass, second)
        return wall if change is None else change + self.offset(change - 1)
