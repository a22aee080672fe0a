"""`hookbus events`: list, tail and emit."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import click

from hookbus.cli.options import Given, configuration_options, json_option
from hookbus.cli.output import fields_in_short, print_json, print_problems, print_table
from hookbus.errors import ConfigurationError


@click.group()
def events() -> None:
    """List event types; follow and publish events."""


@events.command("list", short_help="List event types.")
@click.argument("pattern", default="*")
@configuration_options
@json_option
def list_events(pattern: str, given: Given, as_json: bool) -> None:
    """List the event types that the host and its plugins declare; --json adds their schemas."""
    from hookbus.control.descriptions import describe_event_type

    assembly = given.assembly()
    found = [describe_event_type(cls, assembly.registry) for cls in assembly.registry]
    found = [one for one in found if fnmatchcase(one["type"], pattern)]
    if as_json:
        print_json(found)
    elif found:
        columns = ("Type", "Version", "Key", "Owner", "Flags", "Description")
        rows = [_row(one) for one in found]
        print_table(columns, rows, keep=("Type", "Key", "Owner"))
    else:
        click.echo(f"No event type matches {pattern!r}.")
    if assembly.problems:
        print_problems(assembly.problems)
        click.get_current_context().exit(ConfigurationError.exit_code)


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    flags = ", ".join(one["flags"]) or None
    return one["type"], one["version"], one["key"], one["owner"], flags, one["description"]


@events.command("tail", short_help="Follow the events of the running host.")
@click.argument("pattern", default="*")
@click.option("--history", type=click.IntRange(0), default=0, help="Begin with N past events.")
@click.option("--since", metavar="TIME", help="Begin with all that is kept since TIME.")
@click.option("--where", metavar="EXPRESSION", help="Only events such as \"symbol == 'BTC'\".")
@click.option("-n", "--count", type=click.IntRange(1), help="End after N events.")
@configuration_options
@click.option("--json", "as_json", is_flag=True, help="Print CloudEvents, one on each line.")
def tail_events(
    pattern: str,
    history: int,
    since: str | None,
    where: str | None,
    count: int | None,
    given: Given,
    as_json: bool,
) -> None:
    """Follow the events of the running host whose types match PATTERN, until Ctrl-C.

    With the plugin journal the past reaches back over earlier runs; --since needs it. TIME is a
    date with or without a time of day, in UTC, or a span such as 2h for two hours ago.
    """
    from hookbus.control.client import require

    seen = 0
    with require(given.config().state_dir) as client:
        try:
            for message in client.follow(
                pattern=pattern, history=history, since=since, where=where
            ):
                seen += _print_message(message, as_json=as_json)
                if seen == count:
                    return
        except KeyboardInterrupt:
            return
    click.echo("hookbus: the host has ended", err=True)


def _print_message(message: dict[str, Any], *, as_json: bool) -> int:
    """Print what came; 1 for an event, 0 for anything else."""
    if "event" in message:
        event = message["event"]
        click.echo(json.dumps(event, ensure_ascii=False) if as_json else _line(event))
        return 1
    if "lagged" in message:
        click.echo(f"hookbus: {message['lagged']} events were lost: too slow", err=True)
    else:
        click.echo(f"hookbus: {message.get('notice', message)}", err=True)
    return 0


def _line(event: dict[str, Any]) -> str:
    source = event["source"].removeprefix("/hookbus/")
    fields = fields_in_short(event["data"])
    moment = event["time"].replace("T", " ").removesuffix("Z")[:23]
    head = click.style(moment, dim=True), click.style(event["type"], bold=True)
    return f"{head[0]} {head[1]} {fields} {click.style(f'({source})', dim=True)}"


@events.command("emit", short_help="Publish an event into the running host.")
@click.argument("event_type", metavar="TYPE")
@click.argument("fields", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--data", metavar="JSON", help="The fields as one JSON object.")
@configuration_options
@json_option
def emit_event(
    event_type: str, fields: tuple[str, ...], data: str | None, given: Given, as_json: bool
) -> None:
    """Publish an event into the running host: hookbus events emit trading.halted reason=test.

    Values are JSON where the field accepts that, and plain text otherwise.
    """
    from hookbus.control.client import require

    whole, texts = _object(data), dict(_pair(field) for field in fields)
    with require(given.config().state_dir) as client:
        answer = client.ask("events.emit", type=event_type, data=whole, texts=texts)
    if as_json:
        print_json(answer)
    else:
        matched = answer["matched"]
        noun = "subscription" if matched == 1 else "subscriptions"
        click.echo(f"{answer['id']}: {matched} {noun} matched")


def _object(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        data = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"this is no JSON: {error}.", param_hint="--data") from None
    if not isinstance(data, dict):
        raise click.BadParameter('write an object, {"key": value}.', param_hint="--data")
    return data


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is not of the form key=value.", param_hint="KEY=VALUE")
    return key, value
