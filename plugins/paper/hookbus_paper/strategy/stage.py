"""The strategy stage: every bar goes to every strategy that trades its symbol."""

from collections.abc import Mapping

from hookbus import Event
from hookbus_trading.control import StrategyPromoted
from hookbus_trading.fields import Stage
from hookbus_trading.flow import Bar

from hookbus_paper.gate import BarGate
from hookbus_paper.strategy.settings import StrategySettings
from hookbus_paper.strategy.trader import Desk, Trader

__all__ = ["StrategyStage"]


class StrategyStage:
    """Asks the strategies in the order of the settings.

    `stages` are those of strategies that were promoted or demoted in an earlier run, by name.
    `gate` counts the bars used and ignored.
    """

    def __init__(self, settings: StrategySettings, stages: Mapping[str, Stage] = {}) -> None:
        self._desks: dict[str, list[Desk]] = {}
        self._last: dict[str, Bar] = {}
        self.gate = BarGate()
        self.traders = [
            Trader(name, spec, stages.get(name, spec.stage), settings)
            for name, spec in settings.strategies.items()
        ]

    def on_bar(self, bar: Bar) -> list[Event]:
        """What to publish after a bar: indicators if they are asked for, and signals."""
        symbol = bar.symbol
        desks = self._desks.get(symbol)
        if desks is None:
            desks = self._desks[symbol] = self._desks_for(symbol)
        if not desks:
            self.gate.unknown += 1
            return []
        if not self.gate.admits(bar):
            return []
        self._last[symbol] = bar
        told: list[Event] = []
        for desk in desks:
            trader = desk.trader
            if desk.stopped or trader.stage == "retired":
                continue
            events = trader.on_bar(desk, bar)
            if events:
                told += events
        return told

    def _desks_for(self, symbol: str) -> list[Desk]:
        found = (trader.desk(symbol) for trader in self.traders)
        return [desk for desk in found if desk is not None]

    def on_promoted(self, promotion: StrategyPromoted) -> list[Event]:
        """Take a strategy to its new stage, and close what it held on the book that it leaves."""
        for trader in self.traders:
            if trader.name == promotion.strategy:
                return trader.go_to(promotion, self._last)
        return []

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: bars; of each strategy its signals, its stage unless live, failures."""
        return (*self.gate.rows(), *((trader.name, _account(trader)) for trader in self.traders))


def _account(trader: Trader) -> str:
    parts = [f"{trader.signals:,} signals"]
    if trader.stage != "live":
        parts.append(trader.stage)
    if trader.failures:
        parts.append(f"{trader.failures:,} failures")
    return ", ".join(parts)
