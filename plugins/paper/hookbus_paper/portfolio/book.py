"""A book: an account that follows fills and bars, and says what changed."""

from datetime import datetime
from decimal import Decimal

from hookbus_trading.control import TradeExecuted
from hookbus_trading.flow import Bar, Fill, PortfolioUpdated

from hookbus_paper.money import EXACT
from hookbus_paper.portfolio.account import Account
from hookbus_paper.portfolio.curve import EquityCurve
from hookbus_paper.portfolio.settings import PortfolioSettings

__all__ = ["PortfolioBook"]


class PortfolioBook:
    """Books every fill and marks at every close.

    An update is due when there was a fill, when a new UTC day begins (with the equity that the old
    one ended with), and when equity has moved by more than `publish_change`.
    """

    def __init__(self, name: str, settings: PortfolioSettings) -> None:
        self.name = name
        self.account = Account(settings.starting_cash, name)
        self.curve = EquityCurve(settings.starting_cash, settings.curve_points)
        self.fills = 0
        self._change = Decimal(repr(settings.publish_change))
        self._told: tuple[Decimal, Decimal] | None = None
        self._low = self._high = settings.starting_cash
        self._last: datetime | None = None

    @property
    def total_return(self) -> Decimal:
        """What equity has gained, as a fraction of the starting cash."""
        start = self.account.starting_cash
        return EXACT.divide(EXACT.subtract(self.account.equity, start), start)

    def on_bar(self, bar: Bar) -> PortfolioUpdated | None:
        """Mark at the close; what to publish if a held position moved the equity enough."""
        account = self.account
        held = account.mark(bar.symbol, bar.close)
        self._last = bar.time
        equity = account.equity
        self.curve.record(bar.time, equity)
        if held and not self._low <= equity <= self._high:
            return self.state(bar.symbol, bar.time)
        return None

    def on_fill(self, fill: Fill, mark: float | None) -> TradeExecuted | None:
        """Book a fill, after which an update is due; the round trip that it ends."""
        trade = self.account.apply(fill, mark)
        self.fills += 1
        self._last = fill.time or self._last
        self.curve.record(fill.time, self.account.equity)
        return trade

    def untold(self, symbol: str | None = None) -> PortfolioUpdated | None:
        """The state now, unless the last update has told the same equity and exposure."""
        if self._told == (self.account.equity, self.account.exposure):
            return None
        return self.state(symbol, self._last)

    def state(self, symbol: str | None = None, time: datetime | None = None) -> PortfolioUpdated:
        """The portfolio now, as it is published; of the positions, that of one symbol."""
        account = self.account
        position, exposure = account.position(symbol), account.exposure
        self._told = account.equity, exposure
        margin = EXACT.multiply(EXACT.abs(account.equity), self._change)
        self._low = EXACT.subtract(account.equity, margin)
        self._high = EXACT.add(account.equity, margin)
        return PortfolioUpdated(
            symbol=symbol,
            book=self.name,
            position=position.quantity,
            average_price=position.average_price,
            cash=account.cash,
            equity=account.equity,
            exposure=exposure,
            realised_pnl=EXACT.subtract(account.realised, account.commission),
            unrealised_pnl=account.unrealised,
            drawdown=self.curve.drawdown,
            time=time,
        )

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: round trips, profit, return, maximum drawdown, final equity."""
        account, trips = self.account, self.account.trips
        held = account.open_positions
        return (
            ("Fills", f"{self.fills:,}"),
            ("Trades (round trips)", f"{trips.closed:,}, {trips.won:,} won"),
            *((("Positions still open", f"{held:,}"),) if held else ()),
            ("Commission", f"{account.commission:,.2f}"),
            ("Return", f"{self.total_return:+.2%}"),
            ("Maximum drawdown", f"{self.curve.maximum_drawdown:.2%}"),
            ("Final equity", f"{account.equity:,.2f}"),
        )
