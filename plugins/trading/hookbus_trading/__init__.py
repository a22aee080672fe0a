"""The vocabulary that trading plugins share: event types, fields and units, no behaviour."""

from hookbus_trading.flow import (
    Bar,
    Fill,
    Indicator,
    Order,
    OrderEvent,
    OrderRejected,
    PortfolioUpdated,
    TradingSignal,
)

__all__ = [
    "Bar",
    "Fill",
    "Indicator",
    "Order",
    "OrderEvent",
    "OrderRejected",
    "PortfolioUpdated",
    "TradingSignal",
]
