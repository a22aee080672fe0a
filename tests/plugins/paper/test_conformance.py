"""Each of the four plugins keeps to what every plugin owes its host and its neighbours."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from hookbus.testing import PluginConformance
from hookbus_paper.execution.plugin import ExecutionPlugin
from hookbus_paper.portfolio.plugin import PortfolioPlugin
from hookbus_paper.risk.plugin import RiskPlugin
from hookbus_paper.strategy.plugin import StrategyPlugin
from hookbus_trading.flow import OrderRejected
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.paper.makers import bars_of, make_fill, make_order, make_signal, make_update

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


class TestStrategy(PluginConformance):
    """The strategy, with signals going either way and indicators on."""

    plugin = StrategyPlugin
    settings: ClassVar[Mapping[str, Any]] = {
        "fast": 2,
        "slow": 3,
        "below": "short",
        "publish_indicators": True,
    }
    companions = (TradingPlugin,)
    events = BARS


class TestRisk(PluginConformance):
    """The risk check, with orders, refusals and fills of orders that it did not make."""

    plugin = RiskPlugin
    settings: ClassVar[Mapping[str, Any]] = {"maximum_position": 2.0, "maximum_order_value": 150}
    companions = (TradingPlugin,)
    events = (
        make_signal("long"),
        make_update("10000"),
        make_signal("long"),
        make_fill(1),
        make_signal("short", 1),
        REFUSAL,
        make_fill(99, "sell", 2),
        make_signal("flat", 3),
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
    )
