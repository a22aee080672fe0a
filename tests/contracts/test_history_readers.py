"""What reads the past of the bus: `hookbus events tail`, and the plugin health."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest
from hookbus import Bus, Plugin, PluginContext, SystemClock, hookimpl
from hookbus.control.server import control
from hookbus.host import Host
from hookbus.loop import run
from hookbus.settings.config import make_config

from tests.contracts.remembered import JournalPlugin, Kept, Loose, Passing, World, play


async def tail(folder: Path, *arguments: str) -> tuple[int | None, list[str], str]:
    """`hookbus events tail` in the folder of a running host: exit code, lines, complaints."""
    command = [sys.executable, "-m", "hookbus", "events", "tail", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    told, complaints = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, told.decode().splitlines(), complaints.decode()


def test_the_command_tail_reaches_into_the_journal(tmp_path: Path) -> None:
    """`--since` and `--history` show events of earlier runs, and say what nobody can read."""
    clock = SystemClock()

    async def first(world: World) -> None:
        for kind in (Loose, Passing, Kept):
            await world.bus.publish(kind())

    async def second(world: World) -> None:
        for kind in (Kept, Loose):
            await world.bus.publish(kind())
        async with control(world.host):
            code, lines, _ = await tail(tmp_path, "test.*", "--history", "3", "-n3", "--json")
            events = [json.loads(line) for line in lines]
            types = [one["type"] for one in events]
            assert (code, types) == (0, ["test.kept", "test.kept", "test.loose"])
            of_this_run = [one["id"].startswith(f"{world.bus.run}-") for one in events]
            assert of_this_run == [False, True, True]
            code, lines, told = await tail(tmp_path, "[gt]*", "--since", "1h", "-n4")
            assert (code, len(lines)) == (0, 4)
            assert "no plugin can read any more: 1 gone.passing" in told
            code, lines, told = await tail(tmp_path, "--since", "noon")
            assert (code, lines) == (2, [])
            assert "'noon' is no time; write 2026-11-25T14:30, or 2h for two hours ago" in told

    play(first, clock, tmp_path)
    play(second, clock, tmp_path)


def test_health_judges_by_this_run_only(tmp_path: Path) -> None:
    """A plugin that had failed in the last run, and works in this one, is not told of."""
    health = pytest.importorskip("hookbus_health.plugin").HealthPlugin
    trading = pytest.importorskip("hookbus_trading.plugin").TradingPlugin

    class Shaky(Plugin):
        name = "shaky"
        broken: ClassVar[bool] = True

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            if self.broken:
                raise RuntimeError("no database")

    async def life() -> list[str]:
        told: list[str] = []
        plugins = (JournalPlugin, health, trading, Shaky)
        config = make_config({}, base=tmp_path)
        async with Host(config, plugins=plugins, group=None, clock=SystemClock()) as host:
            stream = Bus(host.event_bus, "tester").stream("control.health", history=9)
            with suppress(TimeoutError):
                while True:
                    told.append((await asyncio.wait_for(anext(stream), 0.3)).model_dump_json())
        return told

    told_then = run(life(), SystemClock())
    assert any("plugin:shaky" in one for one in told_then)
    Shaky.broken = False
    assert run(life(), SystemClock()) == told_then, "more than what the journal kept of it"
