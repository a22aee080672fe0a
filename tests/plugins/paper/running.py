"""A host with the paper plugins and a feed of given bars, for the tests of the wiring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hookbus import Envelope, Event, Host, Plugin, PluginContext, SimulatedClock, Source, hookimpl
from hookbus.config import make_config
from hookbus.loop import run
from hookbus.runreport import RunReport
from hookbus_paper.execution.plugin import ExecutionPlugin
from hookbus_paper.portfolio.plugin import PortfolioPlugin
from hookbus_paper.risk.plugin import RiskPlugin
from hookbus_paper.strategy.plugin import StrategyPlugin
from hookbus_trading.flow import Bar
from hookbus_trading.plugin import TradingPlugin

PAPER: tuple[type[Plugin], ...] = (StrategyPlugin, RiskPlugin, ExecutionPlugin, PortfolioPlugin)


def feed_of(bars: Sequence[Bar], *, settles: bool = True) -> type[Plugin]:
    """A plugin that publishes bars, at their times or, if it does not settle, all at once."""

    class Feed(Plugin):
        """Publishes bars."""

        name = "feed"
        requires = ("trading",)

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            """Start the source."""
            self._context = context
            context.start_source(self._publish, "bars")

        async def _publish(self, source: Source) -> None:
            for bar in bars:
                if settles:
                    await self._context.clock.sleep_until(int(bar.time.timestamp()) * 1_000_000_000)
                await self._context.bus.publish(bar)

    return Feed


def recorder_into(envelopes: list[Envelope]) -> type[Plugin]:
    """A plugin that keeps every envelope."""

    class Keeper(Plugin):
        """Keeps everything; its name puts it first, so that it is stopped last."""

        name = "a-keeper"

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            """Listen to everything."""
            context.bus.subscribe("*", envelopes.append, mode="inline", envelope=True)

    return Keeper


@dataclass
class Outcome:
    """What a run came to."""

    report: RunReport
    envelopes: list[Envelope]

    def events(self, *types: type[Event]) -> list[Any]:
        """The events of some types, in the order of publishing."""
        return [one.event for one in self.envelopes if isinstance(one.event, types)]

    def summary(self, title: str) -> dict[str, str]:
        """The rows of one summary."""
        (found,) = (one for one in self.report.summaries if one.title == title)
        return dict(found.rows)

    def flow(self) -> list[str]:
        """The trading events as JSON, without what the host gives to their envelopes."""
        kept = (one for one in self.envelopes if one.type.startswith("trading."))
        return [f"{one.type} {one.event.model_dump_json()}" for one in kept]


def trade(
    bars: Sequence[Bar],
    folder: Path,
    settings: Mapping[str, Mapping[str, Any]],
    *,
    others: Sequence[type[Plugin]] = (),
    settles: bool = True,
    until: datetime | None = None,
) -> Outcome:
    """Run the paper plugins over some bars, or until an instant, and return what came of it."""
    envelopes: list[Envelope] = []
    beside = [recorder_into(envelopes), TradingPlugin, feed_of(bars, settles=settles), *others]
    clock = SimulatedClock()
    sections = {"host": {"name": "test"}, "clock": {} if until is None else {"end": until}}
    config = make_config(sections | {"plugins": dict(settings)}, base=folder)
    host = Host(config, plugins=[*PAPER, *beside], group=None, clock=clock)
    return Outcome(run(host.run(), clock), envelopes)
