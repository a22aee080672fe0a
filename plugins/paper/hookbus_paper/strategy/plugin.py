"""The strategy stage on the bus: bars in, signals out."""

from collections.abc import Iterable
from typing import Any, get_args

from hookbus import Event, Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.control import StrategyPromoted
from hookbus_trading.fields import Stage
from hookbus_trading.flow import Bar
from hookbus_trading.runners import RunnerStarted, RunnerStopped

from hookbus_paper.statefile import StateFile
from hookbus_paper.strategy.settings import StrategySettings
from hookbus_paper.strategy.stage import StrategyStage
from hookbus_paper.telling import tell

__all__ = ["StrategyPlugin"]


class StrategyPlugin(Plugin):
    """Runs strategies: several at once, each on its symbols and in its stage."""

    name = "strategy"
    requires = ("trading",)
    after = ("execution", "portfolio", "risk", "lifecycle")
    hook_api = 1
    Settings = StrategySettings

    def __init__(self, settings: StrategySettings) -> None:
        """Prepare strategies that have seen nothing."""
        super().__init__(settings)
        self._stage = StrategyStage(settings)
        self._file: StateFile | None = None

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to bars, and remember the stages that an earlier run has come to."""
        self._bus = context.bus
        if not context.clock.simulated:
            self._file = StateFile(context.state_dir / "stages.json", 1, context.log)
            self._stage = StrategyStage(self.settings, self._remembered(self._file.load()))
        context.bus.subscribe(Bar, self._on_bar, name="bars", mode="inline")
        context.bus.subscribe(StrategyPromoted, self._on_promoted, name="promotions", mode="inline")

    def _remembered(self, data: dict[str, Any] | None) -> dict[str, Stage]:
        """The stages of the file, but for strategies whose stage was changed in the settings."""
        stages: dict[str, Stage] = {}
        for name, (configured, reached) in ((data or {}).get("stages") or {}).items():
            spec = self.settings.strategies.get(name)
            if spec is not None and spec.stage == configured and reached in get_args(Stage):
                stages[name] = reached
        return stages

    @hookimpl
    async def hookbus_ready(self, context: PluginContext) -> None:
        """Tell which strategies run, and in which stage."""
        for trader in self._stage.traders:
            started = RunnerStarted(
                runner=trader.name,
                strategy=trader.name,
                symbols=trader.spec.symbols,
                stage=trader.stage,
            )
            await context.bus.publish(started)

    def _on_bar(self, bar: Bar) -> None:
        events = self._stage.on_bar(bar)
        if events:
            self._tell(events)

    def _on_promoted(self, promotion: StrategyPromoted) -> None:
        self._tell(self._stage.on_promoted(promotion))
        if self._file is not None:
            traders = self._stage.traders
            stages = {one.name: (one.spec.stage, one.stage) for one in traders}
            self._file.save({"stages": stages})

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            tell(self._bus, event)

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Tell that the strategies run no more."""
        for trader in self._stage.traders:
            stopped = RunnerStopped(runner=trader.name, reason="the host stops")
            await context.bus.publish(stopped)

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Bars seen, bars ignored, and the signals of each strategy."""
        return Summary("Strategy", self._stage.rows())
