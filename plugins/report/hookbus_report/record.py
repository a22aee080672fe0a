"""The record of a run: what the report needs of its events, within bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

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

from hookbus_report.book import BookRecord
from hookbus_report.ranking import Rankings
from hookbus_report.series import Thinned
from hookbus_report.settings import ReportSettings
from hookbus_report.timeline import Timeline, Timelines

__all__ = ["Quotes", "RunRecord"]

MOST_SYMBOLS = 1_000
"""How many symbols have their prices kept."""

MOST_BOOKS = 50
"""How many books are followed."""

MOST_RULES = 200
"""How many pairs of a book and a rule are told apart."""

MAIN = "main"
HALTED, TRADING = "halted", "trading"


class Quotes:
    """The closes of one symbol."""

    __slots__ = ("closes", "first", "last", "time")

    def __init__(self, bar: Bar, points: int) -> None:
        self.time = bar.time
        self.first = self.last = bar.close
        self.closes = Thinned(points)


class RunRecord:
    """Takes the events of a run. `now` says the time of those that carry none.

    `begin` and `end` are the first and the last time of any event. Bars that are older than one
    before them of their symbol are ignored and counted in `stale_bars`.
    """

    def __init__(self, settings: ReportSettings, now: Callable[[], datetime]) -> None:
        self._points = settings.points
        self._rows = settings.rows
        self._now = now
        self.begin: datetime | None = None
        self.end: datetime | None = None
        self.books: dict[str, BookRecord] = {}
        self.quotes: dict[str, Quotes] = {}
        self.bar_days: set[date] = set()
        self.bars = self.stale_bars = self.bars_not_kept = self.of_further_books = 0
        self.policy = Timeline(settings.rows)
        self.halts = Timeline(settings.rows)
        self.health = Timelines(settings.rows)
        self.stages = Timelines(settings.rows)
        self.rankings = Rankings()
        self.rejections: Counter[tuple[str, str]] = Counter()
        self.rejection_reasons: dict[tuple[str, str], str] = {}

    def handlers(self) -> dict[type[Any], Callable[[Any], None]]:
        """What takes the events of each type."""
        return {
            Bar: self.on_bar,
            PortfolioUpdated: self.on_portfolio,
            Fill: self.on_fill,
            TradeExecuted: self.on_trade,
            OrderRejected: self.on_rejection,
            PolicyUpdated: self.on_policy,
            HealthStatusChanged: self.on_health,
            OpportunitiesUpdated: self.on_ranking,
            StrategyPromoted: self.on_stage,
            TradingHalted: self.on_halt,
            TradingResumed: self.on_resumption,
        }

    def on_bar(self, bar: Bar) -> None:
        """Take the close of a bar."""
        quotes = self.quotes.get(bar.symbol)
        if quotes is None:
            if len(self.quotes) == MOST_SYMBOLS:
                self.bars_not_kept += 1
                return
            quotes = self.quotes[bar.symbol] = Quotes(bar, self._points)
        time = bar.time
        if time < quotes.time:
            self.stale_bars += 1
            return
        quotes.time, quotes.last = time, bar.close
        quotes.closes.add(time, bar.close)
        self.bar_days.add(time.date())
        self.bars += 1
        self._touch(time)

    def on_portfolio(self, event: PortfolioUpdated) -> None:
        """Take the equity of a book."""
        time = self._time(event.time)
        book = self._book(event.book, time)
        if book is not None:
            book.on_portfolio(time, event)

    def on_fill(self, fill: Fill) -> None:
        """Take a fill."""
        time = self._time(fill.time)
        book = self._book(fill.book, time)
        if book is not None:
            book.on_fill(time, fill)

    def on_trade(self, trade: TradeExecuted) -> None:
        """Take a closed trade."""
        time = self._time(trade.exit_time)
        book = self._book(trade.book, time)
        if book is not None:
            book.on_trade(time, trade)

    def on_rejection(self, event: OrderRejected) -> None:
        """Count a refused order."""
        self._time(event.time)
        key = (event.book, event.rule)
        if key not in self.rejections and len(self.rejections) >= MOST_RULES:
            key = ("", "further rules")
        self.rejections[key] += 1
        self.rejection_reasons[key] = event.reason

    def on_policy(self, event: PolicyUpdated) -> None:
        """Take a policy."""
        self.policy.enter(self._time(event.time), event.mode, "; ".join(event.reasons))

    def on_health(self, event: HealthStatusChanged) -> None:
        """Take the health of a component."""
        time = self._time(event.time)
        self.health.change(
            self.begin or time, time, event.component, event.previous, event.status, event.reason
        )

    def on_stage(self, event: StrategyPromoted) -> None:
        """Take the stage of a strategy."""
        time = self._time(event.time)
        self.stages.change(
            self.begin or time, time, event.strategy, event.before, event.after, event.reason
        )

    def on_ranking(self, event: OpportunitiesUpdated) -> None:
        """Take a ranking."""
        self.rankings.add(self._time(event.time), event)

    def on_halt(self, event: TradingHalted) -> None:
        """Trading stands still."""
        time = self._time(event.time)
        if not self.halts.changes:
            self.halts.enter(self.begin or time, TRADING, "")
        self.halts.enter(time, HALTED, f"{event.reason} (by {event.by})")

    def on_resumption(self, event: TradingResumed) -> None:
        """Trading goes on."""
        self.halts.enter(self._time(event.time), TRADING, f"{event.reason} (by {event.by})")

    def settle(self) -> None:
        """Close what is open: the run is over."""
        for book in self.books.values():
            book.settle()

    def _time(self, time: datetime | None) -> datetime:
        """The time of an event, which is now where it carries none."""
        time = self._now() if time is None else time
        self._touch(time)
        return time

    def _touch(self, time: datetime) -> None:
        if self.begin is None or self.end is None:
            self.begin = self.end = time
        elif time > self.end:
            self.end = time
        elif time < self.begin:
            self.begin = time

    def _book(self, name: str, time: datetime) -> BookRecord | None:
        book = self.books.get(name)
        if book is None:
            if len(self.books) >= MOST_BOOKS and name != MAIN:
                self.of_further_books += 1
                return None
            book = self.books[name] = BookRecord(time, self._points, self._rows)
        return book
