"""The question why something did not happen, and the times that it is about."""

from __future__ import annotations

from dataclasses import dataclass

from hookbus import SystemClock, UsageError
from hookbus.commands import parse_time

from hookbus_journal.why.reader import Reader
from hookbus_journal.why.texts import moment

__all__ = ["Question", "ask"]


@dataclass(frozen=True, slots=True)
class Question:
    """Why no event of a type, about a key if one is named, came from `since_ns` to `until_ns`.

    Without a type it is about whatever did not happen; `to` is the subscription that did not get
    it. Times in nanoseconds since 1970, UTC, both ends
    included.
    """

    type: str | None
    key: str | None
    since_ns: int
    until_ns: int
    to: str | None = None


def ask(
    reader: Reader,
    type_: str | None,
    key: str | None = None,
    since: str | None = None,
    until: str | None = None,
    to: str | None = None,
) -> Question:
    """The question in the times of the journal; raises `UsageError` for a time that is none.

    A time is a date with or without a time of day (UTC unless it says otherwise), or a span such
    as `2h` before now; for a simulation, before its end. By default it is the newest run until now.
    """
    row = next(
        reader.rows("SELECT started_ns, ended_ns, simulated FROM runs ORDER BY id DESC LIMIT 1"),
        None,
    )
    if row is None:
        raise UsageError("the journal has no run; start a host with the plugin journal first")
    started_ns, ended_ns, simulated = row
    last_ns = reader.value("SELECT max(time_ns) FROM events") or started_ns
    now_ns = max(last_ns, ended_ns or 0) if simulated else SystemClock().now_ns()
    since_ns = started_ns if since is None else _time(since, now_ns, "--since")
    until_ns = now_ns if until is None else _time(until, now_ns, "--until")
    if since_ns > until_ns:
        end = f"--until {until}" if until else f"the end of the record, {moment(now_ns)}"
        raise UsageError(f"--since {since} is later than {end}")
    return Question(type_, key, since_ns, until_ns, to)


def _time(text: str, now_ns: int, option: str) -> int:
    try:
        return parse_time(text, now_ns)
    except UsageError as error:
        raise UsageError(f"{option} {error}") from None
