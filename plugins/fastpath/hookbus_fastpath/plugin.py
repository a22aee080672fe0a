"""The fast path on the bus: trades in, ticks out."""

from __future__ import annotations

from hookbus import Event, Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.pipeline import TradesIngested

from hookbus_fastpath.events import SymbolRefreshed
from hookbus_fastpath.lane import RunnerLane
from hookbus_fastpath.report import summary_rows
from hookbus_fastpath.routing import Routes
from hookbus_fastpath.settings import FastpathSettings

__all__ = ["FastpathPlugin"]


class FastpathPlugin(Plugin):
    """Turns bursts of trades into one tick for each runner, ahead of all background work."""

    name = "fastpath"
    requires = ("trading",)
    hook_api = 1
    Settings = FastpathSettings

    settings: FastpathSettings

    def __init__(self, settings: FastpathSettings) -> None:
        super().__init__(settings)
        self.lanes: tuple[RunnerLane, ...] = ()
        self._routes: Routes | None = None

    @hookimpl
    def hookbus_events(self) -> tuple[type[Event], ...]:
        """Declare the refreshes."""
        return (SymbolRefreshed,)

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Make a lane for every runner that is not off, and listen to trades."""
        settings = self.settings
        runners = [one for one in settings.runners if settings.mode_of(one) != "off"]
        if not runners:
            context.log.info("the fast path is off: consumers work from the trades")
            return
        self.lanes = tuple(
            RunnerLane(context, one.name, one.symbols, publishes=settings.mode_of(one) == "on")
            for one in runners
        )
        self._routes = Routes(
            [(lane, one.symbols) for lane, one in zip(self.lanes, runners, strict=True)]
        )
        context.bus.subscribe(TradesIngested, self._routes.note, mode="inline", name="trades")
        if settings.refresh:
            for lane in self.lanes:
                context.start_task(lane.refresh(settings.refresh), f"refresh of {lane.name}")

    @hookimpl
    def hookbus_summary(self) -> Summary | None:
        """Triggers, ticks and latencies; nothing when the fast path is off."""
        if self._routes is None:
            return None
        return Summary("Fast path", summary_rows(self.settings.mode, self._routes, self.lanes))
