"""Stopping a host whose handlers do not come to an end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from hookbus import Plugin, PluginContext, hookimpl
from hookbus.clock import SECOND
from hookbus.host import Host
from hookbus.loop import run
from hookbus.operational import HostStarted
from hookbus.settings.config import make_config

from tests.host.test_recorder import Log


class Stuck(Plugin):
    """Takes for ever over an event."""

    name = "stuck"

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen."""
        context.bus.subscribe(HostStarted, self.wait, name="waiting")

    async def wait(self, _: Any) -> None:
        """Never end."""
        await asyncio.Event().wait()


class AlsoStuck(Stuck):
    """Another one."""

    name = "also-stuck"


class ThirdStuck(Stuck):
    """And another one."""

    name = "third-stuck"


def test_stuck_handlers_are_named_once_and_do_not_add_up() -> None:
    """Stopping takes one long wait, however many are stuck, and its log says for whom."""
    end = datetime(2024, 1, 1, tzinfo=UTC)
    config, log = make_config({"clock": {"mode": "simulated", "end": end}}), Log()
    host = Host(config, plugins=[Stuck, AlsoStuck, ThirdStuck], group=None, log=log)
    report = run(host.run(), host.clock)
    took = host.clock.now_ns() / SECOND - end.timestamp()
    assert took < 20
    assert report.ledger.discrepancies == ()
    (told,) = [fields["by"] for text, fields in log.entries if "still being handled" in text]
    assert told == ["also-stuck:waiting", "stuck:waiting", "third-stuck:waiting"]
