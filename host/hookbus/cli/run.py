"""`hookbus run`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookbus.cli.options import configuration_options, json_option, load
from hookbus.logs import LEVELS

if TYPE_CHECKING:
    from hookbus.host import Host
    from hookbus.runreport import RunReport

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.command()
@click.argument("config", required=False)
@configuration_options
@click.option("--events", "events", metavar="FILE", help="Write every event to a JSON Lines file.")
@click.option("--pace", type=float, help="Simulated seconds per real second.")
@click.option("--strict", is_flag=True, help="End when any plugin fails (exit code 3).")
@click.option("--safe-mode", is_flag=True, help="Load no plugins.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
@click.option("--no-progress", is_flag=True, help="Show no progress bar.")
@json_option
def run(
    config: str | None,
    config_path: str | None,
    overrides: tuple[str, ...],
    files: tuple[str, ...],
    events: str | None,
    pace: float | None,
    strict: bool,
    safe_mode: bool,
    log_level: str,
    no_progress: bool,
    as_json: bool,
) -> None:
    """Run the host that CONFIG describes (default: hookbus.toml).

    Under the simulated clock it ends with its data, otherwise with Ctrl-C.
    """
    from hookbus.host import Host
    from hookbus.logs import make_logger

    if pace is not None:
        overrides = (*overrides, f"clock.pace={pace}")
    settings = load(config or config_path, overrides, files)
    host = Host(
        settings,
        record_to=Path(events) if events else None,
        strict=strict,
        safe_mode=safe_mode,
        log=make_logger(log_level),
    ).load()
    began = time.perf_counter()
    report = _run(host, bar=not (no_progress or as_json))
    _print(host, report, time.perf_counter() - began, as_json=as_json)
    _leave(host, report.exit_code)


def _run(host: Host, *, bar: bool) -> RunReport:
    from hookbus.cli.progress import progress
    from hookbus.loop import run as run_on_loop

    async def main() -> RunReport:
        _obey_signals(host)
        with progress(host, shown=bar):
            return await host.run()

    return run_on_loop(main(), host.clock)


def _obey_signals(host: Host) -> None:
    loop = asyncio.get_running_loop()
    counts = dict.fromkeys(SIGNALS, 0)

    def obey(number: signal.Signals) -> None:
        counts[number] += 1
        if counts[number] > 1:
            click.echo("hookbus: ended at once; what was pending is lost", err=True)
            os._exit(128 + number)
        host.request_stop(f"{number.name} received")

    for number in SIGNALS:
        loop.add_signal_handler(number, obey, number)


def _print(host: Host, report: RunReport, seconds: float, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_as_json(host, report, seconds), indent=2))
        return
    from hookbus.cli.summary import print_summary

    print_summary(host, report, seconds)


def _as_json(host: Host, report: RunReport, seconds: float) -> dict[str, Any]:
    ledger = report.ledger
    return {
        "reason": report.reason,
        "exit_code": report.exit_code,
        "seconds": round(seconds, 3),
        "events_per_second": round(ledger.published / seconds) if seconds else None,
        "summaries": {one.title: dict(one.rows) for one in report.summaries},
        "ledger": {
            "published": ledger.published,
            "accounted_for": not ledger.discrepancies,
            "discrepancies": list(ledger.discrepancies),
            "by_type": ledger.by_type,
            "delivered": ledger.total("delivered"),
            "filtered": ledger.total("filtered"),
            "coalesced": ledger.total("coalesced"),
            "lagged": ledger.total("lagged"),
            "dead_lettered": ledger.total("dead_lettered"),
            "abandoned": ledger.total("abandoned"),
            "cut": ledger.cut,
        },
        "failed_sources": list(report.failed_sources),
        "failed_plugins": [
            {"name": name, "phase": record.phase, "reason": record.reason, "mend": record.mend}
            for name in report.failed_plugins
            for record in [host.records[name]]
        ],
    }


def _leave(host: Host, exit_code: int) -> None:
    """End the process even where a plugin left a thread that does not end."""
    left = [
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon and thread.is_alive()
    ]
    if left:
        host.log.warning("threads that do not end were left behind", threads=left)
    sys.stdout.flush()
    sys.stderr.flush()
    if left:
        os._exit(exit_code)
    sys.exit(exit_code)
