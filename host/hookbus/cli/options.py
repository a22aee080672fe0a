"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from hookbus.config import Config

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_FILE = "hookbus.toml"
"""The configuration file that is used, if it is there, when none is named."""


def configuration_options(function: F) -> F:
    """Add `--config`, `--set` and `--plugin`; read them with `load`."""
    for option in (
        click.option(
            "--plugin",
            "files",
            multiple=True,
            metavar="FILE",
            help="Load a plugin from a .py file.",
        ),
        click.option(
            "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting."
        ),
        click.option(
            "-c",
            "--config",
            "config_path",
            metavar="FILE",
            help=f"The configuration; {DEFAULT_FILE} if it is there.",
        ),
    ):
        function = option(function)
    return function


def json_option(function: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def config_file(path: str | None) -> Path | None:
    """The configuration file that is meant: the named one, the default one, or none."""
    if path is not None:
        return Path(path)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None


def load(path: str | None, overrides: tuple[str, ...], files: tuple[str, ...]) -> Config:
    """Read the configuration that the options name; raises `ConfigurationError`."""
    from hookbus.config import load_config

    return load_config(config_file(path), overrides, os.environ, files)
