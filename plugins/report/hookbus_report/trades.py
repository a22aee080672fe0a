"""Closed trades: their sums, and the latest of them as rows."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from decimal import Decimal

from hookbus_trading import TradeExecuted

from hookbus_report.recent import Recent

__all__ = ["TradeTally"]

_ZERO = Decimal(0)


class TradeTally:
    """Counts every trade once, by its identifier, and keeps the latest `limit` of them.

    `gains` and `losses` are sums of profits after costs, both positive; a trade that came out even
    is neither won nor lost. `best` and `worst` are single profits, None without a trade.
    """

    def __init__(self, limit: int) -> None:
        self._seen = Recent()
        self.latest: deque[tuple[datetime, TradeExecuted]] = deque(maxlen=limit)
        self.count = self.won = self.lost = 0
        self.gains = self.losses = _ZERO
        self.best: Decimal | None = None
        self.worst: Decimal | None = None

    @property
    def repeats(self) -> int:
        """How many trades were ignored because they had come before."""
        return self._seen.repeats

    @property
    def left_out(self) -> int:
        """How many earlier trades are counted but not kept."""
        return self.count - len(self.latest)

    def add(self, time: datetime, trade: TradeExecuted) -> None:
        """Count a trade that was closed at `time`, unless it has been counted."""
        if not self._seen.is_new(trade.trade_id):
            return
        self.latest.append((time, trade))
        self.count += 1
        pnl = trade.pnl
        if pnl > 0:
            self.won += 1
            self.gains += pnl
        elif pnl < 0:
            self.lost += 1
            self.losses -= pnl
        self.best = pnl if self.best is None else max(self.best, pnl)
        self.worst = pnl if self.worst is None else min(self.worst, pnl)
