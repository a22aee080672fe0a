"""`hookbus why` and `hookbus why-not`."""

from __future__ import annotations

from pathlib import Path

import click
from hookbus.commands import json_option, print_json

from hookbus_journal.commands.place import Place, journal_options

__all__ = ["why", "why_not"]

MOST = 200
"""Events that `--forward` and `--html` show unless `--limit` says otherwise."""


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--forward", is_flag=True, help="Show what followed from it, too.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=MOST,
    show_default=True,
    help="Most events that are shown of what followed.",
)
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw causes and effects into a page instead.",
)
@journal_options
@json_option
def why(
    id_: str, forward: bool, limit: int, page: Path | None, place: Place, as_json: bool
) -> None:
    """Tell how an event came about, from its first cause on, by the journal.

    ID is the id of an event (run-17), its end, its number in the newest run, or the id of an order
    or a fill: then its newest event.
    """
    from hookbus_journal.why.lookup import find_event
    from hookbus_journal.why.page import make_page
    from hookbus_journal.why.reader import Reader
    from hookbus_journal.why.story import tell_story
    from hookbus_journal.why.telling import print_story, story_json

    with place.reading() as connection:
        reader = Reader(connection)
        story = tell_story(reader, find_event(reader, id_), limit if forward or page else None)
    if page is not None:
        page.write_text(make_page(story), encoding="utf-8")
        click.echo(f"{page}: {page.stat().st_size:,} bytes", err=as_json)
    if as_json:
        print_json(story_json(story))
    elif page is None:
        print_story(story)


@click.command("why-not")
@click.argument("type_", metavar="[TYPE]", required=False)
@click.option("--key", metavar="KEY", help="What it should have been about, such as a symbol.")
@click.option("--since", metavar="TIME", help="From then on; default: the start of the newest run.")
@click.option("--until", metavar="TIME", help="Until then; default: now, or the end of that run.")
@click.option(
    "--to", metavar="SUBSCRIPTION", help="The subscription that should have got it: risk:signals."
)
@journal_options
@json_option
def why_not(
    type_: str | None,
    key: str | None,
    since: str | None,
    until: str | None,
    to: str | None,
    place: Place,
    as_json: bool,
) -> None:
    """Tell what kept events of a TYPE from happening, by the journal.

    TIME is a date with or without a time of day, in UTC, or a span such as 2h for two hours ago.
    Exit code 0 with an explanation, 1 where the record has none.
    """
    from hookbus_journal.lock import holder
    from hookbus_journal.why.answer import explain
    from hookbus_journal.why.question import ask
    from hookbus_journal.why.reader import Reader
    from hookbus_journal.why.telling_not import answer_json, print_answer

    with place.reading() as connection:
        reader = Reader(connection)
        question = ask(reader, type_, key, since, until, to)
        running = holder(place.path.with_suffix(".lock")) is not None
        answer = explain(reader, question, running=running)
    if as_json:
        print_json(answer_json(answer))
    else:
        print_answer(answer)
    click.get_current_context().exit(0 if answer.explains else 1)
