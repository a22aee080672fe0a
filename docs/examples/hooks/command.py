"""A command of the alarm: `hookbus alarm`, under the entry point group `hookbus.commands`."""

from __future__ import annotations

import click
from alarm import AlarmSettings
from hookbus.commands import (
    Given,
    ask,
    configuration_options,
    is_running,
    json_option,
    plugin_settings,
    print_json,
    print_table,
)


@click.command()
@configuration_options
@json_option
def alarm(given: Given, as_json: bool) -> None:
    """Tell the limit, and how often a price has crossed it in the running host."""
    settings = plugin_settings(given, "alarm", AlarmSettings)
    crossings = ask(given, "alarm", "crossings", symbol="BTC") if is_running(given) else None
    if as_json:
        print_json({"limit": settings.limit, "crossings": crossings})
    else:
        print_table(("Limit", "Crossings"), [(f"{settings.limit:g}", crossings)])
