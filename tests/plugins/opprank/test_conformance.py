"""The ranking keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from hookbus.testing import PluginConformance
from hookbus_opprank.events import RankingRequested
from hookbus_opprank.plugin import OpprankPlugin
from hookbus_trading import MarketsScored
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.opprank.makers import make_bar


class TestAfterBars(PluginConformance):
    """A ranking after every bar, which is the default."""

    plugin = OpprankPlugin
    companions = (TradingPlugin,)
    events = (
        *(make_bar(minute, 10.0 + minute, symbol) for minute in range(30) for symbol in "AB"),
        RankingRequested(reason="by hand"),
    )


class TestOnEvents(PluginConformance):
    """Rankings on an event, with a timer to fall back on."""

    plugin = OpprankPlugin
    settings: ClassVar[Mapping[str, Any]] = {"on": ["pipeline.markets_scored"], "every": 60}
    companions = (TradingPlugin,)
    events = (make_bar(0, 10.0), MarketsScored(scores={"A": 1.0}))
