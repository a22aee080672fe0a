"""The fast path keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from hookbus import Event, Plugin
from hookbus.testing import PluginConformance
from hookbus_fastpath.plugin import FastpathPlugin
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.fastpath.makers import ALPHA, BETA, trades


class TestFastpathAsItComes(PluginConformance):
    """The fast path when nothing is set."""

    plugin = FastpathPlugin
    companions: ClassVar[Sequence[type[Plugin]]] = (TradingPlugin,)
    events: ClassVar[Sequence[Event]] = (trades(),)


class TestFastpathInUse(PluginConformance):
    """The fast path with two runners and refreshes."""

    plugin = FastpathPlugin
    companions: ClassVar[Sequence[type[Plugin]]] = (TradingPlugin,)
    settings: ClassVar[Mapping[str, Any]] = {"mode": "on", "runners": [ALPHA, BETA]}
    events: ClassVar[Sequence[Event]] = (trades(), trades("ETH", 2.0), trades("XRP"))
