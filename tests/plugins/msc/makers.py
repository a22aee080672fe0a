"""Events for the tests of the controller, with defaults for what a test does not care about."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hookbus_msc.settings import MscSettings
from hookbus_trading.control import HealthStatusChanged, TradeExecuted
from hookbus_trading.flow import Bar, PortfolioUpdated

START = datetime(2024, 1, 1, tzinfo=UTC)
SECOND = 1_000_000_000
HOUR = 3600

DATA = Path(__file__).parents[4] / "shared" / "data"
"""Genuine prices, which lie beside the repository where there are any."""

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the folder of genuine prices is not there: {DATA}"
)


def at(hours: float) -> datetime:
    """The instant some hours after the start."""
    return START + timedelta(hours=hours)


def ns(time: datetime) -> int:
    """Nanoseconds since 1970."""
    return round(time.timestamp() * 1_000_000) * 1000


def make_bar(hour: float, close: float = 100.0, symbol: str = "A", **other: Any) -> Bar:
    """A bar without a range that closes where it is told to."""
    fields = {"open": close, "high": close, "low": close} | other
    return Bar(symbol=symbol, time=at(hour), close=close, **fields)


def bars_of(closes: Iterable[float], symbol: str = "A") -> list[Bar]:
    """One bar an hour."""
    return [make_bar(hour, close, symbol) for hour, close in enumerate(closes)]


def make_portfolio(equity: float | str, hour: float = 0, **other: Any) -> PortfolioUpdated:
    """A portfolio that is all cash."""
    fields = {"time": at(hour)} | other
    return PortfolioUpdated(cash=Decimal(str(equity)), equity=Decimal(str(equity)), **fields)


def make_trade(number: int, pnl: float | str = 1, **other: Any) -> TradeExecuted:
    """A round trip of one unit."""
    fields = {"symbol": "A", "strategy": "cross", "direction": "long", "exit_time": START} | other
    return TradeExecuted(
        trade_id=f"trade-{number}",
        quantity=Decimal(1),
        entry_price=Decimal(100),
        exit_price=Decimal(100),
        pnl=Decimal(str(pnl)),
        commission=Decimal(0),
        **fields,
    )


def make_health(
    status: str = "critical", component: str = "system", time: datetime = START
) -> HealthStatusChanged:
    """A component that changed, whatever it was before."""
    return HealthStatusChanged.model_validate(
        {
            "component": component,
            "status": status,
            "previous": "healthy",
            "reason": "no bar for 90 s",
            "time": time,
        }
    )


OFF = {"enabled": False}


def only(*names: str, **other: Any) -> MscSettings:
    """Settings with no inputs but these; the mode relaxes after an hour and two observations."""
    inputs = ("drawdown", "daily_loss", "volatility", "hit_rate", "health")
    data: dict[str, Any] = {name: OFF for name in inputs if name not in names}
    relax = {"after_seconds": HOUR, "after_observations": 2}
    return MscSettings.model_validate({"relax": relax} | data | other)


def read_bars(name: str, first: str, count: int) -> list[Bar]:
    """Some daily bars of a file of genuine prices, from a day on."""
    with (DATA / f"{name}.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["Date"] >= first][:count]
    return [
        Bar(
            symbol=name.split("-")[0],
            time=datetime.fromisoformat(row["Date"]).replace(tzinfo=UTC),
            open=float(row["Open"]),
            high=float(row["High"]),
            low=float(row["Low"]),
            close=float(row["Close"]),
        )
        for row in rows
    ]
