"""The health plugin keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from hookbus import Event, Plugin
from hookbus.operational import JobFailed
from hookbus.testing import PluginConformance
from hookbus_health import HealthPlugin
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.health.makers import bar, portfolio, tick

EVENTS = (portfolio("1000"), portfolio("900"), bar(), tick(), JobFailed(job="a.b", error="so"))


class TestHealth(PluginConformance):
    """The health plugin as it is when nothing is set."""

    plugin = HealthPlugin
    companions: ClassVar[Sequence[type[Plugin]]] = (TradingPlugin,)
    events: ClassVar[Sequence[Event]] = EVENTS


@pytest.mark.real_time
class TestHealthWithItsMachine(PluginConformance):
    """The health plugin with what it measures on a real machine."""

    plugin = HealthPlugin
    settings: ClassVar[Mapping[str, Any]] = {
        "event_loop": {"interval": 0.01},
        "checks": {"interval": 0.05},
        "watchdog": {"interval": 0.01},
    }
    companions: ClassVar[Sequence[type[Plugin]]] = (TradingPlugin,)
    events: ClassVar[Sequence[Event]] = EVENTS
