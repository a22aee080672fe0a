"""The strategy stage on the bus: bars in, signals out."""

from collections.abc import Iterable
from typing import Any

from hookbus import Event, Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.control import StrategyPromoted
from hookbus_trading.fields import Stage
from hookbus_trading.flow import Bar
from hookbus_trading.runners import RunnerStarted, RunnerStopped
from pydantic import BaseModel, ValidationError

from hookbus_paper.strategy.settings import StrategySettings
from hookbus_paper.strategy.stage import StrategyStage

__all__ = ["StrategyPlugin"]


class _Remembered(BaseModel):
    """The state file: of each strategy the stage in the settings, and the one it had come to."""

    stages: dict[str, tuple[Stage, Stage]]


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

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to bars, and remember the stages that an earlier run has come to."""
        self._bus = context.bus
        self._file = context.state_file("stages", version=1)
        self._stage = StrategyStage(self.settings, self._remembered(self._file.load()))
        context.bus.subscribe(Bar, self._on_bar, name="bars", mode="inline")
        context.bus.subscribe(StrategyPromoted, self._on_promoted, name="promotions", mode="inline")

    def _remembered(self, data: dict[str, Any] | None) -> dict[str, Stage]:
        """The stages of the file, but for strategies whose stage was changed in the settings."""
        try:
            found = {} if data is None else _Remembered.model_validate(data).stages
        except ValidationError as error:
            self._file.set_aside(str(error))
            found = {}
        configured = {name: spec.stage for name, spec in self.settings.strategies.items()}
        return {
            name: reached
            for name, (before, reached) in found.items()
            if configured.get(name) == before
        }

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
        stages = {one.name: (one.spec.stage, one.stage) for one in self._stage.traders}
        self._file.save({"stages": stages})

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self._bus.publish_forced(event)

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
