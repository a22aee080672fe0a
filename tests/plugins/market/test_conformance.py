"""The market plugin keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from hookbus.testing import PluginConformance
from hookbus_market.plugin import MarketPlugin
from hookbus_trading.plugin import TradingPlugin


class TestMarket(PluginConformance):
    """The market plugin, with a made-up market."""

    plugin = MarketPlugin
    settings: ClassVar[Mapping[str, Any]] = {"synthetic": {"symbols": ["A", "B"], "bars": 600}}
    companions = (TradingPlugin,)


class TestMarketWithoutSources(PluginConformance):
    """The market plugin as it is when nothing is set."""

    plugin = MarketPlugin
    companions = (TradingPlugin,)
