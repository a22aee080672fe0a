"""The plugins on one bus: a whole run, and what disturbs it."""

import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hookbus import Event, Plugin, PluginContext, hookimpl
from hookbus_trading.flow import (
    Bar,
    Fill,
    Order,
    OrderCancelled,
    OrderRejected,
    PortfolioUpdated,
    TradingSignal,
)

from tests.plugins.paper.makers import at, bars_of, make_signal
from tests.plugins.paper.running import crossing, trade

SETTINGS: dict[str, dict[str, Any]] = {
    "strategy": crossing(3, 8, "short"),
    "risk": {
        "fraction_per_trade": 1,
        "scale_by_strength": False,
        "maximum_position": 5,
        "maximum_leverage": 2,
        "daily_loss_limit": 1,
    },
    "execution": {"commission_bps": 2, "slippage_bps": 0},
    "portfolio": {"starting_cash": 10_000, "publish_change": 0},
}


def walk(count: int, symbol: str = "ABC", seed: int = 1) -> list[Bar]:
    """Bars of a random walk around 100."""
    chance = random.Random(seed)
    closes = [100.0]
    for _ in range(count - 1):
        closes.append(round(closes[-1] * (1 + chance.gauss(0, 0.01)), 4))
    return bars_of(closes, symbol)


def equity_by_hand(bars: Sequence[Bar]) -> tuple[Fraction, int]:
    """What the settings above must come to: an independent loop, in rational numbers."""
    cash, position, trades, side = Fraction(10_000), Fraction(0), 0, 0
    closes = [Fraction(repr(bar.close)) for bar in bars]
    for index in range(7, len(bars) - 1):
        gap = sum(closes[index - 2 : index + 1]) / 3 - sum(closes[index - 7 : index + 1]) / 8
        new = side if gap == 0 else (1 if gap > 0 else -1)
        if side and new != side:
            price = Fraction(repr(bars[index + 1].open))
            trades += position != 0
            for quantity in (-position, Fraction(5) * new):
                paid = abs(quantity) * price * 2 / 10_000
                cash -= quantity * price + Fraction(round(paid * 10**8), 10**8)
                position += quantity
        side = new
    return cash + position * closes[-1], trades


class Repeater(Plugin):
    """Publishes every order and fill a second time."""

    name = "repeater"

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to what it repeats."""
        self._bus = context.bus
        self._repeated: set[int] = set()
        context.bus.subscribe((Order, Fill), self._repeat, delivery="lossless")

    async def _repeat(self, event: Event) -> None:
        if id(event) not in self._repeated:
            self._repeated.add(id(event))
            await self._bus.publish(event)


def test_a_run_from_bars_to_equity_agrees_with_an_independent_loop(tmp_path: Path) -> None:
    """Final equity and trades are, to the last digit, those of a back-test written by hand."""
    bars = walk(400)
    outcome = trade(bars, tmp_path, SETTINGS)
    equity, trades = equity_by_hand(bars)
    last = outcome.events(PortfolioUpdated)[-1]
    assert Fraction(last.equity) == equity
    assert outcome.summary("Portfolio")["Trades (round trips)"].startswith(f"{trades}, ")
    assert trades > 10
    assert not outcome.report.ledger.discrepancies
    assert outcome.report.failed_plugins == ()


def test_every_stage_reports_in_the_summary(tmp_path: Path) -> None:
    """Bars, signals, orders, fills and the portfolio's figures are there, and agree."""
    outcome = trade(walk(400), tmp_path, SETTINGS)
    strategy, risk, execution, portfolio = (
        outcome.summary(title) for title in ("Strategy", "Risk", "Execution", "Portfolio")
    )
    assert strategy["Bars seen"] == portfolio["Bars"] == "400"
    signals = str(len(outcome.events(TradingSignal)))
    assert (strategy["cross"], risk["Signals"]) == (f"{signals} signals", signals)
    assert risk["Orders"] == execution["Orders"] == str(len(outcome.events(Order)))
    assert execution["Fills"] == portfolio["Fills"] == str(len(outcome.events(Fill)))
    assert set(portfolio) >= {"Return", "Maximum drawdown", "Final equity"}


def test_an_order_is_filled_at_the_open_of_the_bar_after_its_own(tmp_path: Path) -> None:
    """On the bus too: every fill has the time and the open of its symbol's next bar."""
    bars = sorted(walk(200) + walk(200, "XYZ", seed=2), key=lambda bar: bar.time)
    outcome = trade(bars, tmp_path, SETTINGS)
    decided = {order.order_id: order.time for order in outcome.events(Order)}
    opens = {(bar.symbol, bar.time): bar.open for bar in bars}
    fills = outcome.events(Fill)
    assert fills
    for fill in fills:
        assert fill.time == decided[fill.order_id] + (at(1) - at(0))
        assert float(fill.price) == opens[fill.symbol, fill.time]


@pytest.mark.parametrize("fill_at", ["open", "close"])
def test_a_feed_that_runs_ahead_changes_no_fill(tmp_path: Path, fill_at: str) -> None:
    """Bars published in one burst give the fills, and the money, of bars published one by one."""
    settings = SETTINGS | {"execution": {"fill_at": fill_at}}
    bars = walk(1500)
    calm = trade(bars, tmp_path, settings)
    burst = trade(bars, tmp_path, settings, settles=False)
    assert burst.events(Fill) == calm.events(Fill)
    assert len(calm.events(Fill)) > 50
    final = [outcome.events(PortfolioUpdated)[-1].equity for outcome in (calm, burst)]
    assert final[0] == final[1]


