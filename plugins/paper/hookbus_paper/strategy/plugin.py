"""The strategy on the bus: bars in, signals out."""

from hookbus import Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.flow import Bar

from hookbus_paper.strategy.cross import CrossStrategy
from hookbus_paper.strategy.settings import StrategySettings

__all__ = ["StrategyPlugin"]


class StrategyPlugin(Plugin):
    """Moving-average cross: long when the fast average crosses above the slow one."""

    name = "strategy"
    requires = ("trading",)
    hook_api = 1
    Settings = StrategySettings

    def __init__(self, settings: StrategySettings) -> None:
        """Prepare averages without values."""
        super().__init__(settings)
        self._strategy = CrossStrategy(settings)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to bars."""
        self._bus = context.bus
        context.bus.subscribe(Bar, self._on_bar, name="bars", delivery="lossless")

    async def _on_bar(self, bar: Bar) -> None:
        for event in self._strategy.on_bar(bar):
            await self._bus.publish(event)

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Bars seen, bars ignored, signals."""
        signals = ("Signals", f"{self._strategy.signals:,}")
        return Summary("Strategy", (*self._strategy.gate.rows(), signals))
