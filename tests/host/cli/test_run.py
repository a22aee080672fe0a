"""`hookbus run`: how a run ends, what it prints, and what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hookbus.control.client import connect

from tests.host.cli.conftest import Shell
from tests.host.cli.samples import SIMULATED, SYSTEM, TICKER

PLAIN = """
from hookbus import Plugin, hookimpl

class Broken(Plugin):
    "Broken."
    name = "broken"
"""


@pytest.fixture
def ticking(shell: Shell) -> Shell:
    """A simulated host that publishes three events."""
    shell.write("ticker.py", TICKER)
    shell.configure(SIMULATED)
    return shell


def with_broken(shell: Shell, body: str, more: str = "") -> None:
    """Add a plugin that is broken."""
    shell.write("broken.py", PLAIN + body)
    shell.configure(f'{SIMULATED}\n[plugins.broken]\npath = "broken.py"\n{more}')


def test_a_run_prints_summaries_and_the_books(ticking: Shell) -> None:
    """At the end there is what plugins say, why it ended, and that every event is accounted for."""
    done = ticking("run")
    assert done.exit_code == 0
    assert "Ticks" in done.stdout
    assert "all sources have finished" in done.stdout
    assert "every one accounted for" in done.stdout


def test_a_run_prints_json(ticking: Shell) -> None:
    """Standard output is one JSON document."""
    report = ticking("run", "--json").json
    assert report["summaries"] == {"Ticks": {"Ticks": "3"}}
    assert report["ledger"]["accounted_for"] is True
    assert report["ledger"]["by_type"]["tick.ticked"] == 3


PRINTING = """
    @hookimpl
    def hookbus_start(self, context):
        print("started by hand")

print("imported by hand")
"""


@pytest.mark.parametrize("command", [("run",), ("plugins", "list"), ("check",)], ids=" ".join)
def test_what_plugins_print_stays_out_of_the_json(ticking: Shell, command: tuple[str, ...]) -> None:
    """Standard output can be parsed whatever plugins do with it; their words go to the other."""
    with_broken(ticking, PRINTING)
    done = ticking(*command, "--json")
    assert done.exit_code == 0
    assert done.json
    assert "imported by hand" in done.stderr
    assert ("started by hand" in done.stderr) == (command == ("run",))


def test_the_same_run_writes_the_same_bytes(ticking: Shell) -> None:
    """The event file depends neither on the hash seed nor on how the run is shown."""
    written = set()
    for seed, options in (("0", ()), ("1", ("--json",)), ("2", ("--no-progress",))):
        ticking("run", "--events", f"{seed}.jsonl", *options, PYTHONHASHSEED=seed)
        written.add((ticking.folder / f"{seed}.jsonl").read_bytes())
    (text,) = written
    events = [json.loads(line) for line in text.splitlines()]
    assert [one["data"]["number"] for one in events if one["type"] == "tick.ticked"] == [0, 1, 2]


def test_events_into_a_folder_that_is_not_there_is_told(ticking: Shell) -> None:
    """A path that cannot be written is a mistake with a place, before anything runs."""
    done = ticking("run", "--events", "nowhere/events.jsonl")
    assert done.exit_code == 4
    assert "--events" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--pace", "0"), "--pace"),
        (("run", "--pace", "5", "--set", "clock.mode=system"), "simulated clock"),
        (("run", "a.toml", "--config", "b.toml"), "keep one"),
        (("run", "--log-level", "loud"), "--log-level"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_arguments_that_make_no_sense_are_usage_errors(
    ticking: Shell, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 2 and a sentence."""
    if "system" in " ".join(arguments):
        ticking.configure(SYSTEM)
    done = ticking(*arguments)
    assert done.exit_code == 2
    assert says in done.stderr


def test_failed_plugins_are_listed_at_the_end(ticking: Shell) -> None:
    """The run goes on without the plugin; its reason and the mend are not to be missed."""
    with_broken(ticking, "    @hookimpl\n    def hookbus_strat(self): ...")
    done = ticking("run")
    assert done.exit_code == 0
    assert "failed broken at hooks" in done.stdout
    assert "hookbus_start" in done.stdout


