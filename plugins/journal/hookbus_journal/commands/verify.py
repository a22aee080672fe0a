"""`hookbus journal verify`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click
from hookbus import JournalError
from hookbus.commands import json_option, print_json, print_table, progress_bar

from hookbus_journal.commands.place import Place, journal_options
from hookbus_journal.sql import value
from hookbus_journal.verification import Finding
from hookbus_journal.verification import verify as make_checks


@click.command(short_help="Check that the journal is whole and fits together.")
@journal_options
@json_option
def verify(place: Place, as_json: bool) -> None:
    """Check the journal: the file, every event, ids, causes, consumers, dead letters, the books.

    It changes nothing, and may run while a host writes. Exit code 1 where something is wrong.
    """
    settings = place.settings
    selective = settings.record != ("*",) or bool(settings.exclude)
    found: list[Finding] = []
    try:
        with place.reading() as connection:
            total: int = value(connection, "SELECT count(*) FROM events")
            with progress_bar("verifying", total=total) as done:
                found.extend(make_checks(connection, selective=selective, done=done))
    except JournalError as error:
        found.append(Finding("file", "", [str(error)]))
    sound = not any(one.faults for one in found)
    if as_json:
        print_json(
            {"file": str(place.path), "sound": sound, "checks": [asdict(one) for one in found]}
        )
    else:
        _print(place, found, sound)
    click.get_current_context().exit(0 if sound else 1)


def _print(place: Place, found: list[Finding], sound: bool) -> None:
    lines = [line for one in sorted(found, key=lambda one: not one.faults) for line in _rows(one)]
    print_table(("Check", "Found", "What"), lines, keep=("Check", "Found"), style="Found")
    verdict = "is sound" if sound else "has problems"
    click.echo(f"\n{place.path} {verdict}")


def _rows(finding: Finding) -> Iterator[tuple[Any, ...]]:
    for fault in finding.faults:
        yield finding.name, "problem", fault
    if not finding.faults:
        yield finding.name, "ok", "; ".join([finding.told, *finding.notes])
