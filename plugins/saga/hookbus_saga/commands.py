"""The command `hookbus saga`: asks the running host, or looks into the journal where none runs."""

from __future__ import annotations

import json
from typing import Any

import click
from hookbus.commands import (
    Given,
    ask,
    configuration_options,
    is_running,
    json_option,
    print_json,
    print_pairs,
    print_table,
)

from hookbus_saga import kept

__all__ = ["saga"]


@click.group()
def saga() -> None:
    """Show sagas, also when no host runs, and have the running host resume one that is parked."""


@saga.command("list")
@click.option(
    "--ended", type=click.IntRange(0), default=0, help="How many that have ended to show."
)
@configuration_options
@json_option
def list_sagas(given: Given, as_json: bool, ended: int) -> None:
    """List what is open, parked sagas too."""
    if is_running(given):
        found = ask(given, "saga", "list", ended=ended)
    else:
        found = kept.listed(given, ended)
    if as_json:
        print_json(found)
        return
    columns = ("id", "name", "state", "step", "begun", "reason")
    rows = [[one[column] for column in columns] for one in found]
    print_table([column.capitalize() for column in columns], rows)


@saga.command()
@click.argument("id")
@configuration_options
@json_option
def show(given: Given, as_json: bool, id: str) -> None:  # noqa: A002 - the word of the command
    """Show what saga ID was begun with, and what became of each step."""
    running = is_running(given)
    found = ask(given, "saga", "show", saga_id=id) if running else kept.find(given, id)
    _print(found, as_json=as_json)


@saga.command()
@click.argument("id")
@configuration_options
@json_option
def resume(given: Given, as_json: bool, id: str) -> None:  # noqa: A002
    """Let the parked saga ID go on undoing, with all its attempts."""
    _print(ask(given, "saga", "resume", saga_id=id), as_json=as_json)


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    steps, data = found.pop("steps"), found.pop("data")
    print_pairs({key.capitalize(): value for key, value in found.items() if value})
    click.echo()
    columns = ("name", "state", "attempts", "ended", "reason")
    print_table(
        [column.capitalize() for column in columns],
        [[one[column] for column in columns] for one in steps],
    )
    recorded = {"begun with": data} | {one["name"]: one["data"] for one in steps}
    for name, values in recorded.items():
        if values:
            click.echo(f"\n{name}: {json.dumps(values, ensure_ascii=False)}")
