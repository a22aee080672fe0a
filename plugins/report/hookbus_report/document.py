"""The document of a run: all metrics and series as plain data, which is what the page shows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hookbus_trading import TradeExecuted

from hookbus_report.book import BookRecord
from hookbus_report.days import calendar_days, daily_equity, monthly_returns
from hookbus_report.figures import BookFigures, compute
from hookbus_report.glossary import GLOSSARY
from hookbus_report.metrics import Figure, Undefined, total_return
from hookbus_report.notes import notes
from hookbus_report.positions import Mark
from hookbus_report.record import MAIN, RunRecord
from hookbus_report.series import Point
from hookbus_report.settings import ReportSettings
from hookbus_report.timeline import Timeline, Timelines
from hookbus_report.wording import text

__all__ = ["FORMAT", "make_document"]

FORMAT = 1
"""The version of the document's form."""

Document = dict[str, Any]


def make_document(run: RunRecord, settings: ReportSettings, *, simulated: bool) -> Document:
    """Everything that the report knows, of a settled record.

    Times are seconds since 1970 in UTC; a series is a list of times and a list of values.
    """
    charted = _charted(run, settings.charts)
    return {
        "format": FORMAT,
        "title": settings.title,
        "simulated": simulated,
        "begin": _seconds_or_none(run.begin),
        "end": _seconds_or_none(run.end),
        "conventions": {
            "risk_free": settings.risk_free,
            "days_per_year": settings.days_per_year,
        },
        "bars": run.bars,
        "glossary": [one._asdict() for one in GLOSSARY],
        "books": {name: _book(run, run.books[name], settings, charted) for name in _ordered(run)},
        "symbols": _symbols(run),
        "prices": {name: _series(run.quotes[name].closes.points()) for name in charted},
        "policy": _spans(run.policy, run.end),
        "health": _all_spans(run.health, run.end),
        "stages": _all_spans(run.stages, run.end),
        "halts": _spans(run.halts, run.end),
        "ranking": _ranking(run),
        "rejections": [
            {"book": book, "rule": rule, "count": count,
             "reason": run.rejection_reasons[book, rule]}
            for (book, rule), count in run.rejections.most_common()
        ],
        "notes": notes(run, settings, charted),
    }  # fmt: skip


def _ordered(run: RunRecord) -> list[str]:
    return sorted(run.books, key=lambda name: (name != MAIN, name))


def _charted(run: RunRecord, most: int) -> list[str]:
    """The symbols with a chart: those with most fills first, then by name."""
    fills = {name: sum(book.fills[name] for book in run.books.values()) for name in run.quotes}
    return sorted(fills, key=lambda name: (-fills[name], name))[:most]


def _book(
    run: RunRecord, book: BookRecord, settings: ReportSettings, charted: list[str]
) -> Document:
    return {
        "figures": _figures(compute(run, book, settings)),
        "equity": _series(book.equity.points()),
        "drawdown": _series(book.falls.points()),
        "months": _months(run, book),
        "trades": {
            "left_out": book.trades.left_out,
            "rows": [_trade(time, trade) for time, trade in book.trades.latest],
        },
        "marks": _marks(book, charted),
    }


def _figures(figures: BookFigures) -> Document:
    return {
        one.key: {
            **_figure(figures.values[one.key]),
            "text": text(figures.values[one.key], one.unit),
            "remark": figures.remarks.get(one.key, ""),
        }
        for one in GLOSSARY
    }


def _figure(value: Figure) -> Document:
    if isinstance(value, Undefined):
        return {"value": None, "reason": str(value)}
    return {"value": _rounded(value), "reason": ""}


def _months(run: RunRecord, book: BookRecord) -> list[Document]:
    if book.first is None or run.end is None:
        return []
    days = calendar_days(book.begin.date(), max(run.end, book.begin).date())
    months = monthly_returns(book.first, daily_equity(book.first, book.closes, days))
    return [{"year": one.year, "month": one.month, **_figure(one.value)} for one in months]


def _trade(time: datetime, trade: TradeExecuted) -> list[Any]:
    paid = float(trade.entry_price * trade.quantity)
    return [
        _seconds_or_none(trade.entry_time),
        _seconds(time),
        trade.symbol,
        trade.direction,
        _rounded(float(trade.quantity)),
        _rounded(float(trade.entry_price)),
        _rounded(float(trade.exit_price)),
        _rounded(float(trade.pnl)),
        _rounded(float(trade.pnl) / paid),
        _rounded(float(trade.commission)),
        trade.strategy,
        trade.trade_id,
    ]


def _marks(book: BookRecord, charted: list[str]) -> dict[str, list[Any]]:
    marks: dict[str, list[Any]] = {}
    for symbol, mark in book.marks:
        if symbol in charted:
            marks.setdefault(symbol, []).append(_mark(mark))
    return marks


def _mark(mark: Mark) -> list[Any]:
    return [
        _seconds(mark.time),
        _rounded(mark.price),
        mark.kind,
        mark.direction,
        _rounded(mark.quantity),
    ]


def _symbols(run: RunRecord) -> list[Document]:
    return [
        {
            "symbol": name,
            "first": _rounded(quotes.first),
            "last": _rounded(quotes.last),
            "bars": quotes.closes.count,
            **_figure(total_return(quotes.first, quotes.last)),
        }
        for name, quotes in sorted(run.quotes.items())
    ]


def _all_spans(timelines: Timelines, end: datetime | None) -> dict[str, list[Any]]:
    return {name: _spans(timeline, end) for name, timeline in sorted(timelines)}


def _spans(timeline: Timeline, end: datetime | None) -> list[Any]:
    if end is None:
        return []
    return [
        [_seconds(span.start), _seconds(span.end), span.state, span.reason]
        for span in timeline.spans(end)
    ]


def _ranking(run: RunRecord) -> Document | None:
    last = run.rankings.last
    if last is None:
        return None
    times, lines = run.rankings.places()
    time, event = last
    return {
        "times": [_seconds(one) for one in times],
        "places": lines,
        "last_time": _seconds(time),
        "last": [[symbol, _rounded(event.scores[symbol])] for symbol in event.symbols[:50]],
        "ranked": len(event.symbols),
    }


def _series(points: Iterable[Point]) -> list[list[float | None]]:
    kept = list(points)
    return [[_seconds(time) for time, _ in kept], [_rounded(value) for _, value in kept]]


def _seconds(time: datetime) -> float:
    stamp = time.timestamp()
    return int(stamp) if stamp == int(stamp) else round(stamp, 6)


def _seconds_or_none(time: datetime | None) -> float | None:
    return None if time is None else _seconds(time)


def _rounded(value: float) -> float | None:
    """Ten significant digits, more than a reader or a chart can tell apart; None if not finite."""
    short = float(f"{value:.10g}")
    if not math.isfinite(short):
        return None
    return int(short) if abs(short) < 1e15 and short == int(short) else short
