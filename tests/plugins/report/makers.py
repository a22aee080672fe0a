"""Events, records and documents for the tests of the report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hookbus import Event
from hookbus_report.document import make_document
from hookbus_report.record import RunRecord
from hookbus_report.settings import ReportSettings
from hookbus_trading import Bar, Fill, PortfolioUpdated, TradeExecuted

START = datetime(2024, 1, 1, tzinfo=UTC)


def after(**passed: float) -> datetime:
    """An instant some time after the start: `after(days=2, hours=3)`."""
    return START + timedelta(**passed)


def bar(symbol: str = "ALPHA", close: float = 100.0, time: datetime = START) -> Bar:
    """A bar on which the price stood still."""
    return Bar(symbol=symbol, time=time, open=close, high=close, low=close, close=close)


def equity(
    value: float | str, time: datetime | None = START, book: str = "main"
) -> PortfolioUpdated:
    """What a book is worth."""
    amount = Decimal(str(value))
    return PortfolioUpdated(book=book, cash=amount, equity=amount, time=time)


def fill(signed: float, time: datetime = START, **fields: Any) -> Fill:
    """A fill of ALPHA at 100; negative quantities are sales."""
    given = {
        "order_id": f"{time.isoformat()} {signed}",
        "symbol": "ALPHA",
        "side": "buy" if signed > 0 else "sell",
        "quantity": Decimal(str(abs(signed))),
        "strategy": "script",
        "price": Decimal(100),
        "time": time,
    }
    return Fill.model_validate({**given, **fields})


def trade(pnl: float, time: datetime = START, **fields: Any) -> TradeExecuted:
    """A trade of one ALPHA that was closed."""
    given = {
        "trade_id": f"{time.isoformat()} {pnl}",
        "symbol": "ALPHA",
        "strategy": "script",
        "direction": "long",
        "quantity": Decimal(1),
        "entry_price": Decimal(100),
        "exit_price": Decimal(100),
        "exit_time": time,
        "pnl": Decimal(str(pnl)),
        "commission": Decimal(0),
    }
    return TradeExecuted.model_validate({**given, **fields})


def recorded(events: Iterable[Event], now: datetime = START, **settings: Any) -> RunRecord:
    """The settled record of a run of these events; those without a time happen `now`."""
    run = RunRecord(ReportSettings(**settings), lambda: now)
    handlers = run.handlers()
    for event in events:
        handlers[type(event)](event)
    run.settle()
    return run


def document(events: Iterable[Event], **settings: Any) -> dict[str, Any]:
    """The document of a run of these events."""
    run = recorded(events, **settings)
    return make_document(run, ReportSettings(**settings), simulated=True)


def values(events: Iterable[Event], book: str = "main", **settings: Any) -> dict[str, Any]:
    """The metrics of a book by key, or why there is none."""
    figures = document(events, **settings)["books"][book]["figures"]
    return {
        key: one["reason"] if one["value"] is None else one["value"] for key, one in figures.items()
    }
