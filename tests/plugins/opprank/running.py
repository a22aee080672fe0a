"""A host with the ranking and a scripted feed, for the tests of the wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hookbus import Event, Plugin, PluginContext, SimulatedClock, Source, hookimpl
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.runreport import RunReport
from hookbus.testing import HostFactory, Recording
from hookbus_opprank.plugin import OpprankPlugin
from hookbus_trading import Bar, OpportunitiesUpdated
from hookbus_trading.plugin import TradingPlugin

Script = Sequence[Bar | tuple[Bar, Event]]
"""Bars in the order of time, some with another event that comes right after."""


def _ns(time: datetime) -> int:
    return int(time.timestamp()) * 1_000_000_000


def feed_of(script: Script) -> type[Plugin]:
    """A plugin that publishes bars at their times, some with another event right after."""

    class Feed(Plugin):
        """Publishes a script."""

        name = "feed"
        requires = ("trading",)

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            """Start the source."""
            self._context = context
            context.start_source(self._publish, "script")

        async def _publish(self, source: Source) -> None:
            for line in script:
                bar, *others = line if isinstance(line, tuple) else (line,)
                assert isinstance(bar, Bar)
                await self._context.clock.sleep_until(_ns(bar.time))
                for event in (bar, *others):
                    await self._context.bus.publish(event)

    return Feed


@dataclass
class Outcome:
    """What a run came to."""

    report: RunReport
    recorded: Recording

    @property
    def rankings(self) -> list[OpportunitiesUpdated]:
        """What was published, in order."""
        return self.recorded.of(OpportunitiesUpdated)

    @property
    def times(self) -> list[str]:
        """When rankings were published."""
        kept = (one for one in self.recorded.envelopes if one.type == "control.opportunities")
        return [f"{one.time:%m-%d %H:%M:%S}" for one in kept]

    @property
    def summary(self) -> dict[str, str]:
        """The rows of the ranking's summary."""
        (found,) = (one for one in self.report.summaries if one.title == "Opportunities")
        return dict(found.rows)


def play(
    script: Script,
    folder: Path,
    settings: Mapping[str, Any],
    *,
    config: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run the ranking over a script, on a clock of its own that begins with the first bar."""
    first = script[0][0] if isinstance(script[0], tuple) else script[0]
    clock = SimulatedClock(_ns(first.time))
    make_host = HostFactory(clock, make_logger(), folder)
    plugins = (OpprankPlugin, TradingPlugin, feed_of(script))
    host = make_host(*plugins, settings={"opprank": settings}, config=config)
    outcome = Outcome(run(host.run(), clock), host.recorded)
    assert outcome.report.exit_code == 0
    return outcome
