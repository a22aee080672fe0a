"""Paper execution on the bus: orders and bars in, fills out."""

from collections.abc import Iterable

from hookbus import Event, Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.control import TradingHalted, TradingResumed
from hookbus_trading.flow import Bar, Order, OrderCancelRequested

from hookbus_paper.execution.broker import PaperBroker
from hookbus_paper.execution.settings import ExecutionSettings

__all__ = ["ExecutionPlugin"]


class ExecutionPlugin(Plugin):
    """Fills market, limit and stop orders on paper, with commission, spread and slippage."""

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
        """Listen; a bar fills what waits for it before the portfolio and the strategies see it."""
        self._bus = bus = context.bus
        context.provide(PaperBroker, self._broker)
        bus.subscribe(Bar, self._on_bar, name="bars", mode="inline")
        bus.subscribe(Order, self._on_order, name="orders", mode="inline")
        bus.subscribe(OrderCancelRequested, self._on_cancel, name="cancels", mode="inline")
        bus.subscribe(TradingResumed, self._on_resumed, name="resumptions", mode="inline")

    @hookimpl
    def hookbus_ready(self, context: PluginContext) -> None:
        """Listen to halts, after the risk check, which does so when it starts.

        In the other order it would answer the cancellations with new orders; and when trading is
        resumed, its first order must find the execution ready.
        """
        context.bus.subscribe(TradingHalted, self._on_halted, name="halts", mode="inline")

    def _on_bar(self, bar: Bar) -> None:
        self._tell(self._broker.on_bar(bar))

    def _on_order(self, order: Order) -> None:
        self._tell(self._broker.on_order(order))

    def _on_cancel(self, request: OrderCancelRequested) -> None:
        self._tell(self._broker.on_cancel(request))

    def _on_halted(self, halt: TradingHalted) -> None:
        self._tell(self._broker.halt(f"trading was halted by {halt.by}: {halt.reason}"))

    def _on_resumed(self, _: TradingResumed) -> None:
        self._broker.resume()

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self._bus.publish_forced(event)

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Cancel the orders that will not be filled any more."""
        for event in self._broker.cancel_open("the run ended before another bar of the symbol"):
            await context.bus.publish(event)

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Orders, fills, and what was partial, rejected, cancelled, late or repeated."""
        return Summary("Execution", self._broker.rows())
