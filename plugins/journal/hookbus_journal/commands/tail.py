"""`hookbus journal tail`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import click
from hookbus import StoredEvent

from hookbus_journal.commands.place import Place, journal_options
from hookbus_journal.commands.texts import event_line
from hookbus_journal.history import latest, page
from hookbus_journal.sql import value

PAUSE: Final = 0.25
"""Seconds between two looks at the journal."""


@click.command(short_help="Show the latest events that are kept.")
@click.argument("pattern", default="*")
@click.option(
    "-n", "--count", type=click.IntRange(0), default=10, show_default=True, help="How many."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with those that come, until Ctrl-C.")
@journal_options
@click.option("--json", "as_json", is_flag=True, help="Print CloudEvents, one on each line.")
def tail(pattern: str, count: int, follow: bool, place: Place, as_json: bool) -> None:
    """Show the latest events that are kept whose types match PATTERN, oldest first.

    This reads the file and needs no host; `hookbus events tail` follows a host's bus.
    """
    with place.reading() as connection:
        last: int = value(connection, "SELECT ifnull(max(position), 0) FROM events")
        found = latest(connection, [pattern], None, count)[::-1]
        _print(found, as_json)
        if count and not found:
            click.echo(f"no event that is kept matches {pattern!r}", err=True)
        try:
            while follow:
                found = page(connection, [pattern], last)
                _print(found, as_json)
                last = found[-1].position if found else last
                if not found:
                    time.sleep(PAUSE)
        except KeyboardInterrupt:
            return


def _print(events: Iterable[StoredEvent], as_json: bool) -> None:
    for event in events:
        click.echo(event.to_json() if as_json else event_line(event))
