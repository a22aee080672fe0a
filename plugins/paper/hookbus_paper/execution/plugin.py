"""Paper execution on the bus: orders and bars in, fills out."""

from hookbus import Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.flow import Bar, Order

from hookbus_paper.execution.broker import PaperBroker
from hookbus_paper.execution.settings import ExecutionSettings

__all__ = ["ExecutionPlugin"]


class ExecutionPlugin(Plugin):
    """Fills market orders on paper, with commission and slippage."""

    name = "execution"
    requires = ("trading",)
    hook_api = 1
    Settings = ExecutionSettings

    def __init__(self, settings: ExecutionSettings) -> None:
        """Prepare a broker without orders."""
        super().__init__(settings)
        self._broker = PaperBroker(settings)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to orders and bars, in one subscription that keeps their order."""
        self._bus = context.bus
        context.bus.subscribe((Bar, Order), self._on_event, name="orders", delivery="lossless")

    async def _on_event(self, event: Bar | Order) -> None:
        broker = self._broker
        fills = broker.on_bar(event) if isinstance(event, Bar) else broker.on_order(event)
        for fill in fills:
            await self._bus.publish(fill)

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Report the orders that will not be filled any more."""
        for refusal in self._broker.cancel_open("the run ended before another bar of the symbol"):
            await context.bus.publish(refusal)

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Orders, fills, and what was cancelled, late or repeated."""
        return Summary("Execution", self._broker.rows())
