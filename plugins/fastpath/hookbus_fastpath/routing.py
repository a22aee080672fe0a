"""Who gets the trades of which symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hookbus_trading.pipeline import TradesIngested

from hookbus_fastpath.lane import RunnerLane

__all__ = ["Routes"]

MOST_NAMES = 100
"""Unknown symbols that are counted by name."""

OTHERS = "others"


class Routes:
    """Hands trades to the runners that get their symbol.

    `heard` counts the events, `unknown` those of symbols that no runner gets, by name for the first
    hundred and as `others` beyond.
    """

    def __init__(self, lanes: Sequence[tuple[RunnerLane, Sequence[str]]]) -> None:
        self.heard = 0
        self.unknown: Counter[str] = Counter()
        self._lanes: dict[str, list[RunnerLane]] = {}
        for lane, symbols in lanes:
            for symbol in symbols:
                self._lanes.setdefault(symbol, []).append(lane)

    def note(self, trades: TradesIngested) -> None:
        """Hand trades to the runners, in the order of the settings."""
        self.heard += 1
        lanes = self._lanes.get(trades.symbol)
        if lanes is None:
            self._count_unknown(trades.symbol)
            return
        for lane in lanes:
            lane.note(trades)

    def _count_unknown(self, symbol: str) -> None:
        known = symbol in self.unknown or len(self.unknown) < MOST_NAMES
        self.unknown[symbol if known else OTHERS] += 1
