"""`hookbus journal consumers`."""

from __future__ import annotations

import difflib
import json
from typing import Any

import apsw
import click
from hookbus import UsageError
from hookbus.commands import json_option, print_json, print_table

from hookbus_journal.commands.place import Place, journal_options
from hookbus_journal.commands.texts import counted, moment
from hookbus_journal.consumers import forget
from hookbus_journal.retention import waiting
from hookbus_journal.sql import rows

COLUMNS = ("Consumer", "Types", "Offset", "Waiting", "Since", "Tried", "Dead", "Last seen")


@click.group(short_help="List and forget durable consumers.")
def consumers() -> None:
    """List and forget consumers: who wants events durably, and how far they have come."""


@consumers.command("list", short_help="List consumers and how far they have come.")
@journal_options
@json_option
def list_consumers(place: Place, as_json: bool) -> None:
    """List consumers: what they want, how far they have come, and what waits for them.

    Up to OFFSET everything is finished. WAITING events are not, SINCE the time of the first of
    them; TRIED counts those that have failed or crashed at least once, DEAD the dead letters.
    """
    with place.reading() as connection:
        found = describe(connection)
    if as_json:
        print_json(found)
    elif found:
        numbers = ("Offset", "Waiting", "Tried", "Dead")
        print_table(
            COLUMNS, map(_row, found), keep=("Consumer", "Since", "Last seen"), right=numbers
        )
    else:
        click.echo("There are no consumers: no plugin has subscribed durably.")


def describe(connection: apsw.Connection) -> list[dict[str, Any]]:
    """Every consumer, by name; times are in nanoseconds since 1970."""
    left = {one.consumer: one for one in waiting(connection)}
    sql = (
        'SELECT name, types, "offset", created_ns, seen_ns, '
        "(SELECT count(*) FROM attempts WHERE consumer = name AND failures + crashes > 0), "
        "(SELECT count(*) FROM dead_letters WHERE consumer = name) FROM consumers ORDER BY name"
    )
    names = ("name", "types", "offset", "created_ns", "seen_ns", "tried", "dead_letters")
    found = [dict(zip(names, one, strict=True)) for one in rows(connection, sql)]
    for one in found:
        waits = left[one["name"]]
        one["types"] = json.loads(one["types"])
        one["waiting"], one["first_waiting"] = waits.events, waits.first
        one["waiting_since_ns"] = _time_of(connection, waits.first)
    return found


def _time_of(connection: apsw.Connection, position: int | None) -> int | None:
    found = rows(connection, "SELECT time_ns FROM events WHERE position = ?", (position,))
    return found[0][0] if found else None


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    return (
        one["name"],
        ", ".join(one["types"]),
        f"{one['offset']:,}",
        f"{one['waiting']:,}",
        moment(one["waiting_since_ns"]),
        one["tried"] or None,
        one["dead_letters"] or None,
        moment(one["seen_ns"]),
    )


@consumers.command("forget", short_help="Forget a consumer that is gone for good.")
@click.argument("name")
@journal_options
@json_option
def forget_consumer(name: str, place: Place, as_json: bool) -> None:
    """Forget the consumer NAME, so that no more events are kept for it.

    What waits for it is lost to it; should it come back, it begins like a new one. Its dead letters
    stay. One that is in use is refused.
    """
    with place.reading() as connection:
        found = {one["name"]: one for one in describe(connection)}
    if name not in found:
        raise UsageError(_unknown(name, sorted(found)))
    with place.changing() as hands:
        hands.do("forget", lambda connection: forget(connection, name), consumer=name)
    left = found[name]["waiting"]
    if as_json:
        print_json({"forgotten": name, "waiting": left})
    else:
        click.echo(f"{name} is forgotten; {counted(left, 'event')} waited for it")


def _unknown(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"there is no consumer {name!r}. Did you mean {near[0]!r}?"
    return f"there is no consumer {name!r}; there are: {', '.join(names) or 'none'}"