def test_the_same_bars_give_the_same_events(tmp_path: Path) -> None:
    """Identifiers, times and amounts of two runs do not differ in one character."""
    first, second = (trade(walk(300), tmp_path, SETTINGS) for _ in range(2))
    lines = [[one.to_json() for one in outcome.recorded.envelopes] for outcome in (first, second)]
    assert lines[0] == lines[1]


def test_repeated_events_change_nothing_and_are_counted(tmp_path: Path) -> None:
    """Bars, orders and fills that come twice are the same run, and the summary says so."""
    bars = walk(300)
    twice = [again for bar in bars for again in (bar, bar)]
    clean = trade(bars, tmp_path, SETTINGS)
    dirty = trade(twice, tmp_path, SETTINGS, others=[Repeater])
    assert dirty.events(PortfolioUpdated) == clean.events(PortfolioUpdated)
    orders, fills = len(clean.events(Order)), len(clean.events(Fill))
    assert dirty.summary("Portfolio")["Fills ignored: repeated"] == str(fills)
    assert dirty.summary("Execution")["Orders ignored: repeated"] == str(orders)
    assert dirty.summary("Risk")["Fills ignored: repeated"] == str(fills)
    for stage in ("Strategy", "Execution", "Portfolio"):
        assert dirty.summary(stage)["Bars ignored: repeated or out of order"] == "300"


def test_a_gap_in_the_bars_is_no_error(tmp_path: Path) -> None:
    """With bars missing here and there, every order is still filled by the next bar there is."""
    bars = [bar for number, bar in enumerate(walk(400)) if number % 7]
    outcome = trade(bars, tmp_path, SETTINGS)
    following = {early.time: late.time for early, late in pairwise(bars)}
    decided = {order.order_id: order.time for order in outcome.events(Order)}
    fills = outcome.events(Fill)
    assert fills
    assert all(fill.time == following[decided[fill.order_id]] for fill in fills)


class Latecomer(Plugin):
    """Publishes a signal when the host begins to stop."""

    name = "latecomer"

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to the host."""
        self._bus = context.bus
        context.bus.subscribe("hookbus.host.stopping", self._signal, delivery="lossless")

    async def _signal(self, _: Event) -> None:
        await self._bus.publish(make_signal("long", symbol="NEW"))


def test_no_order_is_made_once_the_host_is_stopping(tmp_path: Path) -> None:
    """A signal that comes while the host stops is refused: stopping means no more orders."""
    outcome = trade(walk(100), tmp_path, SETTINGS, others=[Latecomer])
    refused = [one for one in outcome.events(OrderRejected) if one.symbol == "NEW"]
    assert [(one.rule, one.reason) for one in refused] == [("halted", "the host is stopping")]
    types = [one.type for one in outcome.recorded.envelopes]
    assert "trading.order" not in types[types.index("hookbus.host.stopping") :]


def test_a_run_that_is_stopped_in_the_middle_ends_in_good_order(tmp_path: Path) -> None:
    """Its events are those of the whole run up to then, its books balance, open orders are told."""
    whole = trade(walk(400), tmp_path, SETTINGS)
    until = whole.events(Order)[20].time
    cut = trade(walk(400), tmp_path, SETTINGS, until=until + timedelta(seconds=30))
    told = [line for line in cut.flow() if "order_cancelled" not in line]
    assert told == whole.flow()[: len(told)]
    orders = {order.order_id for order in cut.events(Order)}
    ended = {one.order_id for one in cut.events(Fill, OrderCancelled)}
    assert orders == ended
    assert cut.events(OrderCancelled)
    assert not cut.report.ledger.discrepancies
    assert cut.summary("Portfolio")["Bars"] != "400"


def test_an_order_that_no_bar_can_fill_is_reported_at_the_end(tmp_path: Path) -> None:
    """An order made on the last bar is cancelled with its identifier; there is no fill of it."""
    bars = walk(400)
    whole = trade(bars, tmp_path, SETTINGS)
    decided = whole.events(Order)[4].time
    cut = trade([bar for bar in bars if bar.time <= decided], tmp_path, SETTINGS)
    orders, cancelled = cut.events(Order), cut.events(OrderCancelled)
    filled = {fill.order_id for fill in cut.events(Fill)}
    left = [order.order_id for order in orders if order.order_id not in filled]
    assert left
    assert [order.order_id for order in cancelled] == left
    assert cut.summary("Execution")["Orders cancelled"] == str(len(left))


@pytest.mark.parametrize(
    ("missing", "silent"),
    [
        ("strategy", (TradingSignal, Order, Fill)),
        ("risk", (Order, OrderRejected, Fill)),
        ("execution", (Fill,)),
        ("portfolio", (PortfolioUpdated, Order, Fill)),
    ],
)
def test_the_others_run_on_when_one_is_disabled(
    tmp_path: Path, missing: str, silent: tuple[type[Event], ...]
) -> None:
    """Without one stage nothing fails; what depends on it does not happen, and that is visible."""
    outcome = trade(walk(200), tmp_path, SETTINGS | {missing: {"enabled": False}})
    assert outcome.report.failed_plugins == ()
    assert outcome.events(*silent) == []
    assert not outcome.report.ledger.discrepancies
    if missing == "portfolio":
        assert {order.rule for order in outcome.events(OrderRejected)} == {"portfolio_unknown"}


def test_money_on_the_bus_always_adds_up(tmp_path: Path) -> None:
    """In every update, realised plus unrealised profit is what equity has gained, exactly."""
    outcome = trade(walk(400), tmp_path, SETTINGS)
    updates = outcome.events(PortfolioUpdated)
    assert len(updates) > 300
    for update in updates:
        assert update.realised_pnl + update.unrealised_pnl == update.equity - Decimal(10_000)
