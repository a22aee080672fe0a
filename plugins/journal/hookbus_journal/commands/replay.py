"""`hookbus journal replay`."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path

import click
from hookbus import Host, Plugin, SimulatedClock, UsageError
from hookbus.commands import (
    Given,
    json_option,
    load_host,
    parse_time,
    print_json,
    printing_to_stderr,
    progress_bar,
)

from hookbus_journal.commands.place import Place, journal_options
from hookbus_journal.replay.feed import Feed
from hookbus_journal.replay.outputs import Collector, Outputs, collect_recorded
from hookbus_journal.replay.playing import NAME, Played, play
from hookbus_journal.replay.recording import Choice, Recording, Run, find_run
from hookbus_journal.replay.telling import Told, print_told, told_json
from hookbus_journal.replay.verdict import Verdict, judge

SPEEDS = {"real": 1.0, "max": None}


class Speed(click.ParamType):
    """Recorded seconds per real second; None as fast as possible."""

    name = "speed"

    def convert(self, value: str, param: object, context: object) -> float | None:
        """Read `real`, `max` or a number."""
        if value in SPEEDS:
            return SPEEDS[value]
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            raise click.BadParameter(f"{value!r} is neither real, nor max, nor a number above 0.")
        return speed


@click.command(short_help="Feed a recorded run into a fresh host, and compare.")
@click.option("--run", "run_name", metavar="RUN", help="Which run; default: the newest one.")
@click.option(
    "--speed",
    type=Speed(),
    default="max",
    show_default=True,
    metavar="real|N|max",
    help="At its own pace, N times as fast, or as fast as possible.",
)
@click.option("--type", "types", multiple=True, metavar="PATTERN", help="Feed exactly such events.")
@click.option("--since", metavar="TIME", help="Feed nothing that was published earlier.")
@click.option("--until", metavar="TIME", help="Feed nothing that was published later.")
@click.option("--correlation", metavar="ID", help="Feed only the chain that began with this event.")
@click.option("--ignore", multiple=True, metavar="FIELD", help="A field that may differ: data.price.")
@click.option("--with", "kept", multiple=True, metavar="PLUGIN", help="Run this one, too, although it reaches outside.")
@click.option("--no-compare", is_flag=True, help="Only feed; do not compare what comes of it.")
@journal_options
@json_option
def replay(
    run_name: str | None,
    speed: float | None,
    types: tuple[str, ...],
    since: str | None,
    until: str | None,
    correlation: str | None,
    ignore: tuple[str, ...],
    kept: tuple[str, ...],
    no_compare: bool,
    place: Place,
    as_json: bool,
) -> None:
    """Feed a recorded run into a fresh host, and compare what comes of it with the record.

    Fed is what came from outside: events without a cause, of plugins that feed the host or do not
    run now. The configured plugins run on simulated time, with a state folder of their own; those
    that reach outside are left out. Exit code 0 when the outputs are the same, 1 when they differ.
    """
    with place.reading() as connection:
        run = find_run(connection, run_name)
        end_ns = connection.execute("SELECT max(time_ns) FROM events WHERE run = ?", (run.number,)).get
        times = (None if one is None else parse_time(one, end_ns) for one in (since, until))
        recording = Recording(connection, run, Choice(types, *times, correlation))
"""placeholder"""
