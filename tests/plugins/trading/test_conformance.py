"""The trading plugin keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from hookbus.testing import PluginConformance
from hookbus_trading.plugin import TradingPlugin


class TestTrading(PluginConformance):
    """The plugin that only declares event types."""

    plugin = TradingPlugin
