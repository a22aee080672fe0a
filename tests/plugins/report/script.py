"""A made-up run: three markets, two books, and every event that a report shows.

It is a plugin too, which `hookbus run --plugin` can play. The same arguments make the same run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from hookbus import Event, Plugin, PluginContext, Settings, Source, hookimpl
from hookbus_trading import (
    Bar,
    Fill,
    HealthStatusChanged,
    OpportunitiesUpdated,
    OrderRejected,
    PolicyUpdated,
    PortfolioUpdated,
    StrategyPromoted,
    TradeExecuted,
    TradingHalted,
    TradingResumed,
)
from pydantic import Field

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOLD = 40
"""Bars for which a position is held, or not."""


class Account:
    """Cash and positions of one book; every position is opened and closed whole."""

    def __init__(self, book: str) -> None:
        self.book = book
        self.cash = Decimal(100_000)
        self.held: dict[str, tuple[Decimal, Decimal, datetime]] = {}
        self.prices: dict[str, Decimal] = {}
        self.orders = 0
        self.closed = 0

    def equity(self) -> Decimal:
        """Cash and what the positions are worth."""
        value = sum((one[0] * self.prices[symbol] for symbol, one in self.held.items()), Decimal(0))
        return self.cash + value

    def state(self, symbol: str, time: datetime) -> PortfolioUpdated:
        """The portfolio as it is published."""
        position = self.held[symbol][0] if symbol in self.held else Decimal(0)
        return PortfolioUpdated(
            symbol=symbol, book=self.book, cash=self.cash, equity=self.equity(),
            position=position, time=time,
        )  # fmt: skip

    def trade(self, symbol: str, signed: Decimal, time: datetime) -> Iterator[Event]:
        """Buy or sell at the last price, and the trade when a position is closed."""
        price = self.prices[symbol]
        fee = (abs(signed) * price * Decimal("0.0001")).quantize(Decimal("0.01"))
        self.cash -= signed * price + fee
        self.orders += 1
        yield Fill(
            order_id=f"{self.book}-{self.orders}", symbol=symbol,
            side="buy" if signed > 0 else "sell", quantity=abs(signed),
            strategy="script", book=self.book, price=price, commission=fee, time=time,
        )  # fmt: skip
        if symbol in self.held:
            yield self._close(symbol, price, fee, time)
        else:
            self.held[symbol] = (signed, price, time)
        yield self.state(symbol, time)

    def _close(self, symbol: str, price: Decimal, fee: Decimal, time: datetime) -> TradeExecuted:
        quantity, entry, since = self.held.pop(symbol)
        self.closed += 1
        return TradeExecuted(
            trade_id=f"{self.book}-{self.closed}", symbol=symbol, strategy="script", book=self.book,
            direction="long" if quantity > 0 else "short", quantity=abs(quantity),
            entry_price=entry, exit_price=price, entry_time=since, exit_time=time,
            pnl=quantity * (price - entry) - 2 * fee, commission=2 * fee,
        )  # fmt: skip


def script(
    symbols: tuple[str, ...] = ("ALPHA", "BETA", "GAMMA"),
    bars: int = 10_000,
    seed: int = 7,
    books: tuple[str, ...] = ("main", "shadow:script"),
) -> Iterator[tuple[datetime, Event]]:
    """The events of the run with their times, in order."""
    random = Random(seed)
    accounts = [Account(book) for book in books]
    prices = {symbol: 100.0 * (number + 1) for number, symbol in enumerate(symbols)}
    for account in accounts:
        yield START, PortfolioUpdated(book=account.book, cash=account.cash, equity=account.cash)
    for number in range(bars):
        time = START + number * HOUR
        for symbol in symbols:
            bar = next_bar(random, symbol, prices[symbol], time)
            prices[symbol] = bar.close
            yield time, bar
            for account in accounts:
                for event in act(random, account, bar, number):
                    yield time, event
        for event in control(random, symbols, number, bars, time):
            yield time, event


def next_bar(random: Random, symbol: str, price: float, time: datetime) -> Bar:
    """The next bar of a random walk with an upward drift."""
    close = round(price * math.exp(random.gauss(0.00004, 0.004)), 4)
    low, high = sorted((price, close))
    return Bar(
        symbol=symbol, time=time, open=round(price, 4), close=close, volume=1000.0,
        low=round(low * 0.999, 4), high=round(high * 1.001, 4), interval_seconds=3600,
    )  # fmt: skip


def act(random: Random, account: Account, bar: Bar, number: int) -> Iterator[Event]:
    """Now and then open or close a position; once a day say what the book is worth."""
    symbol = bar.symbol
    account.prices[symbol] = Decimal(repr(bar.close))
    if random.random() < 1 / HOLD:
        held = account.held.get(symbol)
        side = 1 if random.random() < 0.65 else -1
        quantity = Decimal(side * 20_000) / account.prices[symbol]
        yield from account.trade(
            symbol, -held[0] if held else quantity.quantize(Decimal("0.01")), bar.time
        )
    elif number % 24 == 23:
        yield account.state(symbol, bar.time)


def control(
    random: Random, symbols: tuple[str, ...], number: int, bars: int, time: datetime
) -> Iterator[Event]:
    """Policy, health, rankings, stages, halts and rejections."""
    if number % 240 == 0:
        mode = random.choice(("aggressive", "normal", "normal", "defensive"))
        yield PolicyUpdated(mode=mode, reasons=(f"drawdown is {number % 7} %",), time=time)
    if number % 400 == 50:
        yield health("feed", "healthy", "degraded", time)
    if number % 400 == 90:
        yield health("feed", "degraded", "healthy", time)
    if number == bars // 2:
        yield health("broker", "healthy", "critical", time)
        yield TradingHalted(reason="the broker does not answer", by="health", time=time)
    if number == bars // 2 + 300:
        yield health("broker", "critical", "healthy", time)
        yield TradingResumed(reason="the broker answers again", time=time)
    if number % 24 == 0:
        yield ranking(random, symbols, time)
    if number == bars // 4:
        yield StrategyPromoted(
            strategy="script", before="shadow", after="live", reason="Sharpe 1.4", time=time
        )
    if random.random() < 0.02:
        yield rejection(random, symbols[0], number, time)


def health(component: str, previous: str, status: str, time: datetime) -> HealthStatusChanged:
    """A change of health."""
    return HealthStatusChanged.model_validate(
        {"component": component, "previous": previous, "status": status, "reason": "latency",
         "time": time}
    )  # fmt: skip


def ranking(random: Random, symbols: tuple[str, ...], time: datetime) -> OpportunitiesUpdated:
    """The symbols in a random order."""
    order = random.sample(symbols, len(symbols))
    scores = {symbol: 1 - place / len(order) for place, symbol in enumerate(order)}
    return OpportunitiesUpdated(symbols=tuple(order), scores=scores, time=time)


def rejection(random: Random, symbol: str, number: int, time: datetime) -> OrderRejected:
    """An order that a rule refused."""
    rule = random.choice(("daily_loss", "maximum_order_value", "maximum_order_value"))
    return OrderRejected(
        order_id=f"r{number}", symbol=symbol, side="buy", quantity=Decimal(1), strategy="script",
        rule=rule, reason=f"{rule}: 3 is more than 2", time=time,
    )  # fmt: skip


class ScriptSettings(Settings):
    """How long the run is, and its symbols."""

    symbols: tuple[str, ...] = Field(("ALPHA", "BETA", "GAMMA"), description="Symbols.")
    bars: int = Field(500, description="Bars of each symbol.")


class Script(Plugin):
    """Plays the made-up run."""

    name = "script"
    Settings = ScriptSettings

    @hookimpl
    def hookbus_simulation_start(self) -> datetime:
        """The time of the first bar."""
        return START

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Feed the events."""
        self._context = context
        context.start_source(self._play, "script")

    async def _play(self, source: Source) -> None:
        clock = self._context.clock
        now = None
        for time, event in script(self.settings.symbols, self.settings.bars):
            if time != now:
                await clock.sleep_until(int(time.timestamp()) * 1_000_000_000)
                now = time
            await self._context.bus.publish(event)
