"""`hookbus plugins`: list, show, enable, disable and new."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookbus.cli.options import DEFAULT_FILE, Given, configuration_options, json_option
from hookbus.cli.output import print_json, print_pairs, print_problems, print_table
from hookbus.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from hookbus.plugins.assembly import Assembly
    from hookbus.plugins.plugin import PluginRecord


@click.group()
def plugins() -> None:
    """List, show, switch and create plugins."""


@plugins.command("list", short_help="List all plugins, and what is wrong with them.")
@configuration_options
@json_option
def list_plugins(given: Given, as_json: bool) -> None:
    """List every plugin and what is wrong with it, as the running host has it if there is one.

    Without a host they are those that are installed or named. --safe-mode asks no host.
    """
    from hookbus.control.descriptions import describe_plugin

    running = None if given.safe_mode else _running_plugins(given)
    if running is not None:
        _print_plugins(running, as_json=as_json, running=True)
        return
    assembly = given.assembly()
    records = [describe_plugin(assembly.records[name]) for name in sorted(assembly.records)]
    _print_plugins(records, as_json=as_json, running=False)
    _end_with_problems(assembly)


def _running_plugins(given: Given) -> list[dict[str, Any]] | None:
    from hookbus.control.client import connect

    client = connect(given.config().state_dir)
    if client is None:
        return None
    with client:
        answer: list[dict[str, Any]] = client.ask("plugins")
        return answer


def _print_plugins(found: list[dict[str, Any]], *, as_json: bool, running: bool) -> None:
    if as_json:
        print_json(found)
        return
    if running:
        noun = "plugin" if len(found) == 1 else "plugins"
        click.echo(f"{len(found) or 'No'} {noun} in the running host\n")
    elif not found:
        click.echo("No plugin is installed. Write one: hookbus plugins new NAME")
        return
    columns = ("Name", "State", "Version", "Distribution", "Description")
    rows = [
        (one["name"], one["state"], one["version"], one["distribution"], _about(one, running))
        for one in found
    ]
    print_table(columns, rows, keep=("Name", "State", "Version"), style="State")
    failed = sum(one["state"] == "failed" for one in found)
    if failed and not running:
        click.echo(f"\n{failed} of {len(found)} failed: hookbus plugins show NAME says more")


def _about(one: dict[str, Any], running: bool) -> str:
    """What a plugin is or, of one that failed, why; in a running host nothing else says more."""
    if one["state"] == "failed":
        why = f"failed at {one['phase']}: {one['reason']}"
        return f"{why}. {one['mend']}" if running and one["mend"] else why
    return str(one["description"] or one["reason"] or "")


def _end_with_problems(assembly: Assembly) -> None:
    """Mistakes in the configuration do not keep anybody from looking, but they are told."""
    failed = {problem for one in assembly.records.values() for problem in map(str, one.problems)}
    others = [problem for problem in assembly.problems if str(problem) not in failed]
    if others:
        print_problems(others)
        click.get_current_context().exit(ConfigurationError.exit_code)


@plugins.command("show", short_help="Show all that is known of one plugin.")
@click.argument("name")
@configuration_options
@json_option
def show_plugin(name: str, given: Given, as_json: bool) -> None:
    """Show all that is known of the plugin NAME."""
    assembly = given.assembly()
    record = assembly.records.get(name)
    if record is None:
        raise _unknown(name, assembly.records)
    if as_json:
        print_json(_as_json(assembly, record))
    else:
        _print_record(assembly, record)


def _unknown(name: str, known: Any) -> UsageError:
    from hookbus.settings.mistakes import suggest

    listed = f"These are known: {', '.join(sorted(known)) or 'none'}."
    return UsageError(f"there is no plugin {name!r}. {suggest(name, known, listed)}")


def _as_json(assembly: Assembly, record: PluginRecord) -> dict[str, Any]:
    from hookbus.control.descriptions import describe_plugin

    settings = record.settings
    return {
        **describe_plugin(record),
        "settings": None if settings is None else settings.model_dump(mode="json"),
        "hooks": _hooks(assembly, record),
        "events": _owned_events(assembly, record),
        "jobs": [job.name for job in assembly.jobs.get(record.name, ())],
        "traceback": record.traceback,
    }


def _hooks(assembly: Assembly, record: PluginRecord) -> list[str]:
    callers = assembly.manager.get_hookcallers(record.instance) or []
    return sorted(caller.name for caller in callers)


def _owned_events(assembly: Assembly, record: PluginRecord) -> list[str]:
    names = (cls.__event__.name for cls in assembly.registry if cls.__event__ is not None)
    return [name for name in names if assembly.registry.owner(name) == record.name]


def _print_record(assembly: Assembly, record: PluginRecord) -> None:
    from hookbus.cli.config import shown

    print_pairs(
        {
            "Name": record.name,
            "State": record.state.value,
            "Failed at": record.phase,
            "Reason": record.reason,
            "Mend": record.mend,
            "Description": record.description,
            "Distribution": " ".join(filter(None, (record.distribution, record.version))),
            "Origin": record.origin,
            "Requires": ", ".join(record.requires),
            "After": ", ".join(record.after),
            "Required": "yes" if record.required else None,
            "Import": _seconds(record.import_seconds),
            "Hooks": ", ".join(_hooks(assembly, record)),
            "Events": ", ".join(_owned_events(assembly, record)),
            "Jobs": ", ".join(job.name for job in assembly.jobs.get(record.name, ())),
            "Warnings": "\n".join(record.warnings),
        }
    )
    if record.settings is not None and type(record.settings).model_fields:
        click.echo("\nSettings")
        rows = [
            (name, shown(record.settings.model_dump(mode="json")[name]), field.description)
            for name, field in type(record.settings).model_fields.items()
        ]
        print_table(("Key", "Value", "Meaning"), rows, keep=("Key",))
    if record.traceback:
        click.echo(f"\n{record.traceback.rstrip()}")


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.3f} s"


@plugins.command("enable", short_help="Switch a plugin on in the file.")
@click.argument("name")
@configuration_options
def enable_plugin(name: str, given: Given) -> None:
    """Write enabled = true for NAME into the configuration file."""
    _switch(name, given, enabled=True)


@plugins.command("disable", short_help="Switch a plugin off in the file.")
@click.argument("name")
@configuration_options
def disable_plugin(name: str, given: Given) -> None:
    """Write enabled = false for NAME into the configuration file: it is not even imported."""
    _switch(name, given, enabled=False)


def _switch(name: str, given: Given, *, enabled: bool) -> None:
    from hookbus.settings.config_file import set_plugin_enabled

    _check_known(name, given)
    path = given.file or Path(DEFAULT_FILE)
    if given.path is None:
        path.touch()
    changed = set_plugin_enabled(path, name, enabled)
    state = "enabled" if enabled else "disabled"
    click.echo(f"{name} is {state} in {path}" if changed else f"{name} was {state} in {path}")


def _check_known(name: str, given: Given) -> None:
    """Refuse a name that nobody knows, without importing what may be broken."""
    from hookbus.plugins.discovery import discover

    config = given.config()
    known = {*config.plugins, *(candidate.name for candidate in discover(config))}
    if name not in known:
        raise _unknown(name, known)


@plugins.command("new", short_help="Write a new plugin, with tests.")
@click.argument("name")
@click.option(
    "--into",
    "parent",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="FOLDER",
    help="Where to put its folder (default: here).",
)
def new_plugin(name: str, parent: Path) -> None:
    """Write a complete distribution with a plugin NAME, whose tests pass at once."""
    from hookbus.cli.new import create

    folder = create(name, parent)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    click.echo(f"Wrote {len(files)} files into {folder}. What to type next:\n")
    for command in (f"cd {folder}", "pip install -e '.[test]'", "pytest"):
        click.echo(f"    {command}")
    click.echo(f"\nThen `hookbus plugins list` shows it; its code is in hookbus_{_module(name)}/.")


def _module(name: str) -> str:
    return name.replace("-", "_")
