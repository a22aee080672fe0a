"""The controller keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from hookbus import Event
from hookbus.testing import PluginConformance
from hookbus_msc.events import PolicyPinned, PolicyUnpinned
from hookbus_msc.plugin import MscPlugin
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.msc.makers import bars_of, make_health, make_portfolio, make_trade

EVENTS: tuple[Event, ...] = (
    *bars_of([100, 101, 100, 140, 100, 150]),
    make_portfolio(1000),
    make_portfolio(850),
    make_trade(1),
    make_trade(2, -3),
    make_health("degraded", "feed"),
    make_health("healthy", "feed"),
    PolicyPinned(mode="defensive", reason="the exchange is being moved"),
    PolicyUnpinned(),
)


class TestMsc(PluginConformance):
    """The controller as it is when nothing is set."""

    plugin = MscPlugin
    companions = (TradingPlugin,)
    events: ClassVar[Sequence[Event]] = EVENTS


class TestMscThatChangesOften(PluginConformance):
    """The controller with short windows, gating, a pin of the settings, and no dwell."""

    plugin = MscPlugin
    companions = (TradingPlugin,)
    settings: ClassVar[Mapping[str, Any]] = {
        "volatility": {"short_window": 1, "long_window": 2, "minimum_bars": 1},
        "relax": {"after_seconds": 0, "after_observations": 1},
        "gating": {"strategies": ["cross"], "trades": 2, "minimum_trades": 1},
        "pin": {"mode": "normal", "until": "2024-01-01T00:00:01Z"},
    }
    events: ClassVar[Sequence[Event]] = EVENTS


@pytest.mark.real_time
class TestMscWithState(PluginConformance):
    """The controller on the system's clock, where it keeps its state."""

    plugin = MscPlugin
    companions = (TradingPlugin,)
    events: ClassVar[Sequence[Event]] = EVENTS
