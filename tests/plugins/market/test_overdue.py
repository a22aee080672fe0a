"""Bars that are older than the clock: they come at once, and nobody is drowned in them."""

from __future__ import annotations

import pytest
from hookbus import Lagged, Plugin, PluginContext, Settings, hookimpl
from hookbus.testing import HostFactory
from hookbus_market.plugin import MarketPlugin
from hookbus_trading import Bar
from hookbus_trading.plugin import TradingPlugin

COUNT = 5_000


class Listener(Plugin):
    """Counts bars, best effort, with a ring much smaller than their number."""

    name = "listener"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.bars = 0
        self.missed = 0

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Subscribe."""
        context.bus.subscribe(Bar, self.on_bar, capacity=512, on_lagged=self.on_lagged)

    async def on_bar(self, _: Bar) -> None:
        """Count."""
        self.bars += 1

    def on_lagged(self, lagged: Lagged) -> None:
        """Count what was lost."""
        self.missed += lagged.missed


@pytest.mark.real_time
async def test_overdue_bars_leave_room_for_those_who_listen(host_factory: HostFactory) -> None:
    """On the system's clock, history is published at once, and a small ring does not overflow."""
    made = {"bars": COUNT, "start": "2020-01-01T00:00:00Z"}
    host = host_factory(
        TradingPlugin, MarketPlugin, Listener, settings={"market": {"synthetic": made}}
    )
    async with host:
        await host.sources.ended()
        await host.settled()
        listener = host.records["listener"].instance
        assert isinstance(listener, Listener)
        assert (listener.bars, listener.missed) == (COUNT, 0)
