"""The same rules in another back-tester: the same trades and the same money, on genuine prices."""

import csv
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor
from pathlib import Path
from typing import Any

import pytest
from hookbus_trading.control import TradeExecuted
from hookbus_trading.flow import Bar, PortfolioUpdated

from tests.plugins.paper.running import crossing, trade

pd = pytest.importorskip("pandas")
backtesting = pytest.importorskip("backtesting", reason="the reference is backtesting.py")

DATA = Path(__file__).parents[4] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the market data is not on this machine")

CASH = 100_000
COMMISSION_BPS = 2


@dataclass(frozen=True)
class Market:
    """A file of prices, and the windows and the size to trade it with."""

    file: str
    times: str
    fast: int
    slow: int
    quantity: int


MARKETS = [
    Market("eurusd-1h.csv", "%Y-%m-%d %H:%M:%S", 24, 96, 20_000),
    Market("nvda-1999-2014-1d.csv", "%Y-%m-%d", 10, 30, 100),
    Market("orcl-1995-2014-1d.csv", "%Y-%m-%d", 20, 50, 100),
    Market("yhoo-1996-2015-1d.csv", "%Y-%m-%d", 5, 100, 100),
]


def read_bars(market: Market) -> list[Bar]:
    """The bars of a file, under the symbol `X`."""
    with (DATA / market.file).open(newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        columns = [header.index(name) for name in ("Open", "High", "Low", "Close")]
        return [_bar(row, market, columns) for row in rows]


def _bar(row: list[str], market: Market, columns: list[int]) -> Bar:
    first, high, low, last = (float(row[column]) for column in columns)
    time = datetime.strptime(row[0], market.times).replace(tzinfo=UTC)
    return Bar(symbol="X", time=time, open=first, high=high, low=low, close=last)


def rolling_mean(closes: Any, window: int) -> Any:
    """The mean of the last closes, by pandas."""
    return pd.Series(closes).rolling(window).mean()


def reference_strategy(market: Market, size_of: Any) -> type:
    """The same rules, written for backtesting.py; `size_of(equity, close)` is the size."""

    class Cross(backtesting.Strategy):  # type: ignore[misc, name-defined]
        def init(self) -> None:
            self.fast = self.I(rolling_mean, self.data.Close, market.fast)
            self.slow = self.I(rolling_mean, self.data.Close, market.slow)
            self.side = 0

        def next(self) -> None:
            fast, slow = self.fast[-1], self.slow[-1]
            if abs(fast - slow) <= 1e-12 * slow:
                return
            side = 1 if fast > slow else -1
            before, self.side = self.side, side
            if side != -before:
                return
            size = size_of(self.equity, self.data.Close[-1])
            self.position.close()
            if size:
                (self.buy if side > 0 else self.sell)(size=size)

    return Cross


def reference(bars: list[Bar], market: Market, size_of: Any) -> tuple[list[tuple[Any, ...]], float]:
    """Trades and final equity of backtesting.py."""
    table = pd.DataFrame(
        [(bar.open, bar.high, bar.low, bar.close) for bar in bars],
        columns=["Open", "High", "Low", "Close"],
        index=pd.DatetimeIndex([bar.time.replace(tzinfo=None) for bar in bars]),
    )
    test = backtesting.Backtest(
        table, reference_strategy(market, size_of), cash=CASH, commission=COMMISSION_BPS / 10_000
    )
    with warnings.catch_warnings(action="ignore"):  # its own, about pandas and open trades
        stats = test.run()
    trades = [
        (
            row.EntryTime.to_pydatetime().replace(tzinfo=UTC),
            row.ExitTime.to_pydatetime().replace(tzinfo=UTC),
            row.Size,
            row.EntryPrice,
            row.ExitPrice,
        )
        for row in stats["_trades"].itertuples()
    ]
    return sorted(trades), float(stats["Equity Final [$]"])


def ours(bars: list[Bar], market: Market, folder: Path, **risk: Any) -> tuple[list[Any], float]:
    """Trades and final equity of the paper plugins."""
    settings = {
        "strategy": crossing(market.fast, market.slow, "short"),
        "risk": {
            "scale_by_strength": False,
            "quantity_step": 1,
            "daily_loss_limit": None,
            "maximum_leverage": None,
            **risk,
        },
        "execution": {"commission_bps": COMMISSION_BPS, "slippage_bps": 0},
        "portfolio": {"starting_cash": CASH},
    }
    outcome = trade(bars, folder, settings)
    trades = [
        (
            one.entry_time,
            one.exit_time,
            one.quantity if one.direction == "long" else -one.quantity,
            one.entry_price,
            one.exit_price,
        )
        for one in outcome.events(TradeExecuted)
    ]
    equity = outcome.events(PortfolioUpdated)[-1].equity
    return sorted(trades), float(equity)


def fixed(market: Market) -> Any:
    """Always the same quantity."""
    return lambda equity, close: market.quantity


def half(equity: float, close: float) -> int:
    """Half of the equity, in whole units."""
    return floor(equity * 0.5 / close)


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.file)
@pytest.mark.parametrize("sizing", ["fixed", "half of equity"])
def test_trades_and_equity_agree_with_backtesting_py(
    market: Market, sizing: str, tmp_path: Path
) -> None:
    """Every trade has the same times, size and prices, and the money differs by rounding only."""
    bars = read_bars(market)
    if sizing == "fixed":
        expected, equity = reference(bars, market, fixed(market))
        trades, final = ours(bars, market, tmp_path, fixed_quantity=market.quantity)
    else:
        expected, equity = reference(bars, market, half)
        trades, final = ours(bars, market, tmp_path, fraction_per_trade="0.5")
    assert len(trades) > 25
    for mine, theirs in zip(trades, expected, strict=True):
        assert mine[:2] == theirs[:2]
        assert mine[2] == theirs[2]
        assert float(mine[3]) == pytest.approx(theirs[3], rel=1e-12)
        assert float(mine[4]) == pytest.approx(theirs[4], rel=1e-12)
    assert final == pytest.approx(equity, rel=1e-9)
