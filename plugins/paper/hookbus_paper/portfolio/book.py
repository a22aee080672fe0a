"""The portfolio: an account that follows fills and bars, and says what changed."""

from datetime import datetime
from decimal import Decimal

from hookbus_trading.flow import Bar, Fill, PortfolioUpdated

from hookbus_paper.gate import BarGate
from hookbus_paper.money import EXACT
from hookbus_paper.portfolio.account import Account
from hookbus_paper.portfolio.curve import EquityCurve
from hookbus_paper.portfolio.settings import PortfolioSettings
from hookbus_paper.seen import Seen

__all__ = ["PortfolioBook"]


class PortfolioBook:
    """Books every fill once and marks at every close.

    `gate` counts the bars, `fills` the fills (a repeat of one, known by its order and its own
    identifier, is ignored and counted).
    """

    def __init__(self, settings: PortfolioSettings) -> None:
        self._publish_bars = settings.publish_bars
        self.account = Account(settings.starting_cash)
        self.curve = EquityCurve(settings.starting_cash, settings.curve_points)
        self.gate = BarGate()
        self.fills = Seen()
        self.booked = 0

    @property
    def total_return(self) -> Decimal:
        """What equity has gained, as a fraction of the starting cash."""
        start = self.account.starting_cash
        return EXACT.divide(EXACT.subtract(self.account.equity, start), start)

    def on_bar(self, bar: Bar) -> PortfolioUpdated | None:
        """Mark at the close; what to publish if a held position was revalued, and is asked for."""
        if not self.gate.admits(bar):
            return None
        held = self.account.mark(bar.symbol, bar.close)
        self.curve.record(bar.time, self.account.equity)
        return self.state(bar.symbol, bar.time) if held and self._publish_bars else None

    def on_fill(self, fill: Fill) -> PortfolioUpdated | None:
        """Book the fill; what to publish, None for a repeated fill."""
        if not self.fills.is_new((fill.order_id, fill.fill_id)):
            return None
        self.account.apply(fill)
        self.booked += 1
        self.curve.record(fill.time, self.account.equity)
        return self.state(fill.symbol, fill.time)

    def state(self, symbol: str | None = None, time: datetime | None = None) -> PortfolioUpdated:
        """The portfolio now, as it is published; of the positions, that of one symbol."""
        account = self.account
        position = account.position(symbol)
        return PortfolioUpdated(
            symbol=symbol,
            position=position.quantity,
            average_price=position.average_price,
            cash=account.cash,
            equity=account.equity,
            realised_pnl=EXACT.subtract(account.realised, account.commission),
            unrealised_pnl=account.unrealised,
            drawdown=self.curve.drawdown,
            time=time,
        )

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: round trips, profit, return, maximum drawdown, final equity."""
        account, trips = self.account, self.account.trips
        unusual = (
            ("Positions still open", account.open_positions),
            ("Fills ignored: repeated", self.fills.repeats),
            ("Bars ignored: repeated or out of order", self.gate.stale),
        )
        return (
            ("Bars", f"{self.gate.seen:,}"),
            ("Fills", f"{self.booked:,}"),
            ("Trades (round trips)", f"{trips.closed:,}, {trips.won:,} won"),
            *((title, f"{count:,}") for title, count in unusual if count),
            ("Commission", f"{account.commission:,.2f}"),
            ("Return", f"{self.total_return:+.2%}"),
            ("Maximum drawdown", f"{self.curve.maximum_drawdown:.2%}"),
            ("Final equity", f"{account.equity:,.2f}"),
        )
