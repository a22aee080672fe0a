"""A host in a process of its own: it is blocked, stopped, killed, and run twice."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hookbus.testing.commands import CommandResult

RunCommand = Callable[..., CommandResult]

BLOCKER = '''
import asyncio, time
from pathlib import Path

from hookbus import Plugin, hookimpl


class Blocker(Plugin):
    """Blocks the event loop, from when a file is there until it is gone again."""

    name = "blocker"

    @hookimpl
    def hookbus_start(self, context):
        self.file = context.path("block")
        context.start_task(self.watch(), "watch")

    async def watch(self):
        while True:
            while self.file.exists():
                time.sleep(0.01)
            await asyncio.sleep(0.01)
'''

CONFIG = """
[plugins]
autoload = false

[plugins.trading]

[plugins.health]
watchdog = { interval = 0.1 }
disk = { degraded = 0.99, critical = 0.995 }

[plugins.blocker]
path = "blocker.py"
"""


class Running:
    """A host that runs in a process, and what it tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sign = folder / ".hookbus" / "health" / "watchdog.json"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.listener.bind(str(folder / "notify"))
        self.listener.settimeout(30)
        (folder / "blocker.py").write_text(BLOCKER)
        (folder / "hookbus.toml").write_text(CONFIG)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hookbus", "run", "--no-progress"],
            cwd=folder,
            env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait_for(self, line: str) -> None:
        """Read notifications until one begins so."""
        while not self.listener.recv(4096).decode().startswith(line):
            pass

    def drain(self) -> list[str]:
        """The notifications that have come."""
        self.listener.setblocking(False)
        found = []
        try:
            while True:
                found.append(self.listener.recv(4096).decode())
        except BlockingIOError:
            self.listener.settimeout(30)
            return found

    def age(self) -> float:
        """Seconds since the file was written."""
        return time.time() - self.sign.stat().st_mtime

    def stop(self) -> int:
        """End it as a service manager does."""
        (self.folder / "block").unlink(missing_ok=True)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.listener.close()
        return code


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A host that has started."""
    one = Running(tmp_path)
    try:
        one.wait_for("READY=1")
        yield one
    finally:
        one.stop()


def test_a_blocked_loop_gives_no_sign_of_life(running: Running, run_command: RunCommand) -> None:
    """A plugin blocks the loop: the file grows old, systemd hears nothing, and the probe says so.

    Threads of the process go on meanwhile, the host's own watch among them; a sign of life that
    came from one of them would hide that nobody trades any more.
    """
    running.wait_for("WATCHDOG=1")
    well = run_command("health", "--json")
    assert (well.exit_code, well.json["ok"], well.json["state"]) == (0, True, "running")
    assert well.json["pid"] == running.process.pid
    (running.folder / "block").touch()
    time.sleep(0.5)
    running.drain()
    before = running.age()
    time.sleep(1.5)
    assert running.drain() == []
    assert running.age() - before == pytest.approx(1.5, abs=0.3)
    stuck = run_command("health")
    assert stuck.exit_code == 1
    assert "the last sign of life is " in stuck.stderr
    (running.folder / "block").unlink()
    running.wait_for("WATCHDOG=1\nSTATUS=critical: event-loop: the lag is ")
    told = run_command("health", "--max-age", "30")
    assert told.exit_code == 1
    assert "the system is critical: event-loop: " in told.stderr


def test_a_host_that_stops_says_so(running: Running, run_command: RunCommand) -> None:
    """Systemd hears of it at once, and the file does not look like one of a host that hangs."""
    assert running.stop() == 0
    sign = json.loads(running.sign.read_text())
    assert sign["state"] == "stopped"
    stopped = run_command("health", "--max-age", "3600")
    assert stopped.exit_code == 1
    assert stopped.stderr.startswith("the host stopped ")


def test_a_host_that_is_killed_is_found_out(running: Running, run_command: RunCommand) -> None:
    """No word of farewell is needed: the age tells."""
    running.wait_for("WATCHDOG=1")
    running.process.kill()
    running.process.wait()
    time.sleep(0.5)
    dead = run_command("health")
    assert (dead.exit_code, "old, more than 0.3 s" in dead.stderr) == (1, True)


REPLAY = '''
from decimal import Decimal

from hookbus import Plugin, hookimpl
from hookbus_trading import Bar, PortfolioUpdated


class Holder(Plugin):
    """Holds one of everything, and fails at every seventh bar."""

    name = "holder"
    requires = ("trading",)

    @hookimpl
    def hookbus_start(self, context):
        self.bus, self.seen = context.bus, 0
        context.bus.subscribe(Bar, self.on_bar, delivery="lossless")

    async def on_bar(self, bar):
        self.seen += 1
        equity = Decimal(str(bar.close))
        await self.bus.publish(PortfolioUpdated(cash=equity, equity=equity))
        if self.seen % 7 == 0:
            raise RuntimeError("bad luck")
'''

SIMULATED = """
[clock]
mode = "simulated"

[plugins]
autoload = false

[plugins.trading]

[plugins.holder]
path = "holder.py"

[plugins.market.synthetic]
symbols = ["BTC", "ETH"]
bars = 600
interval = 60
volatility = 8.0

[plugins.health]
errors = { degraded = 0.1, critical = 0.2 }
"""


def health_events(path: Path) -> list[dict[str, Any]]:
    """The changes of status in a recording."""
    events = map(json.loads, path.read_text().splitlines())
    return [event["data"] for event in events if event["type"] == "control.health"]


def test_a_simulated_run_repeats_itself_byte_by_byte(
    tmp_path: Path, run_command: RunCommand
) -> None:
    """Same bars, same statuses at the same instants, whatever the order of hashes is."""
    pytest.importorskip("hookbus_market", reason="the bars come from hookbus-market")
    (tmp_path / "holder.py").write_text(REPLAY)
    (tmp_path / "hookbus.toml").write_text(SIMULATED)
    for name, seed in (("one", "1"), ("two", "77")):
        done = run_command("run", "--events", f"{name}.jsonl", env={"PYTHONHASHSEED": seed})
        assert done.exit_code == 0, done.stderr
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    changes = health_events(tmp_path / "one.jsonl")
    assert {one["component"] for one in changes} == {"drawdown", "errors", "system"}
    assert "Health" in done.stdout
