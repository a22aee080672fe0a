"""The life cycle on the bus: trades in, promotions and demotions out."""

from hookbus import Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.control import StrategyPromoted, TradeExecuted
from hookbus_trading.flow import PortfolioUpdated
from hookbus_trading.runners import RunnerStarted

from hookbus_paper.lifecycle.committee import Committee
from hookbus_paper.lifecycle.settings import LifecycleSettings

__all__ = ["LifecyclePlugin"]


class LifecyclePlugin(Plugin):
    """Promotes and demotes strategies between their stages, by gates on their closed trades."""

    name = "lifecycle"
    requires = ("trading",)
    after = ("execution", "portfolio", "risk")
    hook_api = 1
    Settings = LifecycleSettings

    def __init__(self, settings: LifecycleSettings) -> None:
        """Prepare a committee that knows no strategy."""
        super().__init__(settings)
        self._committee = Committee(settings)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to strategies, their trades and the equity of their books."""
        self._bus = bus = context.bus
        committee = self._committee
        bus.subscribe(PortfolioUpdated, committee.on_portfolio, name="portfolio", mode="inline")
        bus.subscribe(TradeExecuted, self._on_trade, name="trades", mode="inline")
        bus.subscribe(RunnerStarted, self._on_started, name="runners", mode="inline")
        bus.subscribe(StrategyPromoted, self._on_promoted, name="promotions", mode="inline")

    def _on_started(self, runner: RunnerStarted) -> None:
        self._committee.on_stage(runner.strategy, runner.stage)

    def _on_promoted(self, promotion: StrategyPromoted) -> None:
        self._committee.on_stage(promotion.strategy, promotion.after)

    def _on_trade(self, trade: TradeExecuted) -> None:
        change = self._committee.on_trade(trade)
        if change is not None:
            self._bus.publish_forced(change)

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Decisions, and the stage of every strategy."""
        return Summary("Life cycle", self._committee.rows())
