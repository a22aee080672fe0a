"""The plugin that declares the trading events, so that the host can decode and list them."""

from hookbus import Event, Plugin, hookimpl

from hookbus_trading.flow import (
    Bar,
    Fill,
    Indicator,
    Order,
    OrderRejected,
    PortfolioUpdated,
    TradingSignal,
)


class TradingPlugin(Plugin):
    """The shared vocabulary: bars, indicators, signals, orders, fills and portfolio updates."""

    name = "trading"
    hook_api = 1

    @hookimpl
    def hookbus_events(self) -> tuple[type[Event], ...]:
        """Declare the event types of the flow."""
        return (Bar, Indicator, TradingSignal, Order, OrderRejected, Fill, PortfolioUpdated)
