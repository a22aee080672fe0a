"""Options that several commands share, and what they amount to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookbus.cli.output import printing_to_stderr

if TYPE_CHECKING:
    from hookbus.plugins.assembly import Assembly
    from hookbus.settings.config import Config

Function = Callable[..., Any]

DEFAULT_FILE = "hookbus.toml"
"""The configuration file that is used, if it is there, when none is named."""


@dataclass(frozen=True)
class Given:
    """What `--config`, `--set`, `--plugin` and `--safe-mode` say."""

    path: str | None = None
    overrides: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    safe_mode: bool = False

    def at(self, path: str | None) -> Given:
        """The same with the file that an argument names; both ways at once are a usage error."""
        if path is None:
            return self
        if self.path is not None and self.path != path:
            raise click.UsageError(f"Both {path} and --config {self.path} are named; keep one.")
        return replace(self, path=path)

    def setting(self, override: str) -> Given:
        """The same with one more `--set`."""
        return replace(self, overrides=(*self.overrides, override))

    @property
    def file(self) -> Path | None:
        """The configuration file that is meant: the named one, the default one, or none."""
        if self.path is None:
            return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None
        path = Path(self.path)
        return path / DEFAULT_FILE if path.is_dir() else path

    def config(self) -> Config:
        """Read the configuration; raises `ConfigurationError` where there is none to go on with."""
        from hookbus.settings.config import load_config

        return load_config(self.file, self.overrides, os.environ, self.files)

    def assembly(self) -> Assembly:
        """Load the plugins, start none; mistakes are in `problems` and in the records."""
        from hookbus.plugins.assembly import Assembly

        with printing_to_stderr():
            return Assembly(self.config(), safe_mode=self.safe_mode, tolerant=True)


_OPTIONS = (
    click.option(
        "--safe-mode",
        is_flag=True,
        help="Load no plugins.",
    ),
    click.option(
        "--plugin",
        "files",
        multiple=True,
        metavar="FILE",
        help="Load a plugin from a .py file, too.",
    ),
    click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Override a setting: plugins.risk.maximum_position=2.",
    ),
    click.option(
        "-c",
        "--config",
        "path",
        metavar="FILE",
        help=f"The configuration file (or its folder); {DEFAULT_FILE} if it is there.",
    ),
)


def configuration_options(function: Function) -> Function:
    """Add the options above; the function gets them as `given`, a `Given`."""

    @wraps(function)
    def with_given(
        path: str | None,
        overrides: tuple[str, ...],
        files: tuple[str, ...],
        safe_mode: bool,
        **others: Any,
    ) -> Any:
        root = click.get_current_context().find_root()
        safe_mode = safe_mode or bool(root.params.get("safe_mode"))
        return function(given=Given(path, overrides, files, safe_mode), **others)

    decorated: Function = with_given
    for option in _OPTIONS:
        decorated = option(decorated)
    return decorated


def json_option(function: Function) -> Function:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
