"""The root of the command line: finds commands by name and turns errors into exit codes."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from hookbus.errors import HookbusError

COMMANDS = {
    "run": ("hookbus.cli.run:run", "Run a host until its data ends or it is asked to stop."),
    "check": ("hookbus.cli.check:check", "Check the configuration and the plugins."),
    "plugins": ("hookbus.cli.plugins:plugins", "List, show, switch and create plugins."),
    "config": ("hookbus.cli.config:config", "Show the configuration and its schema."),
    "events": ("hookbus.cli.events:events", "List event types; follow and publish events."),
    "jobs": ("hookbus.cli.jobs:jobs", "List, preview and run jobs."),
    "doctor": ("hookbus.cli.doctor:doctor", "Look for what may be wrong here."),
    "version": ("hookbus.cli.version:version", "Show the version."),
}
"""The host's own commands: where each is, and its help in one line."""

COMMAND_GROUP = "hookbus.commands"
"""The entry point group of commands that plugins add."""


class HookbusGroup(click.Group):
    """Commands that are imported when they are called, plugins' commands among them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The host's commands, then those of plugins."""
        return [*COMMANDS, *sorted(set(_plugin_commands()) - set(COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name in COMMANDS:
            return _load(COMMANDS[cmd_name][0])
        points = _plugin_commands()
        if cmd_name not in points:
            return None
        return _load_from_plugin(cmd_name, points[cmd_name])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])
        added = sorted(set(_plugin_commands()) - set(COMMANDS))
        if added:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, f"hookbus {name} --help") for name in added])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error of hookbus ends it with its text and its exit code."""
        try:
            return super().invoke(ctx)
        except HookbusError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"hookbus: {error}", err=True)
            sys.exit(error.exit_code)


def _load(place: str) -> click.Command:
    module, _, name = place.partition(":")
    command: click.Command = getattr(import_module(module), name)
    return command


def _plugin_commands() -> dict[str, Any]:
    import importlib_metadata

    return {point.name: point for point in importlib_metadata.entry_points(group=COMMAND_GROUP)}


def _load_from_plugin(name: str, point: Any) -> click.Command:
    try:
        command = point.load()
    except (Exception, SystemExit) as error:
        text = f"the command {name!r} of {point.value} cannot be imported: {error!r}"
        raise _BrokenCommandError(text) from error
    if not isinstance(command, click.Command):
        raise _BrokenCommandError(f"the command {name!r} of {point.value} is no click command")
    return command


class _BrokenCommandError(HookbusError):
    exit_code = 3


@click.group(cls=HookbusGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def root(debug: bool) -> None:
    """A minimal host for event-driven trading systems: typed events, a scheduler, plugins."""
