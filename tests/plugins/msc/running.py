"""A host with the controller and a small scripted feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hookbus import Event, Plugin, PluginContext, SimulatedClock, Source, hookimpl
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.runreport import RunReport
from hookbus.testing import HostFactory, Recording
from hookbus_msc.plugin import MscPlugin
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.msc.makers import ns

Script = Sequence[tuple[datetime, Event]]


def feed_of(script: Script) -> type[Plugin]:
    """A plugin that publishes events, each at its time."""

    class Feed(Plugin):
        """Publishes what the script says."""

        name = "feed"
        requires = ("trading",)

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            """Start the source."""
            self._context = context
            context.start_source(self._publish, "script")

        async def _publish(self, _: Source) -> None:
            for time, event in script:
                await self._context.clock.sleep_until(ns(time))
                await self._context.bus.publish(event)

    return Feed


def play(
    script: Script, folder: Path, settings: Mapping[str, Any], *others: type[Plugin]
) -> tuple[RunReport, Recording]:
    """Run the controller over a script, on a clock and a loop of its own."""
    clock = SimulatedClock(ns(script[0][0]))
    make_host = HostFactory(clock, make_logger(), folder)
    host = make_host(
        MscPlugin, TradingPlugin, feed_of(script), *others, settings={"msc": dict(settings)}
    )
    return run(host.run(), clock), host.recorded
