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


def reference_breakout(market: Market) -> type:
    """Donchian's breakout with stop orders, written for backtesting.py."""

    class Breakout(backtesting.Strategy):  # type: ignore[misc, name-defined]
        def init(self) -> None:
            self.stop: float | None = None
            self.floor: float | None = None
            self.long = False

        def next(self) -> None:
            stop, floor = self.stop, self.floor
            data = self.data
            self.stop = max(data.High[-20:]) if len(data) >= 20 else None
            self.floor = min(data.Low[-10:]) if len(data) >= 10 else None
            self.long = self.long or (stop is not None and data.High[-1] >= stop)
            if self.long:
                if floor is not None and data.Low[-1] < floor:
                    self.long, self.stop = False, None
                    self.position.close()
            elif self.stop is not None and self.stop != stop:
                for order in self.orders:
                    order.cancel()
                self.buy(size=market.quantity, stop=self.stop)

    return Breakout


def reference(bars: list[Bar], strategy: type) -> tuple[list[tuple[Any, ...]], float]:
    """Trades and final equity of backtesting.py."""
    table = pd.DataFrame(
        [(bar.open, bar.high, bar.low, bar.close) for bar in bars],
        columns=["Open", "High", "Low", "Close"],
        index=pd.DatetimeIndex([bar.time.replace(tzinfo=None) for bar in bars]),
    )
    test = backtesting.Backtest(table, strategy, cash=CASH, commission=COMMISSION_BPS / 10_000)
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


def ours(
    bars: list[Bar], strategy: dict[str, Any], folder: Path, **risk: Any
) -> tuple[list[Any], float]:
    """Trades and final equity of the paper plugins."""
    settings = {
        "strategy": strategy,
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


def check(found: tuple[list[Any], float], expected: tuple[list[Any], float]) -> None:
    """The same times, sizes and prices of every trade, and the same money but for rounding."""
    assert len(found[0]) > 25
    for mine, theirs in zip(found[0], expected[0], strict=True):
        assert mine[:3] == theirs[:3]
        assert float(mine[3]) == pytest.approx(theirs[3], rel=1e-12)
        assert float(mine[4]) == pytest.approx(theirs[4], rel=1e-12)
    assert found[1] == pytest.approx(expected[1], rel=1e-9)


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.file)
@pytest.mark.parametrize("sizing", ["fixed", "half of equity"])
def test_trades_and_equity_agree_with_backtesting_py(
    market: Market, sizing: str, tmp_path: Path
) -> None:
    """A moving-average cross with market orders, long and short."""
    bars = read_bars(market)
    cross = crossing(market.fast, market.slow, "short")
    if sizing == "fixed":
        expected = reference(bars, reference_strategy(market, fixed(market)))
        found = ours(bars, cross, tmp_path, fixed_quantity=market.quantity)
    else:
        expected = reference(bars, reference_strategy(market, half))
        found = ours(bars, cross, tmp_path, fraction_per_trade="0.5")
    check(found, expected)


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.file)
def test_stop_orders_agree_with_backtesting_py(market: Market, tmp_path: Path) -> None:
    """A breakout whose stop follows its channel: cancelled, replaced, set off, within gaps too."""
    bars = read_bars(market)
    parameters = {"entry": 20, "exit": 10}
    breakout = {"strategies": {"b": {"kind": "donchian-breakout", "parameters": parameters}}}
    found = ours(bars, breakout, tmp_path, fixed_quantity=market.quantity)
    check(found, reference(bars, reference_breakout(market)))


def test_another_rule_of_filling_would_be_noticed(tmp_path: Path) -> None:
    """The comparison fails where fills differ: at the close instead of at the next open."""
    market = MARKETS[1]
    bars = read_bars(market)
    expected = reference(bars, reference_strategy(market, fixed(market)))
    later = [bar.model_copy(update={"open": bar.close}) for bar in bars]
    cross = crossing(market.fast, market.slow, "short")
    found = ours(later, cross, tmp_path, fixed_quantity=market.quantity)
    with pytest.raises(AssertionError):
        check(found, expected)
