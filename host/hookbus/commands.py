"""What commands of plugins are written with; this module is public as a whole.

A command is a click command that a distribution names under the entry point group
`hookbus.commands`. It is imported when it is called, in a process without a host:

    @click.command()
    @configuration_options
    @json_option
    def alarms(given: Given, as_json: bool) -> None:
        count = ask(given, "alarm", "count")

`configuration_options` gives it `--config`, `--set`, `--plugin` and `--safe-mode` as `given`. What
the plugin of a running host answers is registered with `PluginContext.answer`. Errors of hookbus
end a command with their text and their exit code.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hookbus.cli.options import Given, configuration_options, json_option
from hookbus.cli.output import fields_in_short, print_json, print_pairs, print_table
from hookbus.cli.progress import progress_bar
from hookbus.cli.running import load_host, run_host
from hookbus.comparison import ABSENT, FieldDifference, Rules, differences
from hookbus.control.client import TIMEOUT, HostRefused, NoRunningHost, connect, require
from hookbus.errors import ConfigurationError
from hookbus.records import RecordedEvent
from hookbus.times import parse_time

if TYPE_CHECKING:
    from pydantic import BaseModel

    from hookbus.settings.config import Config

__all__ = [
    "ABSENT",
    "FieldDifference",
    "Given",
    "HostRefused",
    "NoRunningHost",
    "RecordedEvent",
    "Rules",
    "ask",
    "configuration_options",
    "differences",
    "fields_in_short",
    "is_running",
    "json_option",
    "load_host",
    "parse_time",
    "plugin_settings",
    "print_json",
    "print_pairs",
    "print_table",
    "progress_bar",
    "run_host",
    "state_folder",
]

Model = TypeVar("Model", bound="BaseModel")


def state_folder(given: Given, plugin: str) -> Path:
    """The folder where a plugin keeps its state, `context.state_dir`; it need not exist.

    Raises `ConfigurationError` for mistakes in the host's own sections.
    """
    return _config(given).state_dir / plugin


def plugin_settings(given: Given, plugin: str, model: type[Model]) -> Model:
    """The validated settings of a plugin whose `Settings` are `model`; no plugin is loaded.

    Raises `ConfigurationError` with every mistake in `[plugins.NAME]`.
    """
    return _config(given).read(model, "plugins", plugin)


def is_running(given: Given) -> bool:
    """Whether a host runs on that state folder; one under the simulated clock cannot be seen."""
    client = connect(_config(given).state_dir)
    if client is None:
        return False
    with client:
        return True


def ask(
    given: Given, plugin: str, request: str, *, limit: float | None = TIMEOUT, **fields: Any
) -> Any:
    """What the plugin of the running host answers to a request, with `fields` for its function.

    Waits for at most `limit` seconds (None: for ever). Raises `NoRunningHost`, and `HostRefused`
    with the plugin's own words where it does not answer with a result.
    """
    with require(_config(given).state_dir) as client:
        return client.ask(f"{plugin}.{request}", limit=limit, fields=fields)


def _config(given: Given) -> Config:
    config = given.config()
    if config.problems:
        raise ConfigurationError(config.problems)
    return config
