"""Running the `hookbus` command as a user does: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended and what it printed."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The standard output, read as JSON."""
        return json.loads(self.stdout)


def run_command(
    *arguments: str | Path,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> CommandResult:
    """Run `hookbus ARGUMENTS` in `folder`, with `env` added to the environment.

    `timeout` is in seconds; raises `subprocess.TimeoutExpired` after it.
    """
    done = subprocess.run(
        [sys.executable, "-m", "hookbus", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)
