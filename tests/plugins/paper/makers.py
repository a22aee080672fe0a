"""Events for the tests of the paper plugins, with defaults for what a test does not care about."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hookbus_trading.control import TradeExecuted
from hookbus_trading.flow import Bar, Fill, Order, PortfolioUpdated, TradingSignal

START = datetime(2024, 1, 1, tzinfo=UTC)


def at(minute: int) -> datetime:
    """The instant some minutes after the start."""
    return START + timedelta(minutes=minute)


def make_bar(minute: int, price: float = 100.0, close: float | None = None, **other: Any) -> Bar:
    """A bar that opens at `price` and closes at `close`, or where it opened."""
    last = price if close is None else close
    fields = {"symbol": "ABC", "time": at(minute)} | other
    return Bar(open=price, close=last, high=max(price, last), low=min(price, last), **fields)


def bars_of(closes: Iterable[float], symbol: str = "ABC") -> list[Bar]:
    """One bar a minute, each opening where the one before closed."""
    bars: list[Bar] = []
    for minute, close in enumerate(closes):
        first = bars[-1].close if bars else close
        bars.append(make_bar(minute, first, close, symbol=symbol))
    return bars


def make_signal(direction: str = "long", minute: int = 0, **other: Any) -> TradingSignal:
    """A signal at full strength and a price of 100."""
    fields = {"symbol": "ABC", "strategy": "test", "price": 100.0, "time": at(minute)} | other
    return TradingSignal.model_validate({"direction": direction, **fields})


def make_order(number: int = 1, side: str = "buy", minute: int | None = 0, **other: Any) -> Order:
    """An order for ten units, decided at a minute, or at no known time."""
    fields = {"symbol": "ABC", "strategy": "test", "quantity": Decimal(10)} | other
    time = None if minute is None else at(minute)
    return Order.model_validate(
        {"order_id": f"test-ABC-{number}", "side": side, "time": time, **fields}
    )


def make_fill(number: int = 1, side: str = "buy", minute: int = 0, **other: Any) -> Fill:
    """A fill of ten units at 100, without commission."""
    fields = {"symbol": "ABC", "strategy": "test", "quantity": 10, "price": 100} | other
    return Fill.model_validate(
        {"order_id": f"test-ABC-{number}", "side": side, "time": at(minute), **fields}
    )


def make_update(equity: str, minute: int = 0, **other: Any) -> PortfolioUpdated:
    """A portfolio whose equity is all cash."""
    fields = {"cash": equity, "equity": equity, "time": at(minute)} | other
    return PortfolioUpdated.model_validate(fields)


def make_trade(pnl: float, number: int = 1, **other: Any) -> TradeExecuted:
    """A closed trade of ten units bought at 100."""
    fields = {
        "trade_id": f"main-test-ABC-{number}",
        "symbol": "ABC",
        "strategy": "test",
        "direction": "long",
        "quantity": 10,
        "entry_price": 100,
        "exit_price": 100,
        "entry_time": at(number),
        "exit_time": at(number + 1),
        "pnl": repr(pnl),
        "commission": 0,
    } | other
    return TradeExecuted.model_validate(fields)
