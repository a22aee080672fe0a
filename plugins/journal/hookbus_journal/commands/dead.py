"""`hookbus dead`: dead letters, the events that durable consumers gave up."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import apsw
import click
from hookbus import UsageError
from hookbus.commands import fields_in_short, json_option, print_json, print_pairs, print_table

from hookbus_journal import deadletters
from hookbus_journal.commands.place import Place, journal_options
from hookbus_journal.commands.texts import counted, moment
from hookbus_journal.deadletters import Letter
from hookbus_journal.sql import rows

Function = Callable[..., Any]

COLUMNS = ("Id", "Time", "Consumer", "Type", "Key", "Tries", "State", "Error")

AT_ONCE = 500
"""Dead letters that are changed in one step."""


@click.command("list", short_help="List dead letters.")
@click.option("--consumer", metavar="NAME", help="Only those of one consumer.")
@click.option("-n", "--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--after", type=click.IntRange(0), default=0, metavar="ID", help="Beyond this one.")
@journal_options
@json_option
def list_letters(consumer: str | None, limit: int, after: int, place: Place, as_json: bool) -> None:
    """List dead letters, oldest first."""
    with place.reading() as connection:
        found = deadletters.listed(connection, consumer, limit, after)
        total = deadletters.count(connection)
    if as_json:
        print_json([_short_json(one) for one in found])
    elif found:
        keep = ("Id", "Time", "Consumer", "Type", "State")
        print_table(COLUMNS, map(_row, found), keep=keep, right=("Id", "Tries"))
        if len(found) == limit and total > limit:
            click.echo(f"\n{limit:,} of {total:,}; the next ones: --after {found[-1].id}")
    else:
        click.echo("There are no dead letters." if not total else "None of them is meant by that.")


def _row(letter: Letter) -> tuple[Any, ...]:
    return (
        letter.id,
        moment(letter.time_ns),
        letter.consumer,
        letter.type,
        letter.key,
        letter.failures + letter.crashes,
        _state(letter),
        letter.error,
    )


def _state(letter: Letter) -> str:
    return "retrying" if letter.retrying else "dead"


def _short_json(letter: Letter) -> dict[str, Any]:
    found = letter._asdict()
    del found["envelope"], found["traceback"]
    return {**found, "retrying": bool(letter.retrying), "event": json.loads(letter.envelope)["id"]}


@click.command(short_help="Show a dead letter: the event, the error, where it was.")
@click.argument("number", metavar="ID", type=int)
@journal_options
@json_option
def show(number: int, place: Place, as_json: bool) -> None:
    """Show the dead letter ID: the event, what went wrong with it, and how often."""
    with place.reading() as connection:
        letter = deadletters.shown(connection, number)
    if letter is None:
        raise UsageError(f"there is no dead letter {number}; see hookbus dead list")
    if as_json:
        event = json.loads(letter.envelope)
        whole = {**letter._asdict(), "retrying": bool(letter.retrying), "envelope": event}
        print_json(whole)
    else:
        _print(letter)


def _print(letter: Letter) -> None:
    event = json.loads(letter.envelope)
    print_pairs(
        {
            "Dead letter": f"{letter.id}, of {moment(letter.time_ns)} UTC",
            "Consumer": letter.consumer,
            "State": "to be tried again" if letter.retrying else "dead",
            "Failures": letter.failures,
            "Ends of the process": letter.crashes,
            "Event": f"{event['id']}, at position {letter.position:,}",
            "Type": f"{event['type']}, version {event['dataversion']}",
            "Key": letter.key,
            "Published": f"{event['time']} by {event['source'].removeprefix('/hookbus/')}",
            "Caused by": event.get("causationid"),
            "First cause": event["correlationid"],
            "Fields": _fields(event["data"]),
            "Error": letter.error,
        }
    )
    if letter.traceback:
        click.echo(f"\n{letter.traceback.rstrip()}")


def _fields(data: Any) -> str:
    return fields_in_short(data) if isinstance(data, dict) else json.dumps(data)


def chosen(function: Function) -> Function:
    """Add the ways to say which dead letters are meant."""
    function = click.option("--all", "every", is_flag=True, help="All there are.")(function)
    function = click.option("--consumer", metavar="NAME", help="All of one consumer.")(function)
    return click.argument("numbers", metavar="[ID]...", nargs=-1, type=int)(function)


@click.command(short_help="Have dead letters tried again.")
@chosen
@journal_options
@json_option
def retry(
    numbers: tuple[int, ...], consumer: str | None, every: bool, place: Place, as_json: bool
) -> None:
    """Have dead letters tried again, by ID, those of a consumer, or all.

    The consumer gets the same event with the same id and causes: at once where a host runs, else
    when it is back. What fails again stays a dead letter.
    """
    marked, hosted = _change(place, numbers, consumer, every, "retry", _retry_alone)
    if as_json:
        print_json({"retrying": marked})
    else:
        when = "now, or when their consumers are back" if hosted else "when a host runs"
        click.echo(f"{counted(marked, 'dead letter')} will be tried again {when}")


def _retry_alone(connection: apsw.Connection, letters: Sequence[int]) -> int:
    return len(deadletters.retry(connection, letters))


@click.command(short_help="Remove dead letters for good.")
@chosen
@journal_options
@json_option
def discard(
    numbers: tuple[int, ...], consumer: str | None, every: bool, place: Place, as_json: bool
) -> None:
    """Remove dead letters for good, by ID, those of a consumer, or all."""
    removed, _ = _change(place, numbers, consumer, every, "discard", deadletters.discard)
    if as_json:
        print_json({"discarded": removed})
    else:
        click.echo(f"{counted(removed, 'dead letter')} discarded")


def _change(
    place: Place,
    numbers: Sequence[int],
    consumer: str | None,
    every: bool,
    request: str,
    alone: Callable[..., int],
) -> tuple[int, bool]:
    """Change those that are meant; returns how many were changed, and whether a host did it."""
    with place.reading() as connection:
        meant = _meant(connection, numbers, consumer, every)
    done = 0
    with place.changing() as hands:
        for start in range(0, len(meant), AT_ONCE):
            letters = meant[start : start + AT_ONCE]
            done += hands.do(request, partial(alone, letters=letters), letters=letters)
        return done, hands.hosted


def _meant(
    connection: apsw.Connection, numbers: Sequence[int], consumer: str | None, every: bool
) -> list[int]:
    if bool(numbers) + (consumer is not None) + every != 1:
        raise click.UsageError("Name dead letters by their ID, or --consumer, or --all.")
    sql = "SELECT id FROM dead_letters WHERE consumer = ifnull(?, consumer) ORDER BY id"
    found = [number for (number,) in rows(connection, sql, (consumer,))]
    unknown = [str(number) for number in dict.fromkeys(numbers) if number not in found]
    if unknown:
        raise UsageError(f"there is no dead letter {', '.join(unknown)}; see hookbus dead list")
    if consumer is not None and not found:
        raise UsageError(f"the consumer {consumer!r} has no dead letters; see hookbus dead list")
    return list(dict.fromkeys(numbers)) or found
