"""The committee: follows the trades of every strategy, and decides on its stage."""

from typing import Literal

from hookbus_trading.control import StrategyPromoted, TradeExecuted
from hookbus_trading.fields import Stage
from hookbus_trading.flow import PortfolioUpdated

from hookbus_paper.books import book_of
from hookbus_paper.lifecycle.gates import demotion, promotion
from hookbus_paper.lifecycle.record import TrackRecord
from hookbus_paper.lifecycle.settings import LifecycleSettings

__all__ = ["Committee"]

_UP: dict[Literal["backtest", "shadow"], Stage] = {"backtest": "shadow", "shadow": "live"}
_DOWN: dict[Literal["shadow", "live"], Stage] = {"shadow": "backtest", "live": "shadow"}


class Committee:
    """Judges a strategy after every trade that it closes on the book of its stage.

    A strategy begins a new track record whenever its stage changes, whoever changes it.
    `promotions` and `demotions` count the decisions.
    """

    def __init__(self, settings: LifecycleSettings) -> None:
        self._settings = settings
        self._records: dict[str, TrackRecord] = {}
        self._equity: dict[str, float] = {}
        self._sent_back: dict[str, int] = {}
        self.stages: dict[str, Stage] = {}
        self.promotions = 0
        self.demotions = 0

    def on_stage(self, strategy: str, stage: Stage) -> None:
        """A strategy is in a stage from now on."""
        self.stages[strategy] = stage
        self._records.pop(strategy, None)

    def on_portfolio(self, update: PortfolioUpdated) -> None:
        """Take the equity of a book."""
        self._equity[update.book] = float(update.equity)

    def record(self, strategy: str, book: str) -> TrackRecord:
        """The track record of a strategy in its stage, begun with the book's equity now."""
        found = self._records.get(strategy)
        if found is None:
            capital = self._equity.get(book, 0.0)
            found = self._records[strategy] = TrackRecord(capital if capital > 0 else 1.0)
        return found

    def on_trade(self, trade: TradeExecuted) -> StrategyPromoted | None:
        """The change of stage that a closed trade leads to."""
        stage = self.stages.get(trade.strategy)
        if stage is None or stage == "retired" or trade.book != book_of(trade.strategy, stage):
            return None
        record = self.record(trade.strategy, trade.book)
        record.add(trade)
        return self._demoted(trade, stage, record) or self._promoted(trade, stage, record)

    def _promoted(
        self, trade: TradeExecuted, stage: Stage, record: TrackRecord
    ) -> StrategyPromoted | None:
        if stage != "backtest" and stage != "shadow":
            return None
        gate = self._settings.promote.get(stage)
        reason = None if gate is None else promotion(gate, record)
        if reason is None:
            return None
        self.promotions += 1
        return _change(trade, stage, _UP[stage], reason, record)

    def _demoted(
        self, trade: TradeExecuted, stage: Stage, record: TrackRecord
    ) -> StrategyPromoted | None:
        if stage != "shadow" and stage != "live":
            return None
        gate = self._settings.demote.get(stage)
        reason = None if gate is None else demotion(gate, record)
        if reason is None:
            return None
        self.demotions += 1
        times = self._sent_back[trade.strategy] = self._sent_back.get(trade.strategy, 0) + 1
        most = self._settings.retire_after
        if most is not None and times >= most:
            reason = f"{reason}; sent back {times} times, {most} retire it"
            return _change(trade, stage, "retired", reason, record)
        return _change(trade, stage, _DOWN[stage], reason, record)

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: decisions, and where every strategy stands."""
        counts = (("Promotions", f"{self.promotions:,}"), ("Demotions", f"{self.demotions:,}"))
        return (*counts, *self.stages.items())


def _change(
    trade: TradeExecuted, before: Stage, after: Stage, reason: str, record: TrackRecord
) -> StrategyPromoted:
    return StrategyPromoted(
        strategy=trade.strategy,
        before=before,
        after=after,
        reason=reason,
        metrics=record.metrics(),
        time=trade.exit_time,
    )
