"""`hookbus ledger`: the books of the running host."""

from __future__ import annotations

from typing import Any

import click

from hookbus.cli.options import Given, configuration_options, json_option
from hookbus.cli.output import print_json, print_table

ENDS = {
    "delivered": "Delivered",
    "filtered": "Filtered",
    "coalesced": "Coalesced",
    "lagged": "Lagged",
    "dead_lettered": "Dead",
    "pending": "Pending",
    "abandoned": "Abandoned",
}
"""What can become of an event that a subscription matches, and how it is headed."""


@click.command()
@configuration_options
@json_option
def ledger(given: Given, as_json: bool) -> None:
    """Show what became of every event of the running host, for each subscription.

    What a subscription matched is what was delivered, filtered, coalesced, lost because it lagged,
    dead-lettered, is pending, or was abandoned when it closed. Where that does not add up, the
    account comes first, the host publishes hookbus.ledger.discrepancy, and the exit code is 1.
    """
    from hookbus.control.client import require

    with require(given.config().state_dir) as client:
        books = client.ask("ledger")
    if as_json:
        print_json(books)
    else:
        _print(books)
    click.get_current_context().exit(0 if books["accounted_for"] else 1)


def _print(books: dict[str, Any]) -> None:
    for detail in books["discrepancies"]:
        click.secho(f"discrepancy: {detail}", fg="red")
    verdict = "every one accounted for" if books["accounted_for"] else "NOT all accounted for"
    cut = f", {books['cut']:,} cut" if books["cut"] else ""
    click.echo(f"{books['run']}: {books['published']:,} events published, {verdict}{cut}\n")
    accounts = sorted(books["accounts"], key=lambda one: one["unaccounted"] == 0)
    numbers = ("Matched", *ENDS.values())
    columns = ("Plugin", "Subscription", *numbers)
    rows = [_row(one) for one in accounts]
    if not books["accounted_for"]:
        columns, numbers = (*columns, "Unaccounted"), (*numbers, "Unaccounted")
        rows = [(*row, _count(one["unaccounted"])) for row, one in zip(rows, accounts, strict=True)]
    print_table(columns, rows, keep=("Plugin", "Subscription", *numbers), right=numbers)


def _row(account: dict[str, Any]) -> tuple[Any, ...]:
    counts = (account["matched"], *(account[end] for end in ENDS))
    return account["plugin"], account["name"], *map(_count, counts)


def _count(number: int) -> str | None:
    return f"{number:,}" if number else None
