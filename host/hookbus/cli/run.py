"""`hookbus run`."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookbus.cli.options import DEFAULT_FILE, Given, configuration_options, json_option
from hookbus.cli.output import print_json, printing_to_stderr
from hookbus.cli.running import load_host, run_host
from hookbus.errors import PluginError, UsageError
from hookbus.logs import LEVELS

if TYPE_CHECKING:
    from hookbus.host import Host
    from hookbus.runreport import RunReport

REPORT = "report"
"""The plugin that `--report` is meant for."""


@click.command()
@click.argument("config", required=False)
@configuration_options
@click.option("--events", "events", metavar="FILE", help="Write every event to a JSON Lines file.")
@click.option(
    "--report", metavar="FILE", help="Write a report of the run: .html, or .json (hookbus-report)."
)
@click.option(
    "--pace",
    type=click.FloatRange(0, min_open=True),
    help="Simulated seconds per real second (default: as fast as possible).",
)
@click.option("--strict", is_flag=True, help="End when any plugin fails (exit code 3 or 4).")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
@click.option("--no-progress", is_flag=True, help="Show no progress bar.")
@json_option
def run(
    config: str | None,
    given: Given,
    events: str | None,
    report: str | None,
    pace: float | None,
    strict: bool,
    log_level: str,
    no_progress: bool,
    as_json: bool,
) -> None:
    """Run the host that CONFIG describes (default: hookbus.toml).

    Under the simulated clock it ends with its data, otherwise with Ctrl-C; a second Ctrl-C ends it
    at once.
    """
    given = given.at(config)
    if pace is not None:
        given = given.setting(f"clock.pace={pace}")
    report_to = Path(report).absolute() if report else None
    if report_to is not None:
        given = _reporting(given, report_to)
    record_to = Path(events) if events else None
    with printing_to_stderr() if as_json else nullcontext():
        host = _load(given, record_to=record_to, strict=strict, log_level=log_level)
        if pace is not None and not host.clock.simulated:
            raise UsageError("--pace needs the simulated clock: add --set clock.mode=simulated")
        began = time.perf_counter()
        ended = run_host(host, bar=not (no_progress or as_json), controlled=True)
    code = exit_code(host, ended)
    _print(host, ended, time.perf_counter() - began, code, report_to, as_json=as_json)
    click.get_current_context().exit(code)


def _reporting(given: Given, path: Path) -> Given:
    """The same with a report at `path`, without which the run is no success."""
    from hookbus.plugins.discovery import PLUGIN_GROUP, installed

    if given.safe_mode:
        raise UsageError(
            "--report needs a plugin, and --safe-mode loads none: leave one of them out"
        )
    if all(entry.name != REPORT for entry in installed(PLUGIN_GROUP)):
        raise UsageError(
            "--report needs a plugin that is not installed: pip install hookbus-report"
        )
    for setting in (f"file={path}", "enabled=true", "required=true"):
        given = given.setting(f"plugins.{REPORT}.{setting}")
    return given


def _load(given: Given, *, record_to: Path | None, strict: bool, log_level: str) -> Host:
    if given.file is None:
        from hookbus.cli.terminal import CurrentStderr
        from hookbus.logs import make_logger

        log = make_logger(log_level, CurrentStderr())
        log.info(f"there is no {DEFAULT_FILE} here; running with defaults")
    return load_host(given, log_level=log_level, record_to=record_to, strict=strict)


def exit_code(host: Host, report: RunReport) -> int:
    """The exit code of a run: 3 where a required plugin failed on the way, else the report's."""
    ended = (host.records[name] for name in report.failed_plugins)
    if any(host.strict or record.required for record in ended):
        return PluginError.exit_code
    return report.exit_code


def _print(
    host: Host,
    report: RunReport,
    seconds: float,
    code: int,
    report_to: Path | None,
    *,
    as_json: bool,
) -> None:
    written = None if REPORT in report.failed_plugins else report_to
    if as_json:
        print_json(_as_json(host, report, seconds, code) | {"report": _file_as_json(written)})
        return
    from hookbus.cli.summary import print_summary

    print_summary(host, report, seconds)
    if written is not None:
        click.echo(f"report: {written}, {written.stat().st_size:,} bytes")


def _file_as_json(path: Path | None) -> dict[str, Any] | None:
    return None if path is None else {"path": str(path), "bytes": path.stat().st_size}


def _as_json(host: Host, report: RunReport, seconds: float, code: int) -> dict[str, Any]:
    from hookbus.control.descriptions import describe_books

    published = report.ledger.published
    return {
        "reason": report.reason,
        "exit_code": code,
        "seconds": round(seconds, 3),
        "events_per_second": round(published / seconds) if seconds else None,
        "summaries": {one.title: dict(one.rows) for one in report.summaries},
        "ledger": describe_books(report.ledger),
        "recording_error": report.recording_error,
        "failed_sources": list(report.failed_sources),
        "failed_plugins": [
            {"name": name, "phase": record.phase, "reason": record.reason, "mend": record.mend}
            for name in report.failed_plugins
            for record in [host.records[name]]
        ],
    }
