"""The risk check on the bus: signals, fills and the portfolio in, orders and refusals out."""

from hookbus import Envelope, Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.flow import Fill, OrderRejected, PortfolioUpdated, TradingSignal

from hookbus_paper.risk.desk import RiskDesk
from hookbus_paper.risk.settings import RiskSettings

__all__ = ["RiskPlugin"]

_HOST_STOPPING = "hookbus.host.stopping"
_FOLLOWED = (TradingSignal, Fill, OrderRejected, PortfolioUpdated, _HOST_STOPPING)


class RiskPlugin(Plugin):
    """Sizes orders from signals and keeps them within position, value and loss limits."""

    name = "risk"
    requires = ("trading",)
    hook_api = 1
    Settings = RiskSettings

    def __init__(self, settings: RiskSettings) -> None:
        """Prepare a desk that holds nothing."""
        super().__init__(settings)
        self._desk = RiskDesk(settings)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen, in one subscription, so that what happened first is handled first."""
        self._bus = context.bus
        context.bus.subscribe(
            _FOLLOWED, self._on_envelope, name="flow", delivery="lossless", envelope=True
        )

    async def _on_envelope(self, envelope: Envelope) -> None:
        event = envelope.event
        if isinstance(event, PortfolioUpdated):
            self._desk.on_portfolio(event, event.time or envelope.time)
        elif isinstance(event, TradingSignal):
            for decision in self._desk.on_signal(event, event.time or envelope.time):
                await self._bus.publish(decision)
        elif isinstance(event, Fill):
            self._desk.on_fill(event)
        elif isinstance(event, OrderRejected):
            self._desk.on_rejected(event)
        elif envelope.type == _HOST_STOPPING:
            self._desk.halt("the host is stopping")

    @hookimpl
    def hookbus_stop(self) -> None:
        """Let nothing through any more."""
        self._desk.halt("the risk check has been stopped")

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Signals, orders, refusals, and what was repeated."""
        return Summary("Risk", self._desk.rows())
