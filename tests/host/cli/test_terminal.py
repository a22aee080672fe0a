"""What is shown on a terminal: the progress bar, log lines above it, and tables side by side."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hookbus.cli.summary import _side_by_side
from hookbus.plugins.plugin import Summary
from rich.console import Console

from tests.host.cli.conftest import Shell, read_all
from tests.host.cli.samples import SIMULATED, TICKER

PACED = TICKER.replace(
    "            source.progress(",
    "            await asyncio.sleep(1)\n            source.progress(",
).replace("\nfrom hookbus", "\nimport asyncio\n\nfrom hookbus", 1)


def run_on_terminal(shell: Shell, *arguments: str) -> tuple[str, str]:
    """Run with a terminal as standard error; returns what was printed and what was shown there."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hookbus", "run", *arguments],
        cwd=shell.folder,
        env={**os.environ, **shell.env, "TERM": "xterm-256color", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
    )
    os.close(slave)
    shown = read_all(master)
    stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 0, shown
    return stdout, shown


def events_of(shell: Shell, name: str) -> bytes:
    """The event file of a run."""
    return Path(shell.folder, name).read_bytes()


def test_the_bar_is_shown_on_a_terminal_only_and_changes_nothing(shell: Shell) -> None:
    """Events and standard output are the same with and without it."""
    shell.write("ticker.py", PACED)
    shell.configure(SIMULATED.replace("[plugins]\n", "pace = 5\n[plugins]\n", 1))
    with_bar, shown = run_on_terminal(shell, "--events", "bar.jsonl")
    assert "ticker.feed" in shown
    assert "/3" in shown
    without, hidden = run_on_terminal(shell, "--events", "none.jsonl", "--no-progress")
    assert "ticker.feed" not in hidden
    piped = shell("run", "--events", "piped.jsonl")
    assert "ticker.feed" not in piped.stderr + piped.stdout
    assert with_bar.splitlines()[0] == without.splitlines()[0] == piped.stdout.splitlines()[0]
    assert events_of(shell, "bar.jsonl") == events_of(shell, "none.jsonl")
    assert events_of(shell, "bar.jsonl") == events_of(shell, "piped.jsonl")


@pytest.mark.parametrize(("width", "lines"), [(120, 4), (50, 8), (20, 12)])
def test_summaries_are_side_by_side_where_there_is_room(width: int, lines: int) -> None:
    """The wider the terminal, the fewer the lines; no value is cut off."""
    summaries = [
        Summary(f"Table {number}", (("First", "1,000"), ("Second label", "2"), ("Third", "x")))
        for number in range(3)
    ]
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(_side_by_side(console, summaries))
    text = captured.get()
    assert len([line for line in text.splitlines() if line.strip()]) == lines
    assert text.count("Second label") == 3
    assert text.count("1,000") == 3
