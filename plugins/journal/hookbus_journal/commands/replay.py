"""`hookbus journal replay`."""

from __future__ import annotations

import apsw
import click
from hookbus import UsageError
from hookbus.commands import json_option, parse_time, print_json

from hookbus_journal.commands.place import Place, journal_options
from hookbus_journal.replay.recording import Choice, Recording, Run, find_run
from hookbus_journal.replay.telling import print_trial, trial_json
from hookbus_journal.replay.trial import Trial, try_out
from hookbus_journal.sql import value

SPEEDS = {"real": 1.0, "max": None}


def _speed(context: click.Context, option: click.Parameter, text: str) -> float | None:
    """Recorded seconds per real second; None as fast as possible."""
    if text in SPEEDS:
        return SPEEDS[text]
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(
            f"{text!r} is neither real, nor max, nor a number above 0.", context, option
        )
    return speed


@click.command(short_help="Feed a recorded run into a fresh host, and compare.")
@click.option("--run", "run_name", metavar="RUN", help="Which run; default: the newest one.")
@click.option(
    "--speed",
    callback=_speed,
    default="max",
    show_default=True,
    metavar="real|N|max",
    help="At its own pace, N times as fast, or as fast as possible.",
)
@click.option("--type", "types", multiple=True, metavar="PATTERN", help="Feed exactly such events.")
@click.option("--since", metavar="TIME", help="Feed nothing that was published earlier.")
@click.option("--until", metavar="TIME", help="Feed nothing that was published later.")
@click.option("--correlation", metavar="ID", help="Feed only the chain that began with this event.")
@click.option(
    "--ignore", multiple=True, metavar="FIELD", help="A field that may differ: data.price."
)
@click.option(
    "--with",
    "kept",
    multiple=True,
    metavar="PLUGIN",
    help="Run this one, too, although it reaches outside.",
)
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
        since_ns, until_ns = _times(connection, run, since, until)
        recording = Recording(connection, run, Choice(types, since_ns, until_ns, correlation))
        trial = try_out(
            place.given,
            recording,
            pace=speed,
            kept=kept,
            ignored=ignore,
            compare=not no_compare,
            bar=not as_json,
        )
        if as_json:
            print_json(trial_json(recording, trial))
        else:
            print_trial(recording, trial)
    click.get_current_context().exit(_exit_code(trial))


def _times(
    connection: apsw.Connection, run: Run, since: str | None, until: str | None
) -> tuple[int | None, int | None]:
    """Both times; a span is meant before the end of the run."""
    end_ns = value(connection, "SELECT max(time_ns) FROM events WHERE run = ?", (run.number,))
    since_ns, until_ns = (one and parse_time(one, end_ns) for one in (since, until))
    if since_ns and until_ns and since_ns > until_ns:
        raise UsageError(f"--since {since} is later than --until {until}")
    return since_ns or None, until_ns or None


def _exit_code(trial: Trial) -> int:
    same = trial.verdict is None or trial.verdict.same
    return 0 if same and trial.played.complete else 1
