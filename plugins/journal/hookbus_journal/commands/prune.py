"""`hookbus journal prune`."""

from __future__ import annotations

from functools import partial

import apsw
import click
from hookbus import SystemClock
from hookbus.commands import json_option, print_json, progress_bar

from hookbus_journal import retention
from hookbus_journal.commands.place import Place, journal_options, store_of
from hookbus_journal.commands.texts import counted, size
from hookbus_journal.session import DAY_NS
from hookbus_journal.settings import JournalSettings
from hookbus_journal.sql import value


@click.command(short_help="Remove events that are too old or too much.")
@click.option(
    "--keep-days",
    type=click.FloatRange(0),
    metavar="DAYS",
    help="Remove what is older; default: keep_days of the settings.",
)
@click.option(
    "--keep-bytes",
    type=click.IntRange(0),
    metavar="BYTES",
    help="Remove until the rest fits; default: keep_bytes of the settings.",
)
@journal_options
@json_option
def prune(keep_days: float | None, keep_bytes: int | None, place: Place, as_json: bool) -> None:
    """Remove the oldest events, which the host also does by itself from time to time.

    What a consumer has not finished, and all that comes after it, stays. The file keeps its size:
    the room inside of it is used for what comes.
    """
    settings = place.settings
    days = settings.keep_days if keep_days is None else keep_days
    limits = {
        "before_ns": SystemClock().now_ns() - round(days * DAY_NS),
        "keep_bytes": settings.keep_bytes if keep_bytes is None else keep_bytes,
    }
    removed = _remove(place, settings, limits)
    with place.reading() as connection:
        used, held = retention.used_bytes(connection), _held(connection, limits)
    if as_json:
        print_json({"removed": removed, "bytes": used, "held_by": held})
    else:
        click.echo(f"{counted(removed, 'event')} removed; what is kept takes {size(used)}")
        for name in held:
            click.echo(f"older ones are kept for the consumer {name}, which has not finished them")


def _remove(place: Place, settings: JournalSettings, limits: dict[str, int]) -> int:
    removed = 0
    step = partial(_step, settings=settings, limits=limits)
    with place.changing() as hands, progress_bar("removing events") as done:
        while count := hands.do("prune", step, **limits):
            removed += count
            done(removed)
    return removed


def _step(connection: apsw.Connection, *, settings: JournalSettings, limits: dict[str, int]) -> int:
    store = store_of(connection, settings)
    return 0 if store is None else retention.prune(store, **limits)


def _held(connection: apsw.Connection, limits: dict[str, int]) -> list[str]:
    """The consumers without which more would have been removed."""
    first = retention.needed_from(connection)
    if first is None:
        return []
    sql = "SELECT time_ns FROM events WHERE position = ?"
    too_old = value(connection, sql, (first,)) < limits["before_ns"]
    if not too_old and retention.used_bytes(connection) <= limits["keep_bytes"]:
        return []
    return [one.consumer for one in retention.waiting(connection) if one.first == first]
