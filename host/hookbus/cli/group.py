"""The root of the command line: finds commands by name and turns errors into exit codes."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import click

from hookbus.errors import ConfigurationError, HookbusError, in_words

COMMANDS = {
    "run": ("hookbus.cli.run:run", "Run a host until its data ends or it is asked to stop."),
    "check": ("hookbus.cli.check:check", "Check the configuration and the plugins."),
    "plugins": ("hookbus.cli.plugins:plugins", "List, show, switch and create plugins."),
    "config": ("hookbus.cli.config:config", "Show the configuration and its schema."),
    "events": ("hookbus.cli.events:events", "List event types; follow and publish events."),
    "jobs": ("hookbus.cli.jobs:jobs", "List, preview and run jobs."),
    "ledger": ("hookbus.cli.ledger:ledger", "Show what became of every event of the running host."),
    "compare": ("hookbus.cli.compare:compare", "Compare the records of two runs."),
    "doctor": ("hookbus.cli.doctor:doctor", "Look for what may be wrong here."),
    "version": ("hookbus.cli.version:version", "Show the version."),
}
"""The host's own commands: where each is, and its help in one line."""

COMMAND_GROUP = "hookbus.commands"
"""The entry point group of commands that plugins add."""

PLUGIN_EXIT_CODE = 3


class HookbusGroup(click.Group):
    """Commands that are imported when they are called, plugins' commands among them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The host's commands, then those of plugins."""
        return [*COMMANDS, *sorted(set(plugin_commands()) - set(COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name in COMMANDS:
            return _load(COMMANDS[cmd_name][0])
        point = plugin_commands().get(cmd_name)
        return None if point is None else _load_from_plugin(cmd_name, point)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; a usage error names the nearest one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near or "Did you mean" in error.message:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])
        added = self.list_commands(ctx)[len(COMMANDS) :]
        if added:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, f"hookbus {name} --help") for name in added])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what goes wrong is told in plain sentences and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except HookbusError as error:
            _raise_for_debugging(ctx)
            tell(error)
            sys.exit(error.exit_code)
        except OSError as error:
            _raise_for_debugging(ctx)
            if isinstance(error, BrokenPipeError):
                raise
            click.echo(f"hookbus: {error}", err=True)
        except Exception as error:  # noqa: BLE001 - nobody should have to read a traceback
            _raise_for_debugging(ctx)
            click.echo(f"hookbus: {in_words(error)} (hookbus --debug shows where)", err=True)
            if ctx.invoked_subcommand not in COMMANDS:
                sys.exit(PLUGIN_EXIT_CODE)
        sys.exit(1)


def tell(error: HookbusError) -> None:
    """Print an error on standard error; each mistake of a configuration on a line of its own."""
    text = str(error)
    click.echo(text if isinstance(error, ConfigurationError) else f"hookbus: {text}", err=True)


def _raise_for_debugging(ctx: click.Context) -> None:
    if ctx.params.get("debug"):
        raise


def _load(place: str) -> click.Command:
    module, _, name = place.partition(":")
    command: click.Command = getattr(import_module(module), name)
    return command


def plugin_commands() -> dict[str, Any]:
    """The entry points of commands that plugins add, by name; nothing is imported."""
    from importlib.metadata import distributions

    found: dict[str, Any] = {}
    for distribution in distributions():
        for point in _points(distribution):
            found.setdefault(point.name, point)
    return found


def _points(distribution: Any) -> Iterator[Any]:
    try:
        if f"[{COMMAND_GROUP}]" in (distribution.read_text("entry_points.txt") or ""):
            yield from distribution.entry_points.select(group=COMMAND_GROUP)
    except Exception as error:  # noqa: BLE001 - damaged metadata must not hide the other commands
        click.echo(f"hookbus: damaged entry points of a distribution: {error}", err=True)


def _load_from_plugin(name: str, point: Any) -> click.Command:
    try:
        command = point.load()
    except (Exception, SystemExit) as error:
        text = f"the command {name!r} cannot be imported from {point.value}: {in_words(error)}. "
        raise _BrokenCommandError(text + _mend(point)) from error
    if not isinstance(command, click.Command):
        text = f"the command {name!r} from {point.value} is no click command. "
        raise _BrokenCommandError(text + _mend(point))
    return command


def _mend(point: Any) -> str:
    return f"Reinstall or remove {point.dist.name}; all other commands go on working."


class _BrokenCommandError(HookbusError):
    exit_code = PLUGIN_EXIT_CODE


@click.group(cls=HookbusGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option("--safe-mode", is_flag=True, help="Load no plugins, whatever the command.")
def root(debug: bool, safe_mode: bool) -> None:
    """A minimal host for event-driven trading systems: typed events, a scheduler, plugins."""
