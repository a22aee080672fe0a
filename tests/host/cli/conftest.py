"""A folder with plugins of its own, in which a test runs the command as a user does."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hookbus.testing import CommandResult

from tests.host.plugin_factory import Site

ROOT = Path(__file__).parents[3]


class Shell:
    """Runs `hookbus ARGUMENTS` in a folder, where the plugins of `site` are installed."""

    def __init__(self, folder: Path, run_command: Callable[..., CommandResult]) -> None:
        self.folder = folder
        self.site = Site(folder / "site", group="hookbus.plugins")
        self.site.folder.mkdir()
        self.env = {"PYTHONPATH": os.pathsep.join([str(self.site.folder), str(ROOT)])}
        self._run = run_command

    def configure(self, text: str, name: str = "hookbus.toml") -> Path:
        """Write a configuration file."""
        path = self.folder / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def write(self, name: str, text: str) -> Path:
        """Write a file, such as a plugin in a single file."""
        return self.configure(text, name)

    def __call__(self, *arguments: str | Path, **env: str) -> CommandResult:
        """Run the command."""
        return self._run(*arguments, folder=self.folder, env={**self.env, **env})


@pytest.fixture
def shell(tmp_path: Path, run_command: Callable[..., CommandResult]) -> Shell:
    """The command, and a folder for it."""
    return Shell(tmp_path, run_command)


def read_all(master: int) -> str:
    """Everything that comes to a terminal until its last user closes it."""
    parts = []
    try:
        while part := os.read(master, 65536):
            parts.append(part)
    except OSError:
        pass  # Linux says so when the other side has been closed
    os.close(master)
    return b"".join(parts).decode()
