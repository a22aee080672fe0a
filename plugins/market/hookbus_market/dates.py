"""Recognise how a file writes its times, and parse them fast, into UTC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

__all__ = ["LocalTime", "TimeParser", "UnknownTimeFormat", "checked", "parser", "recognise"]

TimeParser = Callable[[str], datetime]
"""Turns a text into an aware time in UTC; raises `ValueError` for a text it cannot read."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": 10**6, "ms": 10**3, "us": 1}
_EPOCH_FORMATS = ("s", "ms", "us", "ns")
_LIMITS = ((10**11, "s"), (10**14, "ms"), (10**17, "us"))
_EARLIEST, _EARLIEST_EPOCH, _LATEST = 1900, 1971, 2100
_ATTEMPTS = 100
_SAMPLES = 100_000
_DATE_LENGTH = len("2017-04-19")
_DAY_AND_MONTH = len("19/04")

_DAY_FIRST = tuple(f"%d{s}%m{s}%{y}" for y in "Yy" for s in "/.-")
_MONTH_FIRST = tuple(f"%m{s}%d{s}%{y}" for y in "Yy" for s in "/.-")
_CLEAR = (
    *("%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d", "%Y%m%d"),
    *("%d-%b-%Y", "%d %b %Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y"),
)
_CLOCKS = (
    *("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", "T%H:%M:%S", "T%H:%M"),
    *(" %H%M%S", " %H%M", " %I:%M:%S %p", " %I:%M %p"),
)
_AMBIGUOUS = tuple(date + clock for date in _DAY_FIRST + _MONTH_FIRST for clock in _CLOCKS)
_CANDIDATES = (
    *("iso", "%Y%m%d%H%M%S", "%Y%m%d%H%M"),
    *(date + clock for date in _CLEAR for clock in _CLOCKS),
    *_AMBIGUOUS,
)

_DIRECTIVE = re.compile("%(.)")
_PARTS = "YmdHMS"
_DATE_PARTS = len("Ymd")


class UnknownTimeFormat(ValueError):  # noqa: N818
    """The times are written in a way that cannot be recognised, or in one of two ways."""


def recognise(samples: Iterable[str]) -> str:
    """The format of some times: `iso`, `s`, `ms`, `us`, `ns` or a pattern of `strptime`.

    Reads only as many samples as it takes to be sure, which is one unless day and month could be
    swapped, and skips what is no time. Raises `UnknownTimeFormat` when none is a time, or when the
    order of day and month stays open.
    """
    first = day = ""
    fitting: list[str] = []
    for attempt, text in enumerate(islice(samples, _SAMPLES)):
        first = first or text
        if not fitting and attempt >= _ATTEMPTS:
            break
        if fitting and text[:_DAY_AND_MONTH] == day:
            continue
        day = text[:_DAY_AND_MONTH]
        fitting = [name for name in fitting or _guesses(text) if _fits(name, text)] or fitting
        if fitting and (len(fitting) == 1 or fitting[0] not in _AMBIGUOUS):
            return fitting[0]
    raise UnknownTimeFormat(_why(first, fitting))


def checked(time_format: str) -> str:
    """`time_format` itself; raises `ValueError` when it is not one that `parser` understands."""
    if time_format == "iso" or time_format in _EPOCH_FORMATS:
        return time_format
    example = datetime(2023, 11, 29, tzinfo=UTC)
    if any(f"%{year}" in time_format for year in "Yycx"):
        try:
            if parser(time_format)(example.strftime(time_format)).date() == example.date():
                return time_format
        except (ValueError, re.error):
            pass
    raise ValueError(
        f"{time_format!r} is no time format: write iso, s, ms, us, ns, or a pattern of strptime "
        "with year, month and day, such as '%d.%m.%Y %H:%M'"
    )


def parser(time_format: str, zone: tzinfo = UTC) -> TimeParser:
    """A parser for one format, as `recognise` returns it; times without an offset are in `zone`.

    A parser for another zone than UTC remembers the last time, to tell the two passes through the
    hour that is repeated when daylight saving ends, so use a fresh one for each file.
    """
    if time_format in _EPOCH_FORMATS:
        return _epoch_parser(time_format)
    localise = None if zone is UTC else LocalTime(zone)
    if time_format == "iso":
        return _iso_parser(localise)
    if _is_numeric(time_format):
        return _numeric_parser(time_format, localise)
    return _pattern_parser(time_format, localise)


