"""When jobs are due: intervals, cron lines in a time zone and single instants. No clock, no loop.

Instants are nanoseconds since 1970 (UTC). Cron lines follow two rules where clocks change:

- A line that names hours (`30 2 * * *`, `0 */2 * * *`) means local times. Each of them comes
  once: a skipped one at the first instant after the gap, a repeated one on its first pass.
- A line open to every hour (`*/15 * * * *`) follows the clock on the wall as it passes: it goes on
  through a repeated hour and has nothing to make up for after a skipped one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from hookbus.clock import SECOND, to_ns
from hookbus.errors import UsageError
from hookbus.scheduler.timezones import LocalTime, find_zone, wall_second, wall_time

_DAY = 86_400
_CORRECTION = 3 * 3600 * SECOND
_FIELDS = "minute hour day-of-month month day-of-week"
_RANGES = {
    "second": "0-59",
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, L or LW, and one of the months must have that day",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 or SUN-SAT",
}


class TriggerError(UsageError):
    """A time that makes no sense: `key` and `value` say which, `reason` why, `mend` what to do."""

    def __init__(self, key: str, value: object, reason: str, mend: str) -> None:
        self.key = key
        self.value = value
        self.reason = reason
        self.mend = mend
        super().__init__(f"{key} = {value!r}: {reason}. {mend}")


class Trigger(ABC):
    """A strictly increasing sequence of due instants; immutable."""

    @abstractmethod
    def next_after(self, time_ns: int) -> int | None:
        """The first due instant later than `time_ns`, None when there is none."""

    @abstractmethod
    def count(self, after_ns: int, until_ns: int) -> int:
        """How many instants are due in `(after_ns, until_ns]`, fast also over decades."""

    @abstractmethod
    def set_back(self, cursor_ns: int, now_ns: int, step_ns: int) -> tuple[Trigger, int]:
        """How to go on when the clock was set back by `step_ns` and shows `now_ns`.

        What was due up to `cursor_ns` is done. Answers the trigger and the cursor to go on with.
        """

    def latest(self, after_ns: int, until_ns: int) -> int | None:
        """The last due instant in `(after_ns, until_ns]`, None when there is none."""

        def is_past(time_ns: int) -> bool:
            due = self.next_after(time_ns)
            return due is None or due > until_ns

        found = after_ns + bisect_left(range(after_ns, until_ns + 1), True, key=is_past)
        return found if after_ns < found <= until_ns else None

    def last(self, after_ns: int, until_ns: int, limit: int) -> list[int]:
        """The last due instants in `(after_ns, until_ns]`, at most `limit`, oldest first."""
        width = SECOND
        while until_ns - width > after_ns and self.count(until_ns - width, until_ns) <= limit:
            width *= 2
        low = max(after_ns, until_ns - width)
        span = range(low, until_ns + 1)
        start = bisect_left(span, True, key=lambda t: self.count(t, until_ns) <= limit)
        return list(takewhile(lambda due: due <= until_ns, self.walk(low + start)))

    def walk(self, after_ns: int) -> Iterator[int]:
        """Every due instant later than `after_ns`, one after the other."""
        due = self.next_after(after_ns)
        while due is not None:
            yield due
            due = self.next_after(due)


@dataclass(frozen=True, slots=True)
class Interval(Trigger):
    """Due every `every_ns` nanoseconds of elapsed time, first one interval after `anchor_ns`."""

    every_ns: int
    anchor_ns: int

    def next_after(self, time_ns: int) -> int:
        """The first multiple of the interval later than `time_ns`."""
        return self.anchor_ns + (self._passed(time_ns) + 1) * self.every_ns

    def count(self, after_ns: int, until_ns: int) -> int:
        """How many multiples are in `(after_ns, until_ns]`."""
        return max(0, self._passed(until_ns) - self._passed(after_ns))

    def set_back(self, cursor_ns: int, now_ns: int, step_ns: int) -> tuple[Trigger, int]:
        """Move along with the clock, because elapsed time knows of no step back."""
        return Interval(self.every_ns, self.anchor_ns - step_ns), cursor_ns - step_ns

    def _passed(self, time_ns: int) -> int:
        return max(0, (time_ns - self.anchor_ns) // self.every_ns)


@dataclass(frozen=True, slots=True)
class Once(Trigger):
    """Due at one instant."""

    at_ns: int

    def next_after(self, time_ns: int) -> int | None:
        """The instant, None when `time_ns` has reached it."""
        return self.at_ns if time_ns < self.at_ns else None

    def count(self, after_ns: int, until_ns: int) -> int:
        """1 when the instant is in `(after_ns, until_ns]`, else 0."""
        return int(after_ns < self.at_ns <= until_ns)

    def set_back(self, cursor_ns: int, now_ns: int, step_ns: int) -> tuple[Trigger, int]:
        """Stay as it is: what has been due is not due again."""
        return self, cursor_ns


class Cron(Trigger):
    """Due at the local times of a cron line in a time zone.

    Five fields (minute, hour, day of month, month, day of week), or six with seconds in front.
    As in Debian's cron the two day fields must both match when one of them begins with `*`;
    otherwise one is enough. `L`, `LW`, `5L` and `1#2` are understood. Raises `TriggerError`.
    """

    def __init__(self, line: str, zone: ZoneInfo) -> None:
        self.line = line
        self.local = LocalTime(zone)
        self._wheel = _parse(line)
        self._minutes = sorted(self._wheel.minutes)
        self._seconds = sorted(self._wheel.seconds)
        self._per_hour = len(self._minutes) * len(self._seconds)
        self.names_hours = len(self._wheel.hours) < 24
        if self.next_after(0) is None:
            raise TriggerError("cron", line, "no date ever matches it", "Check day and month")

    def next_after(self, time_ns: int) -> int | None:
        """The first due instant later than `time_ns`, None when none follows in fifty years."""
        find = self._next_named if self.names_hours else self._next_open
        try:
            found = find(time_ns // SECOND)
        except OverflowError:
            return None
        return None if found is None else found * SECOND

    def count(self, after_ns: int, until_ns: int) -> int:
        """How many instants are due in `(after_ns, until_ns]`, without visiting each."""
        low, high = after_ns // SECOND + 1, until_ns // SECOND + 1
        if low >= high:
            return 0
        return self._count_named(low, high) if self.names_hours else self._count_open(low, high)

    def set_back(self, cursor_ns: int, now_ns: int, step_ns: int) -> tuple[Trigger, int]:
        """Repeat nothing that names hours after a step of up to three hours; else start at now.

        A longer step is a correction of a clock that was wrong, not a change of local time.
        """
        if self.names_hours and step_ns <= _CORRECTION:
            return self, cursor_ns
        return self, min(cursor_ns, now_ns)

    def _next_named(self, second: int) -> int | None:
        wall = second + self.local.offset(second)
        while (found := self._next_wall(wall)) is not None:
            wall = found
            if (instant := self.local.instant(wall)) > second:
                return instant
        return None

    def _next_open(self, second: int) -> int | None:
        low = second + 1
        while True:
            offset = self.local.offset(low)
            wall = self._next_wall(low + offset - 1)
            if wall is None:
                return None
            change = self.local.change(low, wall - offset)
            if change is None:
                return wall - offset
            low = change

    def _count_open(self, low: int, high: int) -> int:
        total = 0
        while low < high:
            offset = self.local.offset(low)
            change = self.local.change(low, high)
            end = high if change is None else change
            total += self._matches(low + offset, end + offset)
            low = end
        return total

    def _count_named(self, low: int, high: int) -> int:
        total = self._matches(self.local.first_wall(low), self.local.first_wall(high))
        change = self.local.change(low - 1, high - 1)
        while change is not None:
            gap = change + self.local.offset(change - 1), change + self.local.offset(change)
            if gap[0] < gap[1]:
                total -= max(0, self._matches(gap[0], gap[1] + 1) - 1)
            change = self.local.change(change, high - 1)
        return total

    def _matches(self, low: int, high: int) -> int:
        """How many local times in `[low, high)` match the line."""
        total = 0
        for day in range(low // _DAY, -(-high // _DAY)):
            date = wall_time(day * _DAY).date()
            if date.month in self._wheel.months and self._wheel.match_day(date):
                start, end = max(low - day * _DAY, 0), min(high - day * _DAY, _DAY)
                total += self._times_before(end) - self._times_before(start)
        return total

    def _times_before(self, second_of_day: int) -> int:
        hour, rest = divmod(second_of_day, 3600)
        minute, second = divmod(rest, 60)
        total = sum(named < hour for named in self._wheel.hours) * self._per_hour
        if hour in self._wheel.hours:
            total += bisect_left(self._minutes, minute) * len(self._seconds)
            if minute in self._wheel.minutes:
                total += bisect_left(self._seconds, second)
        return total

    def _next_wall(self, wall: int) -> int | None:
        """The next local time that matches, in seconds as if it were UTC."""
        self._wheel.dt = wall_time(wall)
        found = next(self._wheel, None)
        return None if found is None else wall_second(found)


def _parse(line: str) -> CronSim:
    try:
        return CronSim(line, wall_time(0))
    except (CronSimError, ValueError) as error:
        reason, mend = _explain(str(error))
        raise TriggerError("cron", line, reason, mend) from None


def _explain(message: str) -> tuple[str, str]:
    field = message.removeprefix("Bad ")
    if field in _RANGES:
        return f"bad {field} field", f"The {field} field takes {_RANGES[field]}"
    return (
        "it has the wrong number of fields",
        f"Write five fields, {_FIELDS!r}, such as '30 8 * * 1-5', or six with seconds in front",
    )


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name; raises `TriggerError` with the nearest known name."""
    try:
        return find_zone(name)
    except LookupError as error:
        raise TriggerError("timezone", name, "no such time zone", str(error.args[0])) from None


def instant_of(at: datetime | str, zone: ZoneInfo) -> int:
    """The instant of a datetime or its ISO text; a naive one is local to `zone`.

    A repeated local time means its first pass, a skipped one the end of the gap. Raises
    `TriggerError` for what is no datetime.
    """
    try:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        if moment.tzinfo is not None:
            return to_ns(moment)
        return LocalTime(zone).instant(wall_second(moment)) * SECOND + moment.microsecond * 1000
    except (ValueError, TypeError, AttributeError, OverflowError):
        mend = "Write it as 2026-03-29T09:30:00+01:00"
        raise TriggerError("at", at, "no date and time", mend) from None
