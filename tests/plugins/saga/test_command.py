"""`hookbus saga`: it asks the running host, in another process, or looks into the journal."""

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

pytest.importorskip("hookbus_journal", reason="sagas are kept in a journal")


class Shell:
    """`hookbus saga ARGUMENTS` in a folder, beside a host that can be killed."""

    def __init__(
        self, host: subprocess.Popen[bytes], command: Callable[..., CommandResult]
    ) -> None:
        self.host = host
        self._command = command

    def __call__(self, *arguments: str) -> CommandResult:
        """What the command prints."""
        return self._command("saga", *arguments)

    def kill(self) -> None:
        """End the host at once."""
        self.host.kill()
        self.host.wait()


@pytest.fixture
def shell(tmp_path: Path, run_command: Callable[..., CommandResult]) -> Iterator[Shell]:
    """A shell beside a running host that has one saga completed and one parked."""
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
        yield Shell(host, lambda *rest: run_command(*rest, folder=tmp_path, env=env))
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


def test_sagas_can_be_looked_at_after_a_host_was_killed(shell: Shell) -> None:
    """The commands print the same from the journal; only a running host can resume one."""
    asked = [("list", "--ended", "5"), ("show", "one", "--json"), ("show", "two")]
    running = [shell(*arguments).stdout for arguments in asked]
    shell.kill()
    assert [shell(*arguments).stdout for arguments in asked] == running
    missing = shell("show", "three")
    assert (missing.exit_code, "there is no saga 'three'" in missing.stderr) == (2, True)
    refused = shell("resume", "two")
    assert (refused.exit_code, "no host is running" in refused.stderr) == (1, True)
