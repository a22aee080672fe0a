"""What is recorded of one book: its equity, its fills and its trades."""

from __future__ import annotations

from collections import Counter, deque
from datetime import date, datetime
from decimal import Decimal

from hookbus_trading import Fill, PortfolioUpdated, TradeExecuted

from hookbus_report.drawdown import Drawdowns
from hookbus_report.positions import Mark, Positions
from hookbus_report.recent import Recent
from hookbus_report.series import Thinned
from hookbus_report.trades import TradeTally

__all__ = ["BookRecord"]

_ZERO = Decimal(0)


class BookRecord:
    """The record of one book from `begin` on, the instant of its first event.

    Of several equities of one instant the last counts: what was in between never existed. A time
    that is earlier than one before it counts as that one.
    """

    def __init__(self, begin: datetime, points: int, rows: int) -> None:
        self.begin = self._now = self._filled = begin
        self.first: float | None = None
        self.last: float | None = None
        self.equity = Thinned(points)
        self.falls = Thinned(points)
        self.drawdowns = Drawdowns()
        self.closes: dict[date, float] = {}
        self.positions = Positions(begin)
        self.marks: deque[tuple[str, Mark]] = deque(maxlen=rows)
        self.marked = 0
        self.trades = TradeTally(rows)
        self.fills: Counter[str] = Counter()
        self.traded = self.commission = self.slippage = _ZERO
        self._seen = Recent()
        self._open = False

    @property
    def repeats(self) -> int:
        """Fills and trades that were ignored because they had come before."""
        return self._seen.repeats + self.trades.repeats

    def on_portfolio(self, time: datetime, event: PortfolioUpdated) -> None:
        """Take the equity at `time`."""
        if time > self._now:
            self.settle()
            self._now = time
        self.last = float(event.equity)
        self.first = self.last if self.first is None else self.first
        self._open = True

    def on_fill(self, time: datetime, fill: Fill) -> None:
        """Count a fill, unless it has been counted."""
        if not self._seen.is_new((fill.order_id, fill.fill_id)):
            return
        time = self._filled = max(time, self._filled)
        self.fills[fill.symbol] += 1
        self.traded += fill.price * fill.quantity
        self.commission += fill.commission
        self.slippage += fill.slippage
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        marks = self.positions.fill(fill.symbol, signed, float(fill.price), time)
        self.marked += len(marks)
        self.marks.extend((fill.symbol, mark) for mark in marks)

    def on_trade(self, time: datetime, trade: TradeExecuted) -> None:
        """Count a trade."""
        self.trades.add(time, trade)

    def settle(self) -> None:
        """Close the instant that is open: now its equity is final."""
        if not self._open or self.last is None:
            return
        self._open = False
        self.equity.add(self._now, self.last)
        self.falls.add(self._now, self.drawdowns.add(self._now, self.last))
        self.closes[self._now.date()] = self.last
