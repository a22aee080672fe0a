"""Trades, hosts and consumers for the tests of the fast path."""

from __future__ import annotations

import asyncio
from typing import Any

from hookbus import Event
from hookbus.testing import HostFactory, RecordingHost
from hookbus_fastpath.plugin import FastpathPlugin
from hookbus_trading.pipeline import TradesIngested
from hookbus_trading.plugin import TradingPlugin
from hookbus_trading.runners import TickReceived

ALPHA = {"name": "alpha", "symbols": ["BTC", "ETH"]}
BETA = {"name": "beta", "symbols": ["ETH"]}


def trades(symbol: str = "BTC", price: float = 1.0, **fields: Any) -> TradesIngested:
    """An event about some trades of a symbol."""
    return TradesIngested(symbol=symbol, price=price, **{"count": 1, "source": "test", **fields})


def host_of(factory: HostFactory, *runners: dict[str, Any], **own: Any) -> RecordingHost:
    """A host with the fast path on for `runners`, without refreshes unless asked for."""
    settings = {"mode": "on", "refresh": 0.0, "runners": list(runners), **own}
    return factory(TradingPlugin, FastpathPlugin, settings={"fastpath": settings})


def fastpath_of(host: RecordingHost) -> FastpathPlugin:
    """The plugin in a host."""
    plugin = host.records["fastpath"].instance
    assert isinstance(plugin, FastpathPlugin)
    return plugin


async def burst(host: RecordingHost, *events: Event) -> None:
    """Publish events at once: no other task gets a turn between them."""
    for event in events:
        host.bus.publish_nowait(event)
    await host.settled()


def ticks_of(host: RecordingHost, runner: str = "alpha") -> list[TickReceived]:
    """The ticks that a runner got."""
    return [tick for tick in host.recorded.of(TickReceived) if tick.runner == runner]


def rows_of(host: RecordingHost) -> dict[str, str]:
    """The rows of the plugin's summary."""
    summary = fastpath_of(host).hookbus_summary()
    assert summary is not None
    return dict(summary.rows)


async def turns(count: int = 20) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)
