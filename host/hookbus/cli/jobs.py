"""`hookbus jobs`: list, preview and run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from hookbus.cli.options import Given, configuration_options, json_option
from hookbus.cli.output import print_json, print_problems, print_table
from hookbus.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from hookbus.plugins.assembly import Assembly
    from hookbus.scheduler.scheduler import Standing


@click.group()
def jobs() -> None:
    """List, preview and run jobs."""


@jobs.command("list", short_help="List the jobs, of the running host if there is one.")
@configuration_options
@json_option
def list_jobs(given: Given, as_json: bool) -> None:
    """List the jobs of the running host or, when there is none, those that plugins declare."""
    found, running = _running_jobs(given), True
    if found is None:
        found, running = _declared_jobs(given), False
    if as_json:
        print_json(found)
        return
    where = "in the running host" if running else "declared; no host is running"
    noun = "job" if len(found) == 1 else "jobs"
    click.echo(f"{len(found) or 'No'} {noun} {where}")
    if found:
        click.echo()
        columns = ("Name", "Runs on", "Schedule", "Next", "Runs so far")
        shown = columns if running else columns[:-1]
        rows = [_row(job)[: len(shown)] for job in found]
        print_table(shown, rows, keep=("Name", "Next"), style="Runs on")


def _row(job: dict[str, Any]) -> tuple[Any, ...]:
    counts = job.get("account", {})
    ended = ", ".join(f"{count} {end}" for end, count in counts.items() if count and end != "due")
    due = "running now" if job.get("running") else job["reason"] or None
    if job["next_due"] and not job.get("running"):
        next_due = datetime.fromisoformat(job["next_due"])
        due = f"{_moment(next_due.replace(microsecond=0))} {next_due:%z}"
    return job["name"], job["mode"], job["schedule"], due, ended or None


def _running_jobs(given: Given) -> list[dict[str, Any]] | None:
    from hookbus.control.client import connect

    client = connect(given.config().state_dir)
    if client is None:
        return None
    with client:
        answer: list[dict[str, Any]] = client.ask("jobs.list")
        return answer


def _declared_jobs(given: Given) -> list[dict[str, Any]]:
    from hookbus.control.descriptions import describe_job

    assembly = given.assembly()
    if assembly.problems:
        print_problems(assembly.problems)
    return [describe_job(name, plugin, stands) for name, plugin, stands in standings(assembly)]


def standings(assembly: Assembly) -> Iterator[tuple[str, str, Standing]]:
    """Every declared job by full name, with its plugin and what the settings make of it.

    Raises `ConfigurationError` where settings do not fit a job.
    """
    from hookbus.cli.check import job_problems
    from hookbus.scheduler.scheduler import standing

    problems = list(job_problems(assembly))
    if problems:
        raise ConfigurationError(problems)
    enabled = assembly.config.events.enabled
    for plugin, declared in sorted(assembly.jobs.items()):
        for job in sorted(declared, key=lambda one: one.name):
            name = f"{plugin}.{job.name}"
            settings = assembly.job_settings.get(name)
            yield name, plugin, standing(job, name, settings, events_enabled=enabled)


@jobs.command("preview", short_help="Show when jobs are due next.")
@click.argument("name", required=False)
@click.option(
    "-n", "--count", type=click.IntRange(1, 1000), default=5, show_default=True, help="Runs of each"
)
@click.option("--from", "start", metavar="TIME", help="Instead of now: 2026-03-28T12:00, UTC.")
@configuration_options
@json_option
def preview_jobs(
    name: str | None, count: int, start: str | None, given: Given, as_json: bool
) -> None:
    """Show when each job, or the job NAME, is due next, in its time zone."""
    begin = _instant(start)
    assembly = given.assembly()
    if assembly.problems:
        raise ConfigurationError(assembly.problems)
    found = list(standings(assembly))
    if name is not None:
        found = [one for one in found if one[0] == name] or _refuse(name, [one[0] for one in found])
    previews = [_preview(full_name, stands, count, begin) for full_name, _, stands in found]
    if as_json:
        print_json(previews)
    elif not previews:
        click.echo("No plugin declares a job.")
    for one in () if as_json else previews:
        _print_preview(one)


def _refuse(name: str, known: Sequence[str]) -> Any:
    from hookbus.settings.mistakes import suggest

    listed = f"These are declared: {', '.join(known) or 'none'}."
    raise UsageError(f"there is no job {name!r}. {suggest(name, known, listed)}")


def _instant(text: str | None) -> datetime:
    if text is None:
        from hookbus.clock import SystemClock

        return SystemClock().now()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        hint = "write it as 2026-03-28T12:00, in UTC, or with an offset, as in +01:00"
        raise click.BadParameter(f"{text!r} is no time; {hint}.", param_hint="--from") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _preview(name: str, stands: Standing, count: int, start: datetime) -> dict[str, Any]:
    from hookbus.scheduler.jobs import preview

    timed = stands.mode in ("timer", "shadow")
    runs = preview(stands.job, count, start) if timed else []
    before = start.astimezone(stands.job.zone).utcoffset()
    return {
        "job": name,
        "mode": stands.mode,
        "schedule": stands.job.schedule,
        "timezone": stands.job.timezone,
        "reason": stands.reason,
        "runs": list(_runs(runs, before)),
    }


def _runs(runs: Sequence[datetime], before: timedelta | None) -> Iterator[dict[str, str]]:
    for run in runs:
        offset = run.utcoffset()
        note = _change(before, offset)
        before = offset
        yield {
            "due": run.isoformat(),
            "shown": f"{run:%a} {_moment(run)} {run:%Z}",
            "utc": _moment(run.astimezone(UTC)),
            "note": note,
        }


def _moment(instant: datetime) -> str:
    fraction = f".{instant.microsecond // 1000:03d}" if instant.microsecond else ""
    return f"{instant:%Y-%m-%d %H:%M:%S}{fraction}"


def _change(before: timedelta | None, after: timedelta | None) -> str:
    if before is None or after is None or before == after:
        return ""
    way = "forward" if after > before else "back"
    hours = abs(after - before).total_seconds() / 3600
    return f"clocks went {way} by {hours:g} h since the run before"


def _print_preview(preview: dict[str, Any]) -> None:
    click.echo(f"{click.style(preview['job'], bold=True)}: {preview['schedule']}")
    if not preview["runs"]:
        click.echo(preview["reason"] or "no timer runs it")
    else:
        rows = [(run["shown"], run["utc"], run["note"]) for run in preview["runs"]]
        print_table(("Due", "UTC", "Note"), rows, keep=("Due", "UTC"))
    click.echo()


@jobs.command("run", short_help="Run a job now, in the running host.")
@click.argument("name")
@configuration_options
@json_option
def run_job(name: str, given: Given, as_json: bool) -> None:
    """Run the job NAME now, in the running host, and wait for its end.

    Exit code 1 when the run fails.
    """
    from hookbus.control.client import require

    with require(given.config().state_dir) as client:
        entry = client.ask("jobs.run", name=name, limit=None)
    if as_json:
        print_json(entry)
    else:
        took = "" if entry["duration"] is None else f" after {entry['duration']:.3f} s"
        reason = f": {entry['reason']}" if entry["reason"] else ""
        click.echo(f"{name}: {entry['end']}{took}{reason}")
    click.get_current_context().exit(0 if entry["end"] in ("ran", "late") else 1)
