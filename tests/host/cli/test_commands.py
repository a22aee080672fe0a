"""`hookbus.commands`: a command of a plugin that reads settings and state, and asks the host."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import hookbus.commands
import pytest

from tests.host.cli.conftest import Shell, read_all
from tests.host.cli.test_group import install_command
from tests.host.cli.test_run import running
from tests.repo.surface import problems

COUNTER = '''
from hookbus import Plugin, Settings, UsageError, hookimpl
from pydantic import Field


class CounterSettings(Settings):
    """The settings."""

    step: int = Field(1, ge=1, description="how much is added")


class Counter(Plugin):
    """Counts."""

    name = "counter"
    Settings = CounterSettings

    @hookimpl
    def hookbus_start(self, context):
        self.count = 0
        context.answer("count", self.add)
        (context.state_dir / "marker").write_text("here")

    async def add(self, times):
        if times < 0:
            raise UsageError(f"times = {times} cannot be undone")
        self.count += times * self.settings.step
        return {"count": self.count}
'''

COMMAND = """
import click
from counter import CounterSettings
from hookbus.commands import (
    Given, ask, configuration_options, is_running, json_option, plugin_settings, print_json,
    progress_bar, state_folder,
)


@click.command()
@click.argument("times", type=int)
@configuration_options
@json_option
def command(times: int, given: Given, as_json: bool) -> None:
    "Count."
    folder = state_folder(given, "counter")
    with progress_bar("counting", total=2) as done:
        done(1)
        print_json({
            "step": plugin_settings(given, "counter", CounterSettings).step,
            "files": sorted(path.name for path in folder.glob("*")),
            "running": is_running(given),
        })
        done(2)
    print_json(ask(given, "counter", "count", times=times))
"""

CONFIGURATION = """
[plugins]
autoload = false
[plugins.counter]
path = "site/counter.py"
step = 5
"""


@pytest.fixture
def counting(shell: Shell) -> Shell:
    """A plugin with a command, installed and configured."""
    (shell.site.folder / "counter.py").write_text(COUNTER, encoding="utf-8")
    install_command(shell, "count", COMMAND)
    shell.configure(CONFIGURATION)
    return shell


def test_a_command_reads_settings_and_state_and_asks_the_host(counting: Shell) -> None:
    """One command process, one host process, nothing between them but public names."""
    file = counting.configure(CONFIGURATION, "counter.toml")
    with running(counting, str(file)):
        done = counting("count", "3", "-c", file)
        assert done.exit_code == 0, done.stderr
        assert done.stdout == (
            '{\n  "step": 5,\n  "files": [\n    "marker"\n  ],\n  "running": true\n}\n'
            '{\n  "count": 15\n}\n'
        )
        refused = counting("count", "-c", file, "--", "-3")
        assert (refused.exit_code, refused.stderr) == (2, "hookbus: times = -3 cannot be undone\n")
        unfit = counting("count", "1", "-c", file, "--set", "plugins.counter.step=0")
        assert unfit.exit_code == 4
        assert "plugins.counter.step = 0: must be 1 or more" in unfit.stderr


def test_without_a_host_a_command_knows_it(counting: Shell) -> None:
    """What needs no host works, and what does says how to start one."""
    done = counting("count", "3")
    assert done.exit_code == 1
    assert '"running": false' in done.stdout
    assert "no host is running with the state folder" in done.stderr


def test_mistakes_in_the_own_sections_end_a_command(counting: Shell) -> None:
    """A state folder is not guessed where the file that should name it is wrong."""
    counting.configure(f"[host]\nstaet = 'elsewhere'\n{CONFIGURATION}")
    done = counting("count", "3")
    assert done.exit_code == 4
    assert "Did you mean 'state'?" in done.stderr


def test_a_progress_bar_is_for_terminals(tmp_path: Path) -> None:
    """On a terminal it is drawn on standard error and wiped away; in a pipe there is nothing."""
    code = (
        "from hookbus.commands import progress_bar\n"
        "with progress_bar('exporting', total=3) as done:\n"
        "    done(2)\n"
    )
    arguments = [sys.executable, "-c", code]
    piped = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert piped.stderr == ""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(arguments, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    drawn = read_all(master)
    assert process.wait(30) == 0
    assert "exporting" in drawn
    assert "2/3" in drawn


def test_everything_public_is_named_and_documented() -> None:
    """The module's `__all__` is sorted, importable and documented."""
    assert problems(hookbus.commands, list(hookbus.commands.__all__)) == []
