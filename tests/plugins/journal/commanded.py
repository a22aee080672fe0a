"""A folder with a small shop, whose host and whose commands run as processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from hookbus.cli import root
from hookbus.control.client import NoRunningHost, connect
from hookbus.testing import CommandResult, run_command

SHOP = '''
from hookbus import Event, Plugin, Retry, hookimpl


class Ordered(Event, type="shop.ordered", key="item"):
    """Something was ordered."""

    item: str
    count: int = 1
    price: float = 0.00000012
    note: str = "für \\u2028 zwei"


class Shipped(Event, type="shop.shipped", key="item"):
    """It was shipped."""

    item: str


class Shop(Plugin):
    """Ships what is ordered, in lots of up to two until it is mended."""

    name = "shop"
    requires = ("journal",)

    @hookimpl
    def hookbus_events(self):
        return (Ordered, Shipped)

    @hookimpl
    def hookbus_start(self, context):
        self.bus = context.bus
        self.mended = (context.base / "mended").exists
        retry = Retry(attempts=2, delay=0.001)
        context.bus.subscribe(Ordered, self.ship, delivery="durable", name="ship", retry=retry)
        context.start_source(self.sell, "orders")

    async def sell(self, source):
        for number in range(10):
            await self.bus.publish(Ordered(item=f"thing {number}", count=1 + number % 5))

    async def ship(self, order):
        if order.count > 3 and not self.mended():
            raise ValueError(f"{order.count} of {order.item} are too many")
        await self.bus.publish(Shipped(item=order.item))
'''
"""Ten orders, of which four are more than it can ship: things 3, 4, 8 and 9."""

CONFIGURATION = """
[host]
name = "desk"
[plugins]
autoload = false
[plugins.journal]
[plugins.shop]
path = "shop.py"
"""


class Desk:
    """The folder, and what is done in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / ".hookbus" / "journal" / "journal.db"
        (folder / "shop.py").write_text(SHOP, encoding="utf-8")
        (folder / "hookbus.toml").write_text(CONFIGURATION, encoding="utf-8")

    def __call__(self, *arguments: str | Path) -> CommandResult:
        """Run `hookbus ARGUMENTS` in a process of its own."""
        return run_command(*arguments, folder=self.folder)

    def at_once(self) -> AtOnce:
        """The same desk, where commands run in this process, which takes a tenth of the time."""
        return AtOnce(self.folder)

    def json(self, *arguments: str | Path) -> Any:
        """What a command that must succeed prints with `--json`."""
        done = self(*arguments, "--json")
        assert done.exit_code == 0, done.stderr
        return done.json

    def lines(self, *arguments: str | Path) -> list[Any]:
        """The same for a command that prints JSON on each line."""
        return json_lines(self(*arguments, "--json").stdout)

    def mend(self) -> None:
        """Let the shop ship everything from now on."""
        (self.folder / "mended").touch()

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A host, given once all ten orders are shipped or given up; stopped in order."""
        process = subprocess.Popen(
            [sys.executable, "-m", "hookbus", "run", *arguments],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self.until(lambda: self._is_through(process))
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)

    def run(self, *arguments: str) -> None:
        """A whole run of a host, from its start to its end."""
        with self.running(*arguments):
            pass

    def _is_through(self, process: subprocess.Popen[str]) -> bool:
        assert process.poll() is None, process.communicate()
        try:
            with connect(self.folder / ".hookbus") or _nobody() as client:
                accounts = client.ask("ledger")["accounts"]
        except Exception:  # noqa: BLE001 - it is not up yet
            return False
        shop = [one for one in accounts if one["plugin"] == "shop"]
        return any(one["delivered"] + one["dead_lettered"] >= 10 for one in shop)

    def until(self, condition: Any) -> None:
        """Wait until something in another process is so."""
        limit = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < limit, "it did not come to that"
            time.sleep(0.02)


class AtOnce(Desk):
    """A desk whose commands, but not its hosts, run in the process of the test."""

    def __call__(self, *arguments: str | Path) -> CommandResult:
        """Run `hookbus ARGUMENTS`."""
        with contextlib.chdir(self.folder):
            done = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "120"}).invoke(
                root, list(map(str, arguments)), prog_name="hookbus"
            )
        return CommandResult(done.exit_code, done.stdout, done.stderr)


def json_lines(text: str) -> list[Any]:
    """What is on each line; only a line feed ends one."""
    return [json.loads(line) for line in text.split("\n") if line]


def _nobody() -> Any:
    raise NoRunningHost
