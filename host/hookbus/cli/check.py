"""`hookbus check`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from hookbus.cli.options import Given, configuration_options, json_option
from hookbus.cli.output import print_json, print_problems, problem_json
from hookbus.errors import ConfigurationError, PluginError, Problem

if TYPE_CHECKING:
    from hookbus.plugins.assembly import Assembly
    from hookbus.plugins.plugin import PluginRecord


@click.command()
@click.argument("config", required=False)
@click.option("--strict", is_flag=True, help="Count warnings as mistakes.")
@configuration_options
@json_option
def check(config: str | None, strict: bool, given: Given, as_json: bool) -> None:
    """Check what CONFIG says (default: hookbus.toml), and the plugins, without running them.

    Exit code 4: mistakes in the configuration; 3: plugins that cannot be used; 0: none of these.
    """
    assembly = given.at(config).assembly()
    if assembly.config.clock.mode == "simulated" and assembly.config.clock.start is None:
        assembly.simulation_start_ns()
    problems = [*assembly.problems, *job_problems(assembly)]
    unused = assembly.config.unknown_jobs(f"{name}.{job.name}" for name, job in _jobs(assembly))
    if strict:
        problems, unused = [*problems, *unused], []
    failed = [one for one in assembly.records.values() if one.failed and not one.problems]
    code = ConfigurationError.exit_code if problems else PluginError.exit_code if failed else 0
    if as_json:
        print_json(_as_json(assembly, problems, unused, failed, code))
    else:
        _print(assembly, problems, unused, failed)
    click.get_current_context().exit(code)


def job_problems(assembly: Assembly) -> Iterator[Problem]:
    """What is wrong with the settings of declared jobs, once they are applied to the jobs."""
    from hookbus.scheduler.scheduler import standing

    for plugin, job in _jobs(assembly):
        name = f"{plugin}.{job.name}"
        try:
            standing(job, name, assembly.job_settings.get(name))
        except ConfigurationError as error:
            for problem in error.problems:
                place = ("jobs", name, problem.key.rpartition(".")[2])
                yield assembly.config.problem(place, problem.reason, problem.mend)


def _jobs(assembly: Assembly) -> Iterator[tuple[str, Any]]:
    for plugin, jobs in assembly.jobs.items():
        for job in jobs:
            yield plugin, job


def _print(
    assembly: Assembly,
    problems: list[Problem],
    unused: list[Problem],
    failed: list[PluginRecord],
) -> None:
    print_problems(problems)
    for problem in unused:
        click.echo(f"warning: {problem}", err=True)
    for record in failed:
        click.echo(str(record.error()), err=True)
    if problems or failed:
        return
    file = assembly.config.path or "the default configuration"
    counted = {
        "plugin": len(assembly.order),
        "event type": len(assembly.registry),
        "job": len(list(_jobs(assembly))),
    }
    told = ", ".join(_count(number, noun) for noun, number in counted.items())
    click.echo(f"{file} is fine: {told}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _as_json(
    assembly: Assembly,
    problems: list[Problem],
    unused: list[Problem],
    failed: list[PluginRecord],
    code: int,
) -> dict[str, Any]:
    return {
        "exit_code": code,
        "config": None if assembly.config.path is None else str(assembly.config.path),
        "problems": [problem_json(problem) for problem in problems],
        "warnings": [problem_json(problem) for problem in unused],
        "failed_plugins": [
            {"name": one.name, "phase": one.phase, "reason": one.reason, "mend": one.mend}
            for one in failed
        ],
        "plugins": [one.name for one in assembly.order],
    }
