"""The plugin that declares the vocabulary."""

from __future__ import annotations

import inspect

import hookbus_trading
from hookbus import Event, EventRegistry, Settings
from hookbus_trading.plugin import TradingPlugin

WIRE_NAMES = [
    "control.health",
    "control.model_promoted",
    "control.opportunities",
    "control.policy",
    "control.strategy_promoted",
    "control.trading_halted",
    "control.trading_resumed",
    "market.bar",
    "market.data_suspected",
    "market.indicator",
    "pipeline.markets_scored",
    "pipeline.trades_ingested",
    "pipeline.wallet_rules_evaluated",
    "pipeline.wallets_classified",
    "pipeline.wallets_discovered",
    "runner.action_executed",
    "runner.failed",
    "runner.position_closed",
    "runner.position_opened",
    "runner.position_updated",
    "runner.started",
    "runner.state_changed",
    "runner.stats",
    "runner.stopped",
    "runner.tick",
    "trade.executed",
    "trading.fill",
    "trading.order",
    "trading.order_cancel_requested",
    "trading.order_cancelled",
    "trading.order_rejected",
    "trading.portfolio",
    "trading.signal",
]


def test_every_event_of_the_vocabulary_is_declared() -> None:
    """An event type that exists but is not declared could not be decoded from outside."""
    exported = {
        value
        for value in vars(hookbus_trading).values()
        if inspect.isclass(value) and issubclass(value, Event) and value.__event__ is not None
    }
    assert set(TradingPlugin(Settings()).hookbus_events()) == exported


def test_the_wire_names_stay_as_they_are() -> None:
    """Journals and other programs know the events by these names."""
    registry = EventRegistry()
    for kind in TradingPlugin(Settings()).hookbus_events():
        registry.register(kind, "trading")
    assert [kind.__event__.name for kind in registry if kind.__event__] == WIRE_NAMES
