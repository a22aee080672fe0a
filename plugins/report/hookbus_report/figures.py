"""All metrics of one book, from the record of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from hookbus_report import metrics
from hookbus_report.book import BookRecord
from hookbus_report.days import calendar_days, daily_equity, trading_days
from hookbus_report.glossary import GLOSSARY
from hookbus_report.metrics import Figure, Undefined, finite
from hookbus_report.record import RunRecord
from hookbus_report.settings import ReportSettings
from hookbus_report.trades import TradeTally

__all__ = ["BookFigures", "buy_and_hold", "compute"]

_DAY = timedelta(days=1)
_NO_EQUITY = Undefined("the portfolio published no equity")
_NO_TRADES = Undefined("no trade was closed")
_MISSING = {one.group: _NO_TRADES if one.group == "Trades" else _NO_EQUITY for one in GLOSSARY}


@dataclass(frozen=True, slots=True)
class BookFigures:
    """Metrics by key, and remarks on some of them, by key too."""

    values: dict[str, Figure]
    remarks: dict[str, str]


def compute(run: RunRecord, book: BookRecord, settings: ReportSettings) -> BookFigures:
    """Every metric of the glossary for one book; the record must be settled."""
    end = book.begin if run.end is None else max(run.end, book.begin)
    known = {
        **_of_equity(run, book, settings, end),
        **_of_trades(book.trades),
        **_of_time(book, end),
        "buy_and_hold": buy_and_hold(run),
        "fills": float(book.fills.total()),
        "commission": float(book.commission),
        "slippage": float(book.slippage),
    }
    values = {one.key: finite(known.get(one.key, _MISSING[one.group])) for one in GLOSSARY}
    return BookFigures(values, _remarks(book))


def buy_and_hold(run: RunRecord) -> Figure:
    """The mean return of all symbols from their first close to their last."""
    changes = [quotes.last / quotes.first - 1 for quotes in run.quotes.values()]
    return metrics.mean(changes, "there were no bars")


def _of_equity(
    run: RunRecord, book: BookRecord, settings: ReportSettings, end: datetime
) -> dict[str, Figure]:
    if book.first is None or book.last is None:
        return {}
    first, last, days = book.first, book.last, (end - book.begin) / _DAY
    growth = metrics.cagr(first, last, days)
    daily = _daily(run, book, settings, end, first)
    return {
        "total_return": metrics.total_return(first, last),
        "cagr": growth,
        "profit": last - first,
        "first_equity": first,
        "last_equity": last,
        **_of_daily_returns(daily, settings),
        **_of_drawdowns(book, end),
        "calmar": metrics.calmar(growth, _depth(book)),
        "turnover": metrics.turnover(float(book.traded), metrics.mean(daily[1:], ""), days),
    }


def _daily(
    run: RunRecord, book: BookRecord, settings: ReportSettings, end: datetime, first: float
) -> list[float]:
    """The first equity, and the one at the end of each day of the run."""
    span = book.begin.date(), end.date()
    if settings.days_per_year == 365:
        days = calendar_days(*span)
    else:
        days = trading_days(*span, run.bar_days)
    return [first, *(equity for _, equity in daily_equity(first, book.closes, days))]


def _of_daily_returns(daily: list[float], settings: ReportSettings) -> dict[str, Figure]:
    periods, per_year = metrics.period_returns(daily), settings.days_per_year
    if isinstance(periods, Undefined):
        return dict.fromkeys(("volatility", "sharpe", "sortino"), periods)
    excess = metrics.excess_returns(periods, settings.risk_free, per_year)
    return {
        "volatility": metrics.volatility(periods, per_year),
        "sharpe": metrics.sharpe(excess, per_year),
        "sortino": metrics.sortino(excess, per_year),
    }


def _depth(book: BookRecord) -> Figure:
    if not book.drawdowns.has_peak:
        return Undefined("equity was not above zero")
    return book.drawdowns.deepest.depth if book.drawdowns.deepest else 0.0


def _of_drawdowns(book: BookRecord, end: datetime) -> dict[str, Figure]:
    deepest = book.drawdowns.deepest
    if deepest is None:
        never = Undefined("equity was never below a peak")
        lengths = dict.fromkeys(("drawdown_days", "longest_drawdown_days"), never)
        return {"maximum_drawdown": _depth(book), **lengths}
    return {
        "maximum_drawdown": deepest.depth,
        "drawdown_days": ((deepest.recovery or end) - deepest.peak) / _DAY,
        "longest_drawdown_days": book.drawdowns.longest(end) / _DAY,
    }


def _of_trades(trades: TradeTally) -> dict[str, Figure]:
    count, won, lost = trades.count, trades.won, trades.lost
    if not count:
        return {"trades": 0.0}
    gains, losses = float(trades.gains), float(trades.losses)
    return {
        "trades": float(count),
        "win_rate": won / count,
        "profit_factor": metrics.profit_factor(gains, losses),
        "expectancy": float((trades.gains - trades.losses) / count),
        "average_win": gains / won if won else Undefined("no trade won money"),
        "average_loss": -losses / lost if lost else Undefined("no trade lost money"),
        "best_trade": _amount(trades.best),
        "worst_trade": _amount(trades.worst),
    }


def _amount(value: Decimal | None) -> Figure:
    return _NO_TRADES if value is None else float(value)


def _of_time(book: BookRecord, end: datetime) -> dict[str, Figure]:
    presence, whole = book.positions.presence, end - book.begin
    held = presence.total(end)
    return {
        "exposure": held / whole if whole else Undefined("the run took no time"),
        "longest_flat_days": presence.longest_away(end) / _DAY,
    }


def _remarks(book: BookRecord) -> dict[str, str]:
    deepest = book.drawdowns.deepest
    if deepest is None:
        return {}
    recovery = deepest.recovery
    return {
        "maximum_drawdown": f"{deepest.peak.date()} to {deepest.trough.date()}",
        "drawdown_days": f"recovered {recovery.date()}" if recovery else "not recovered",
    }
