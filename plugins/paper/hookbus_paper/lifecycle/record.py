"""The record of a strategy in one stage: what its closed trades come to."""

from datetime import datetime
from math import inf, sqrt

from hookbus_trading.control import TradeExecuted

__all__ = ["TrackRecord"]

_DAY = 86_400.0


class TrackRecord:
    """Figures of the trades since the stage began, each at a cost that does not grow with them.

    `capital` is the equity of the book before the first of them, in the account currency. The
    variance of the trade returns is Welford's (1962).
    """

    def __init__(self, capital: float) -> None:
        self.capital = capital
        self.trades = 0
        self.won = 0
        self.profit = 0.0
        self.days = 0.0
        self.drawdown = 0.0
        self._gains = 0.0
        self._losses = 0.0
        self._peak = 0.0
        self._mean = 0.0
        self._squares = 0.0
        self._began: datetime | None = None

    def add(self, trade: TradeExecuted) -> None:
        """Take a closed trade."""
        pnl = float(trade.pnl)
        self.trades += 1
        self.won += pnl > 0
        self.profit += pnl
        self._gains += max(pnl, 0.0)
        self._losses += max(-pnl, 0.0)
        self._peak = max(self._peak, self.profit)
        fallen = (self._peak - self.profit) / (self.capital + self._peak)
        self.drawdown = min(1.0, max(self.drawdown, fallen))
        self._add_return(pnl / float(trade.entry_price * trade.quantity))
        self._pass_time(trade)

    def _add_return(self, value: float) -> None:
        before = value - self._mean
        self._mean += before / self.trades
        self._squares += before * (value - self._mean)

    def _pass_time(self, trade: TradeExecuted) -> None:
        if self._began is None:
            self._began = trade.entry_time
        if self._began is not None and trade.exit_time is not None:
            self.days = max(self.days, (trade.exit_time - self._began).total_seconds() / _DAY)

    @property
    def win_rate(self) -> float:
        """The share of trades that gained money."""
        return self.won / self.trades if self.trades else 0.0

    @property
    def profit_factor(self) -> float:
        """The sum of profits over the sum of losses; infinite without a loss."""
        if not self._losses:
            return inf if self._gains else 0.0
        return self._gains / self._losses

    @property
    def t_statistic(self) -> float:
        """Student's t of the mean return per trade on its entry value: mean / (deviation / √n)."""
        if self.trades < 2 or not self._squares:
            return 0.0
        deviation = sqrt(self._squares / (self.trades - 1))
        return self._mean / deviation * sqrt(self.trades)

    def metrics(self) -> dict[str, float]:
        """The figures by name; what is infinite is left out."""
        figures = {
            "trades": float(self.trades),
            "days": self.days,
            "return": self.profit / self.capital,
            "win_rate": self.win_rate,
            "profit_factor": self.profit_factor,
            "t_statistic": self.t_statistic,
            "drawdown": self.drawdown,
        }
        return {name: value for name, value in figures.items() if value != inf}
