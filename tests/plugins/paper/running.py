"""A host with the paper plugins and a feed of given bars, for the tests of the wiring."""

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
from hookbus_paper.execution.plugin import ExecutionPlugin
from hookbus_paper.lifecycle.plugin import LifecyclePlugin
from hookbus_paper.portfolio.plugin import PortfolioPlugin
from hookbus_paper.risk.plugin import RiskPlugin
from hookbus_paper.strategy.plugin import StrategyPlugin
from hookbus_trading.flow import Bar
from hookbus_trading.plugin import TradingPlugin

PAPER: tuple[type[Plugin], ...] = (
    StrategyPlugin,
    RiskPlugin,
    ExecutionPlugin,
    PortfolioPlugin,
    LifecyclePlugin,
)


def crossing(fast: int, slow: int, below: str = "flat", **other: Any) -> dict[str, Any]:
    """Settings of the strategy stage with one moving-average cross, called `cross`."""
    parameters = {"fast": fast, "slow": slow, "below": below}
    return {"strategies": {"cross": {"kind": "sma-cross", "parameters": parameters} | other}}


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


@dataclass
class Outcome:
    """What a run came to."""

    report: RunReport
    recorded: Recording

    def events(self, *types: type[Event]) -> list[Any]:
        """The events of some types, in the order of publishing."""
        return [event for event in self.recorded.events if isinstance(event, types)]

    def summary(self, title: str) -> dict[str, str]:
        """The rows of one summary."""
        (found,) = (one for one in self.report.summaries if one.title == title)
        return dict(found.rows)

    def flow(self) -> list[str]:
        """The trading events as JSON, without what the host gives to their envelopes."""
        kept = (one for one in self.recorded.envelopes if one.type.startswith("trading."))
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
    """Run the paper plugins over some bars, or until an instant, on a clock and a loop of its own.

    A test may call it several times and compare.
    """
    clock = SimulatedClock()
    make_host = HostFactory(clock, make_logger(), folder)
    config = {} if until is None else {"clock": {"end": until}}
    plugins = (*PAPER, TradingPlugin, feed_of(bars, settles=settles), *others)
    host = make_host(*plugins, settings=settings, config=config)
    return Outcome(run(host.run(), clock), host.recorded)
