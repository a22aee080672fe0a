"""`hookbus journal info`."""

from __future__ import annotations

from typing import Any

import apsw
import click
from hookbus.commands import json_option, print_json, print_pairs, print_table

from hookbus_journal.commands.place import Place, journal_options
from hookbus_journal.commands.texts import counted, moment, size
from hookbus_journal.figures import figures
from hookbus_journal.lock import holder
from hookbus_journal.sql import row, rows, value

RUNS_SHOWN = 10
"""Runs that are printed, the latest ones."""


@click.command(short_help="Show what the journal holds.")
@journal_options
@json_option
def info(place: Place, as_json: bool) -> None:
    """Show what the journal holds: events, runs, types, what is missing, and who has it open."""
    with place.reading() as connection:
        found = describe(connection)
    found = {"file": str(place.path), "held_by": holder(place.path.with_suffix(".lock")), **found}
    if as_json:
        print_json(found)
    else:
        _print(found)


def describe(connection: apsw.Connection) -> dict[str, Any]:
    """What a journal holds, as JSON-like data; times are in nanoseconds since 1970."""
    whole = figures(connection)
    first, last = row(
        connection,
        "SELECT (SELECT time_ns FROM events ORDER BY position LIMIT 1), "
        "(SELECT time_ns FROM events ORDER BY position DESC LIMIT 1)",
    )
    return {
        "bytes": whole.bytes,
        "events": whole.events,
        "first_position": whole.first,
        "last_position": whole.last,
        "first_time_ns": first,
        "last_time_ns": last,
        "dead_letters": whole.dead_letters,
        "consumers": {one.consumer: one.events for one in whole.waiting},
        "not_recorded": value(connection, "SELECT ifnull(sum(count), 0) FROM gaps"),
        "runs": _runs(connection),
        "types": _types(connection),
    }


def _runs(connection: apsw.Connection) -> list[dict[str, Any]]:
    """Every run that began here, oldest first, with the events that are kept of it."""
    found = rows(
        connection,
        "SELECT name, started_ns, ended_ns, clean, simulated, host_version, "
        "(SELECT count(*) FROM events WHERE run = runs.id), "
        "(SELECT ifnull(sum(count), 0) FROM gaps WHERE run = runs.id) "
        "FROM runs WHERE started_ns > 0 ORDER BY id",
    )
    names = ("name", "started_ns", "ended_ns", "clean", "simulated", "host_version", "events")
    return [dict(zip((*names, "not_recorded"), one, strict=True)) for one in found]


def _types(connection: apsw.Connection) -> dict[str, int]:
    """How many events there are of each type, the most frequent first."""
    found = rows(
        connection,
        "SELECT name, (SELECT count(*) FROM events WHERE type = types.id) AS number FROM types "
        "WHERE number ORDER BY number DESC, name",
    )
    return dict(found)


def _print(found: dict[str, Any]) -> None:
    events = found["events"]
    span = f"{found['first_position']:,} to {found['last_position']:,}" if events else None
    times = f"{moment(found['first_time_ns'])} to {moment(found['last_time_ns'])} UTC"
    waiting = [f"{name} ({number:,})" for name, number in found["consumers"].items() if number]
    print_pairs(
        {
            "File": f"{found['file']}, {size(found['bytes'])}",
            "Open": f"by {found['held_by']}" if found["held_by"] else "by nobody",
            "Events": f"{events:,}",
            "Positions": span,
            "Times": times if events else None,
            "Not recorded": _missing(found["not_recorded"]),
            "Consumers": f"{len(found['consumers']):,}",
            "Events waiting for": ", ".join(waiting),
            "Dead letters": f"{found['dead_letters']:,}",
        }
    )
    if found["types"]:
        click.echo()
        lines = [(name, f"{number:,}") for name, number in found["types"].items()]
        print_table(("Type", "Events"), lines, keep=("Type",), right=("Events",))
    if found["runs"]:
        click.echo()
        _print_runs(found["runs"], found["held_by"] or "")


def _missing(count: int) -> str | None:
    return counted(count, "event") if count else None


def _print_runs(found: list[dict[str, Any]], holder: str) -> None:
    lines = [
        (one["name"], moment(one["started_ns"]), _ended(one, holder), f"{one['events']:,}")
        for one in found[-RUNS_SHOWN:]
    ]
    print_table(("Run", "Started", "Ended", "Events"), lines, keep=("Run",), right=("Events",))
    if len(found) > RUNS_SHOWN:
        click.echo(f"and {counted(len(found) - RUNS_SHOWN, 'run')} before these")


def _ended(run: dict[str, Any], holder: str) -> str:
    """When a run ended; one that neither did nor has the journal open was cut off."""
    under_way = holder.endswith(f"run {run['name']}")
    return moment(run["ended_ns"]) or ("still on" if under_way else "cut off")
