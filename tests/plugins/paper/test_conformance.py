"""Each of the plugins keeps to what every plugin owes its host and its neighbours."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from hookbus import Plugin
from hookbus.testing import PluginConformance
from hookbus_paper.execution.plugin import ExecutionPlugin
from hookbus_paper.lifecycle.plugin import LifecyclePlugin
from hookbus_paper.orders import about
from hookbus_paper.portfolio.plugin import PortfolioPlugin
from hookbus_paper.risk.plugin import RiskPlugin
from hookbus_paper.strategy.plugin import StrategyPlugin
from hookbus_trading.control import (
    HealthStatusChanged,
    OpportunitiesUpdated,
    PolicyUpdated,
    StrategyPromoted,
    TradingHalted,
    TradingResumed,
)
from hookbus_trading.flow import OrderCancelled, OrderCancelRequested, OrderRejected
from hookbus_trading.plugin import TradingPlugin
from hookbus_trading.runners import RunnerStarted

from tests.plugins.paper.makers import (
    bars_of,
    make_fill,
    make_order,
    make_signal,
    make_trade,
    make_update,
)
from tests.plugins.paper.running import crossing

BARS = bars_of([10.0, 9.0, 8.0, 9.0, 10.0, 9.0, 8.0])
REFUSAL = OrderRejected(
    order_id="test-ABC-9",
    symbol="ABC",
    side="buy",
    quantity=Decimal(1),
    strategy="test",
    rule="venue",
    reason="the venue is closed",
)
CANCELLATION = OrderCancelled(**about(make_order(9)), reason="it expired")
PROMOTION = StrategyPromoted(strategy="cross", before="live", after="shadow", reason="by hand")


class TestStrategy(PluginConformance):
    """The strategy, with signals going either way and indicators on."""

    plugin = StrategyPlugin
    settings: ClassVar[Mapping[str, Any]] = crossing(2, 3, "short") | {"publish_indicators": True}
    companions = (TradingPlugin,)
    events = (*BARS, PROMOTION)


class TestRisk(PluginConformance):
    """The risk check, with orders, refusals and fills of orders that it did not make."""

    plugin = RiskPlugin
    settings: ClassVar[Mapping[str, Any]] = {"maximum_position": 2.0, "maximum_order_value": 150}
    companions: ClassVar[tuple[type[Plugin], ...]] = (TradingPlugin,)
    events = (
        make_signal("long"),
        make_update("10000"),
        make_signal("long"),
        make_fill(1),
        make_signal("short", 1),
        REFUSAL,
        make_fill(99, "sell", 2),
        make_signal("flat", 3),
        make_signal("long", 3, order_type="limit", entry_price=90.0),
        CANCELLATION,
        PolicyUpdated(mode="defensive"),
        OpportunitiesUpdated(symbols=("ABC",), scores={"ABC": 1.0}),
        PROMOTION,
        RunnerStarted(runner="test", strategy="test"),
        HealthStatusChanged(
            component="system", status="critical", previous="healthy", reason="disk"
        ),
        TradingHalted(reason="enough"),
        make_signal("short", 4),
        TradingResumed(reason="go on"),
    )


class TestExecution(PluginConformance):
    """The paper execution, with orders that are filled and one that never is."""

    plugin = ExecutionPlugin
    settings: ClassVar[Mapping[str, Any]] = {"commission_bps": 1.5, "fill_at": "close"}
    companions = (TradingPlugin,)
    events = (
        make_order(1),
        *BARS[:3],
        make_order(2, "sell", 1),
        *BARS[3:],
        make_order(3, symbol="XYZ"),
        make_order(4, type="limit", price=1, minute=6),
        OrderCancelRequested(**about(make_order(4)), reason="changed my mind"),
        make_order(5, type="stop", price=100, minute=6),
        TradingHalted(reason="enough"),
        TradingResumed(reason="go on"),
    )


class TestPortfolio(PluginConformance):
    """The portfolio, with a position that is opened, added to, turned around and closed."""

    plugin = PortfolioPlugin
    settings: ClassVar[Mapping[str, Any]] = {"starting_cash": 5000, "curve_points": 2}
    companions = (TradingPlugin,)
    events = (
        make_fill(1),
        *BARS[:3],
        make_fill(2, minute=2),
        make_fill(3, "sell", 3, quantity=30),
        *BARS[3:],
        make_fill(4, minute=6),
        make_fill(5, minute=6, book="shadow:test"),
        make_signal("long", 6),
    )


class TestLifecycle(PluginConformance):
    """The life cycle, with a strategy that is promoted and sent back."""

    plugin = LifecyclePlugin
    settings: ClassVar[Mapping[str, Any]] = {
        "promote": {"shadow": {"minimum_trades": 1, "minimum_win_rate": 0.5}},
        "demote": {"live": {"minimum_trades": 1, "below_return": 0.0}},
        "retire_after": 5,
    }
    companions = (TradingPlugin,)
    events = (
        make_update("10000"),
        RunnerStarted(runner="test", strategy="test", stage="shadow"),
        make_trade(10.0, 1, book="shadow:test"),
        make_trade(-10.0, 2),
        PROMOTION,
    )
