"""`hookbus health`: how a running host stands, from its watchdog's file, for people and probes."""

from __future__ import annotations

import json
from pathlib import Path

import click
from hookbus import SystemClock
from hookbus_trading.fields import HealthLevel
from pydantic import ValidationError

from hookbus_health.board import SYSTEM
from hookbus_health.levels import SEVERITY
from hookbus_health.sign import Sign

DEFAULT_FILE = Path(".hookbus/health/watchdog.json")
"""Where the plugin writes its file unless the state folder, the host's or the file is set."""

INTERVALS = 3
"""Intervals that the last sign of life may be old unless `--max-age` says otherwise."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_FILE)
@click.option(
    "--max-age",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help=f"How old the last sign of life may be; default: {INTERVALS} of the host's intervals.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["degraded", "critical"]),
    default="critical",
    show_default=True,
    help="The mildest status of the system that counts as a failure.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def health(file: Path, max_age: float | None, fail_on: HealthLevel, as_json: bool) -> None:
    """Tell how a running host stands, from the FILE that its watchdog writes.

    FILE is .hookbus/health/watchdog.json unless it is named. Exit code 0: alive and well enough;
    1: not, or there is no such file.
    """
    sign, trouble = read_sign(file)
    age = 0.0
    if sign is not None:
        age = (SystemClock().now() - sign.time).total_seconds()
        limit = INTERVALS * sign.interval if max_age is None else max_age
        trouble = find_trouble(sign, age, limit, fail_on)
    if as_json:
        data = {} if sign is None else {"age": age, **sign.model_dump(mode="json")}
        click.echo(json.dumps({"ok": not trouble, "trouble": trouble, **data}, indent=2))
    else:
        _print(sign, trouble)
    click.get_current_context().exit(1 if trouble else 0)


def read_sign(file: Path) -> tuple[Sign | None, str]:
    """What the file holds; or None, and what is wrong with it."""
    try:
        return Sign.model_validate_json(file.read_bytes()), ""
    except FileNotFoundError:
        return None, f"there is no {file}; name the file of a host that runs the plugin health"
    except OSError as error:
        return None, f"{file} cannot be read: {error.strerror}"
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        return None, f"{file} is no watchdog's file: {key and f'{key}: '}{first['msg']}"


def find_trouble(sign: Sign, age: float, limit: float, fail_on: HealthLevel) -> str:
    """Why the host does not count as alive and well, empty where it does.

    `age` is that of the sign and `limit` how old it may be, in seconds. A sign from the future is
    as bad as an old one, because the clock was set and nobody knows how old it is.
    """
    if sign.state == "stopped":
        return f"the host stopped {age:.1f} s ago"
    if abs(age) > limit:
        return f"the last sign of life is {age:.1f} s old, more than {limit:g} s"
    if SEVERITY[sign.status] >= SEVERITY[fail_on]:
        return f"the system is {sign.status}: {sign.reason}"
    return ""


def _print(sign: Sign | None, trouble: str) -> None:
    if trouble:
        click.echo(trouble, err=True)
    if sign is None:
        return
    rows = {SYSTEM: sign, **sign.components}
    width = max(len(name) for name in rows)
    for name, one in rows.items():
        line = f"{name:{width}}  {one.status:8}  {one.reason}".rstrip()
        click.echo("".join(char if char.isprintable() else "?" for char in line))