class LocalTime:
    """Turns wall-clock times of a zone, in the order of a file, into UTC.

    A time that daylight saving repeats is taken as its second pass when the first would go back in
    time. Calling it raises `ValueError` for a time that daylight saving leaves out.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._last = datetime.min.replace(tzinfo=UTC)

    def __call__(self, naive: datetime) -> datetime:
        """The instant in UTC."""
        instant = naive.replace(tzinfo=self._zone).astimezone(UTC)
        if instant < self._last:
            second = naive.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
            instant = second if second >= self._last else instant
        if instant.astimezone(self._zone).replace(tzinfo=None, fold=0) != naive:
            raise ValueError(f"there is no such time in {self._zone}: clocks are put forward")
        self._last = max(self._last, instant)
        return instant


def _why(first: str, fitting: list[str]) -> str:
    if not fitting:
        return f"{first!r} is in no time format that is recognised"
    choice = " or ".join(repr(name) for name in fitting)
    return f"{first!r} may be {choice}, and no row settles it"


def _guesses(text: str) -> tuple[str, ...]:
    epoch = _epoch_unit(text)
    return (*_CANDIDATES, epoch) if epoch else _CANDIDATES


def _fits(time_format: str, text: str) -> bool:
    if time_format == "iso" and not re.match(r"\d{4}-\d\d-\d\d", text):
        return False
    try:
        year = parser(time_format)(text).year
    except (ValueError, OverflowError):
        return False
    return (_EARLIEST_EPOCH if time_format in _EPOCH_FORMATS else _EARLIEST) <= year <= _LATEST


def _epoch_unit(text: str) -> str | None:
    try:
        size = abs(float(text))
    except ValueError:
        return None
    return next((unit for limit, unit in _LIMITS if size < limit), "ns")


def _epoch_parser(unit: str) -> TimeParser:
    factor = _UNITS.get(unit)

    def parse(text: str) -> datetime:
        try:
            number = int(text)
        except ValueError:
            return _EPOCH + timedelta(microseconds=float(text) * (factor or 0.001))
        micros = number * factor if factor else number // 1000
        return _EPOCH + timedelta(microseconds=micros)

    return parse


def _iso_parser(localise: LocalTime | None) -> TimeParser:
    read = datetime.fromisoformat

    def general(text: str) -> datetime:
        time = read(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
        return localise(time) if localise else time.replace(tzinfo=UTC)

    def fast(text: str) -> datetime:
        # Reading the offset along with the time is eight times as fast as replacing it afterwards.
        try:
            return read(text + ("+00:00" if len(text) > _DATE_LENGTH else "T00:00+00:00"))
        except ValueError:
            return general(text)

    return general if localise else fast


def _is_numeric(pattern: str) -> bool:
    parts = _DIRECTIVE.findall(pattern)
    return len(parts) >= _DATE_PARTS and sorted(parts) == sorted(_PARTS[: len(parts)])


def _numeric_parser(pattern: str, localise: LocalTime | None) -> TimeParser:
    match = re.compile(_as_expression(pattern), re.ASCII).fullmatch
    parts = _PARTS[: len(_DIRECTIVE.findall(pattern))]

    def parse(text: str) -> datetime:
        found = match(text)
        if found is None:
            raise ValueError(f"it does not match the format {pattern!r}")
        time = datetime(*map(int, found.group(*parts)), tzinfo=None if localise else UTC)  # type: ignore[misc, arg-type]
        return localise(time) if localise else time

    return parse


def _as_expression(pattern: str) -> str:
    expression = ""
    rest = pattern
    while rest:
        if rest[0] != "%":
            expression, rest = expression + re.escape(rest[0]), rest[1:]
            continue
        alone = not expression.endswith(")") and not rest[2:].startswith("%")
        digits = r"\d{4}" if rest[1] == "Y" else r"\d{1,2}" if alone else r"\d\d"
        expression, rest = f"{expression}(?P<{rest[1]}>{digits})", rest[2:]
    return expression


def _pattern_parser(pattern: str, localise: LocalTime | None) -> TimeParser:
    def parse(text: str) -> datetime:
        time = datetime.strptime(text, pattern)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
        return localise(time) if localise else time.replace(tzinfo=UTC)

    return parse
