"""`hookbus journal export`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw
import click
from hookbus import JournalError, StoredEvent, UsageError
from hookbus.commands import json_option, print_json, progress_bar

from hookbus_journal.commands.place import Place, journal_options
from hookbus_journal.commands.texts import counted, size
from hookbus_journal.names import matching
from hookbus_journal.rows import SELECT, stored
from hookbus_journal.sql import rows, value

PAGE: Final = 2_000
"""Events that are read and written at once."""


@click.command(short_help="Write a run's events to a file: JSON Lines or Parquet.")
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--run", "run", metavar="RUN", help="Which run; default: the newest one.")
@click.option("--all-runs", is_flag=True, help="All runs, one after the other.")
@click.option(
    "--type", "patterns", multiple=True, metavar="PATTERN", help="Only such events: 'trade.*'."
)
@journal_options
@json_option
def export(
    target: Path,
    run: str | None,
    all_runs: bool,
    patterns: tuple[str, ...],
    place: Place,
    as_json: bool,
) -> None:
    """Write the events of a run to FILE, in the order of their sequence.

    FILE.jsonl gets the lines that `hookbus run --events` writes, and `hookbus compare` reads it.
    FILE.parquet gets a table; this needs pyarrow: pip install 'hookbus-journal[parquet]'.
    """
    if run is not None and all_runs:
        raise click.UsageError("Both --run and --all-runs are given; keep one.")
    write = _writer(target)
    with place.reading() as connection:
        chosen = _chosen(connection, run, all_runs)
        numbers = _types(connection, patterns)
        total = _count(connection, chosen, numbers)
        with _drafted(target) as draft, progress_bar("exporting", total=total) as done:
            written = write(draft, _pages(connection, chosen, numbers), done)
        missing = _not_recorded(connection, chosen)
    _tell(target, written, missing, as_json)


@contextmanager
def _drafted(target: Path) -> Iterator[Path]:
    """A file that gets its name when it is whole, and goes when it does not come to that."""
    draft = target.with_name(f"{target.name}.part")
    try:
        yield draft
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _writer(target: Path) -> Any:
    if target.suffix in (".jsonl", ".ndjson"):
        return _write_lines
    if target.suffix == ".parquet":
        try:
            from hookbus_journal.commands.parquet import write_table
        except ImportError:
            text = "Parquet needs pyarrow: pip install 'hookbus-journal[parquet]'"
            raise UsageError(text) from None
        return write_table
    raise UsageError(f"{target} is neither .jsonl nor .parquet, which say what is written")


def _write_lines(target: Path, pages: Iterator[list[StoredEvent]], done: Any) -> int:
    written = 0
    with target.open("w", encoding="utf-8", newline="\n") as file:
        for page in pages:
            file.writelines(f"{event.to_json()}\n" for event in page)
            written += len(page)
            done(written)
    return written


def _chosen(connection: apsw.Connection, run: str | None, all_runs: bool) -> list[int]:
    """The numbers of the runs that are meant."""
    found = rows(
        connection,
        "SELECT id, name FROM runs WHERE id IN (SELECT DISTINCT run FROM events) ORDER BY id",
    )
    if not found:
        raise JournalError("the journal has no events")
    if all_runs:
        return [number for number, _ in found]
    chosen = [number for number, name in found if run in (None, name)]
    if not chosen:
        names = ", ".join(name for _, name in found[-5:])
        raise UsageError(f"the journal has no events of a run {run!r}; it has some of {names}")
    return chosen[-1:]


def _types(connection: apsw.Connection, patterns: tuple[str, ...]) -> list[int] | None:
    """The numbers of the types that are meant; None for all."""
    if not patterns:
        return None
    numbers = matching(rows(connection, "SELECT id, name FROM types"), patterns)
    if not numbers:
        raise UsageError(f"no event type in the journal matches {', '.join(patterns)}")
    return numbers


def _count(connection: apsw.Connection, runs: list[int], types: list[int] | None) -> int:
    sql = f"SELECT count(*) FROM events WHERE run IN ({_list(runs)}) {_of(types)}"
    number: int = value(connection, sql)
    return number


def _pages(
    connection: apsw.Connection, runs: list[int], types: list[int] | None
) -> Iterator[list[StoredEvent]]:
    """The events of some runs in order, a few at a time, so that no read takes long."""
    for run in runs:
        after = -1
        sql = f"{SELECT} WHERE run = ? AND sequence > ? {_of(types)} ORDER BY sequence LIMIT ?"
        while page := [stored(one) for one in rows(connection, sql, (run, after, PAGE))]:
            yield page
            after = page[-1].sequence


def _of(types: list[int] | None) -> str:
    return "" if types is None else f"AND +type IN ({_list(types)})"


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def _not_recorded(connection: apsw.Connection, runs: list[int]) -> int:
    sql = f"SELECT ifnull(sum(count), 0) FROM gaps WHERE run IN ({_list(runs)})"
    number: int = value(connection, sql)
    return number


def _tell(target: Path, written: int, missing: int, as_json: bool) -> None:
    length = target.stat().st_size
    if as_json:
        print_json(
            {"file": str(target), "events": written, "bytes": length, "not_recorded": missing}
        )
        return
    click.echo(f"{target}: {counted(written, 'event')}, {size(length)}")
    if missing:
        click.echo(f"{counted(missing, 'event')} of it had not been recorded", err=True)