def test_a_simulation_whose_feed_failed_names_it(shell: Shell) -> None:
    """The plugin that would have fed events is what is to be mended, not the clock."""
    with_broken(shell, "    @hookimpl\n    def hookbus_strat(self): ...")
    done = shell("run", "--set", "plugins.ticker.enabled=false")
    assert done.exit_code == 4
    assert "Mend what failed (broken), or set [clock] end." in done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "    @hookimpl\n    async def hookbus_start(self): raise OSError('no disk')",
        (
            "    @hookimpl\n    def hookbus_start(self, context):\n"
            "        context.start_task(self.die(), 'dying')\n"
            "    async def die(self): raise OSError('no disk')"
        ),
    ],
    ids=["at start", "in a task"],
)
@pytest.mark.parametrize("way", ["--strict", "required"])
def test_a_required_plugin_that_fails_is_exit_code_3(ticking: Shell, body: str, way: str) -> None:
    """`required = true` and --strict mean it, whether it fails at its start or on the way."""
    with_broken(ticking, body, "required = true" if way == "required" else "")
    done = ticking("run", *(["--strict"] if way == "--strict" else []))
    assert done.exit_code == 3
    assert "no disk" in done.stderr + done.stdout


def test_a_thread_that_hangs_does_not_keep_the_process(ticking: Shell) -> None:
    """What a plugin left running is named, and the process ends all the same."""
    with_broken(
        ticking,
        "    @hookimpl\n    def hookbus_start(self):\n        import threading\n"
        "        threading.Thread(target=threading.Event().wait, name='stuck').start()",
    )
    done = ticking("run")
    assert done.exit_code == 0
    assert "left behind: stuck" in done.stderr


def test_safe_mode_loads_no_plugin(ticking: Shell) -> None:
    """As an option of the command and of `hookbus` itself."""
    for arguments in (("--safe-mode", "plugins", "list"), ("plugins", "list", "--safe-mode")):
        found = ticking(*arguments, "--json").json
        assert {one["state"] for one in found} == {"disabled"}


def is_up(shell: Shell) -> bool:
    """Whether a host has been started in the folder of a test."""
    client = connect(shell.folder / ".hookbus")
    if client is None:
        return False
    with client:
        return bool(client.ask("status")["running"])


@contextmanager
def running(shell: Shell, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A host under the system's clock, given once it listens."""
    shell.write("ticker.py", TICKER)
    shell.configure(SYSTEM)
    process = subprocess.Popen(
        [sys.executable, "-m", "hookbus", "run", "--log-level", "debug", *arguments],
        cwd=shell.folder,
        env={**os.environ, **shell.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not is_up(shell):
            assert process.poll() is None
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_order(shell: Shell, number: signal.Signals) -> None:
    """Plugins are stopped, the summary is printed, the socket is gone; exit code 0."""
    with running(shell) as process:
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert f"{number.name} received" in stdout
        assert "every one accounted for" in stdout
        assert not (shell.folder / ".hookbus" / "control.sock").exists()


HANGS_AT_STOP = """
import asyncio

from hookbus import Plugin, hookimpl

class Hanging(Plugin):
    "Hangs when it is stopped."
    name = "hanging"

    @hookimpl
    async def hookbus_stop(self):
        print("stopping", flush=True)
        await asyncio.Event().wait()
"""


def test_a_second_signal_ends_it_at_once(shell: Shell) -> None:
    """Whoever cannot wait for a plugin that hangs at its stop need not; an echo of the first signal
    is none: some programs send it to the process and to its group."""
    shell.write("hanging.py", HANGS_AT_STOP)
    with running(shell, "--plugin", "hanging.py") as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=5)
        assert process.returncode == 128 + signal.SIGTERM
        assert "ended at once" in stderr
