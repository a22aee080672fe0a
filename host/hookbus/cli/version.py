"""`hookbus version`."""

from __future__ import annotations

import json
import platform

import click

from hookbus import __version__
from hookbus.cli.options import json_option


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Show the version of hookbus and of Python."""
    if as_json:
        versions = {"hookbus": __version__, "python": platform.python_version()}
        click.echo(json.dumps(versions))
    else:
        click.echo(f"hookbus {__version__}, Python {platform.python_version()}")
