"""`hookbus health`: how a running host stands, from its watchdog's file, for people and probes."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from hookbus import SystemClock
from hookbus_trading.fields import HealthLevel

from hookbus_health.levels import SEVERITY

DEFAULT_FILE = Path(".hookbus/health/watchdog.json")
"""Where the plugin writes its file unless the state folder, the host's or the file is set."""

INTERVALS = 3
"""Intervals that the file may be old unless `--max-age` says otherwise."""


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
    if sign is not None:
        sign["age"] = (SystemClock().now() - sign.pop("when")).total_seconds()
        trouble = find_trouble(sign, max_age, fail_on)
    if as_json:
        click.echo(json.dumps({"ok": not trouble, "trouble": trouble, **(sign or {})}, indent=2))
    else:
        _print(sign, trouble)
    click.get_current_context().exit(1 if trouble else 0)


def read_sign(file: Path) -> tuple[dict[str, Any] | None, str]:
    """What the file says, with its time as `when`; or None, and what is wrong with it."""
    try:
        sign = json.loads(file.read_text(encoding="utf-8"))
        sign["when"] = datetime.fromisoformat(sign["time"])
        if sign["status"] not in SEVERITY or not float(sign["interval"]) > 0:
            raise ValueError("its status or its interval makes no sense")
        if sign["when"].tzinfo is None:
            raise ValueError("its time has no offset")
        return {"components": {}, "state": "", "reason": "", **sign}, ""
    except FileNotFoundError:
        return None, f"there is no {file}; name the file of a host that runs the plugin health"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return None, f"{file} is no watchdog's file: {type(error).__name__}: {error}"


def find_trouble(sign: dict[str, Any], max_age: float | None, fail_on: HealthLevel) -> str:
    """Why the host does not count as alive and well, empty where it does."""
    limit = INTERVALS * sign["interval"] if max_age is None else max_age
    if sign["state"] == "stopped":
        return f"the host stopped {sign['age']:.1f} s ago"
    if abs(sign["age"]) > limit:
        return f"the last sign of life is {sign['age']:.1f} s old, more than {limit:g} s"
    if SEVERITY[sign["status"]] >= SEVERITY[fail_on]:
        return f"the system is {sign['status']}: {sign['reason']}"
    return ""


def _print(sign: dict[str, Any] | None, trouble: str) -> None:
    if trouble:
        click.echo(trouble, err=True)
    if sign is None:
        return
    rows = [("system", sign["status"], sign["reason"])]
    rows += [(name, one["status"], one["reason"]) for name, one in sign["components"].items()]
    width = max(len(name) for name, _, _ in rows)
    for name, status, reason in rows:
        click.echo(f"{name:{width}}  {status:8}  {reason}".rstrip())
