"""`hookbus compare`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookbus.cli.options import json_option
from hookbus.cli.output import fields_in_short, print_json, print_table

if TYPE_CHECKING:
    from hookbus.comparison import Comparison, FieldDifference, TypeCount
    from hookbus.records import Record, RecordedEvent

PATIENCE = 0.5
"""Seconds that a comparison takes before a progress bar is shown."""


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--ignore",
    multiple=True,
    metavar="FIELD",
    help="A field that may differ, or a pattern: time, data.price, 'data.*_id'.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Compare only events such as 'trading.*', and not their ids and sequences.",
)
@click.option("--all", "count_all", is_flag=True, help="Count what differs in each event type.")
@json_option
def compare(
    a: Path,
    b: Path,
    ignore: tuple[str, ...],
    only: tuple[str, ...],
    count_all: bool,
    as_json: bool,
) -> None:
    """Compare two records of runs, A and B, which `hookbus run --events FILE` has written.

    Names the first event that differs, in what, and how it came about in both. The name of the run
    in the ids of events does not matter. Exit code 0 when they are the same, 1 when they differ.
    """
    from hookbus import comparison
    from hookbus.records import Record

    records = Record(a), Record(b)
    rules = comparison.Rules(only=only, ignored=ignore, counted=not only)
    counts = None
    with _progress(records):
        found = comparison.compare(*records, rules)
        if found.same and not found.equal:
            raise click.UsageError(f"No event of either record matches {', '.join(only)}.")
        if count_all:
            counts = comparison.count_by_type(*records, rules)
    if as_json:
        print_json(_as_json(records, found, counts))
    else:
        _print(records, found, counts)
    click.get_current_context().exit(0 if found.same else 1)


@contextmanager
def _progress(records: tuple[Record, Record]) -> Iterator[None]:
    """Show how much was read, on a terminal, where it takes long."""
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_draw, args=(records, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _draw(records: tuple[Record, Record], ended: threading.Event) -> None:
    if ended.wait(PATIENCE):
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("comparing"), BarColumn(), DownloadColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=sum(record.size for record in records))
        while not ended.wait(0.1):
            bar.update(task, completed=sum(record.position for record in records))


def _print(
    records: tuple[Record, Record], found: Comparison, counts: dict[str, TypeCount] | None
) -> None:
    for name, record in zip("AB", records, strict=True):
        if record.torn:
            click.echo(f"{name} {record.path}: {_torn(record)}", err=True)
    click.echo(_headline(found))
    if found.fields:
        click.echo()
        print_table(("Field", "A", "B"), map(_field_row, found.fields), keep=("Field",))
    for name, record, event in zip("AB", records, (found.a, found.b), strict=True):
        if event is not None:
            _print_chain(name, record, event)
    if counts is not None:
        _print_counts(counts)


def _torn(record: Record) -> str:
    return f"its last line was not written whole ({record.torn:,} bytes), and is left out"


def _headline(found: Comparison) -> str:
    if found.same:
        return f"{_events(found.equal)} compared: the records are the same."
    before = f"{_events(found.equal)} compared equal, then"
    if found.a is None:
        return f"{before} A ends, and B goes on with {_named(found.b)}."
    if found.b is None:
        return f"{before} B ends, and A goes on with {_named(found.a)}."
    if found.a.type != found.b.type:
        return f"{before} A has {_named(found.a)}, and B has {_named(found.b)}."
    return f"{before} {_named(found.a)} of A differs from {_named(found.b)} of B."


def _events(count: int) -> str:
    return f"{count:,} event" if count == 1 else f"{count:,} events"


def _named(event: RecordedEvent | None) -> str:
    return "nothing" if event is None else f"{event.type} (event {event.sequence:,})"


def _field_row(one: FieldDifference) -> tuple[str, str, str]:
    return one.path, _shown(one.a), _shown(one.b)


def _shown(value: Any) -> str:
    from hookbus.comparison import ABSENT

    return repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=False)


def _print_chain(name: str, record: Record, event: RecordedEvent) -> None:
    chain = record.chain(event)
    click.echo(f"\nHow it came about in {name}, {record.path}:")
    if chain.missing is not None:
        click.echo(f"(its cause {chain.missing} is not in the record, or not in its place)")
    columns = ("Event", "Time", "Type", "Key", "Source", "Fields")
    print_table(columns, map(_chain_row, chain.events), keep=columns[:5])


def _chain_row(event: RecordedEvent) -> tuple[Any, ...]:
    attributes = event.attributes
    source = attributes["source"].removeprefix("/hookbus/")
    fields = fields_in_short(attributes["data"])
    return event.sequence, attributes["time"], event.type, attributes.get("subject"), source, fields


def _print_counts(counts: dict[str, TypeCount]) -> None:
    click.echo("\nThe first event of a type in A against the first in B, and so on:")
    rows = [(name, f"{n.a:,}", f"{n.b:,}", f"{n.differ:,}") for name, n in counts.items()]
    print_table(("Type", "In A", "In B", "Differ"), rows, keep=("Type",))


def _as_json(
    records: tuple[Record, Record], found: Comparison, counts: dict[str, TypeCount] | None
) -> dict[str, Any]:
    answer = {
        "same": found.same,
        "equal_events": found.equal,
        "a": _side_json(records[0], found.a),
        "b": _side_json(records[1], found.b),
        "fields": [_field_json(one) for one in found.fields],
    }
    if counts is not None:
        answer["by_type"] = {
            name: {"a": n.a, "b": n.b, "differ": n.differ} for name, n in counts.items()
        }
    return answer


def _side_json(record: Record, event: RecordedEvent | None) -> dict[str, Any]:
    """A record, and the event that differs with its causes before it; none where there is none."""
    chain = None if event is None else record.chain(event)
    return {
        "path": str(record.path),
        "torn_bytes": record.torn,
        "chain": [] if chain is None else [one.attributes for one in chain.events],
        "missing_cause": None if chain is None else chain.missing,
    }


def _field_json(one: FieldDifference) -> dict[str, Any]:
    """The path, and the value on each side that has the field."""
    from hookbus.comparison import ABSENT

    sides = {"a": one.a, "b": one.b}
    return {"path": one.path} | {k: v for k, v in sides.items() if v is not ABSENT}
