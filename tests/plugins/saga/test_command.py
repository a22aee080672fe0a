"""`hookbus saga`: it asks the running host, in another process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hookbus.testing import CommandResult

from tests.repo.tree import ROOT

CONFIGURATION = """
[host]
state = "state"

[plugins]
autoload = false

[plugins.journal]
enabled = true

[plugins.saga]
enabled = true

[plugins.begin]
path = "begin.py"
"""

BEGIN = '''
from hookbus import Plugin, PluginContext, hookimpl
from tests.plugins.saga.test_plugin import Trips


class Begin(Trips, Plugin):
    """Begins two trips."""

    name = "begin"

    @hookimpl
    async def hookbus_ready(self, context: PluginContext) -> None:
        await self.sagas.begin("trip", "one", {"to": "Rome"})
        await self.sagas.begin("trip", "two", {"to": "nowhere"})
'''

Shell = Callable[..., CommandResult]


@pytest.fixture
def shell(tmp_path: Path, run_command: Callable[..., CommandResult]) -> Iterator[Shell]:
    """`hookbus saga ARGUMENTS` beside a running host."""
    (tmp_path / "hookbus.toml").write_text(CONFIGURATION)
    (tmp_path / "begin.py").write_text(BEGIN)
    env = {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "hookbus", "run"]
    host = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **env})
    try:
        deadline = time.monotonic() + 60
        while '"parked"' not in run_command("saga", "list", "--json", folder=tmp_path).stdout:
            assert host.poll() is None
            assert time.monotonic() < deadline
        yield lambda *arguments: run_command("saga", *arguments, folder=tmp_path, env=env)
    finally:
        host.kill()
        host.wait()


def test_sagas_are_listed_shown_and_resumed(shell: Shell) -> None:
    """Open ones and, when asked for, ended ones; one with all its steps; errors say what to do."""
    listed = shell("list").stdout.splitlines()
    assert listed[0].split() == ["Id", "Name", "State", "Step", "Begun", "Reason"]
    assert [line.split()[:4] for line in listed[1:]] == [["two", "trip", "parked", "book"]]
    ended = shell("list", "--ended", "5", "--json").json
    assert [(one["id"], one["state"]) for one in ended] == [("one", "completed"), ("two", "parked")]
    shown = shell("show", "one").stdout
    assert 'begun with: {"to": "Rome"}' in shown
    assert 'book: {"seat": 7}' in shown
    steps = shell("show", "two", "--json").json["steps"]
    assert [(one["name"], one["state"]) for one in steps] == [("book", "undoing"), ("go", "failed")]
    missing = shell("show", "three")
    assert (missing.exit_code, "there is no saga 'three'" in missing.stderr) == (2, True)
    resumed = shell("resume", "two", "--json").json
    assert resumed["state"] in ("compensating", "compensated")
    refused = shell("resume", "one")
    assert refused.exit_code == 2
    assert "'one' is completed; only one that is parked can be resumed" in refused.stderr
