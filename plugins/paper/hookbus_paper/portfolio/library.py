"""The library: every book, made when it is first written in, and what all of them share."""

from collections.abc import Iterator
from datetime import date, datetime

from hookbus import Event
from hookbus_trading.flow import Bar, Fill, TradingSignal

from hookbus_paper.books import MAIN
from hookbus_paper.gate import BarGate
from hookbus_paper.portfolio.book import PortfolioBook
from hookbus_paper.portfolio.settings import PortfolioSettings
from hookbus_paper.seen import Seen

__all__ = ["Library"]


class Library:
    """Sends fills to their book, marks all books at every bar, and says what changed.

    `gate` counts the bars; `fills` the repeated fills (known by order and own identifier), which
    are ignored.
    """

    def __init__(self, settings: PortfolioSettings) -> None:
        self._settings = settings
        self._marks: dict[str, float] = {}
        self._day: date | None = None
        self.books = {MAIN: PortfolioBook(MAIN, settings)}
        self.gate = BarGate()
        self.fills = Seen()

    def book(self, name: str) -> PortfolioBook:
        """A book by its name; a new one has nothing but its starting cash."""
        found = self.books.get(name)
        if found is None:
            found = self.books[name] = PortfolioBook(name, self._settings)
        return found

    def on_bar(self, bar: Bar) -> list[Event]:
        """Mark every book; the updates that are due."""
        if not self.gate.admits(bar):
            return []
        told = self._day_before(bar.time)
        self._marks[bar.symbol] = bar.close
        for book in self.books.values():
            update = book.on_bar(bar)
            if update is not None:
                told.append(update)
        return told

    def _day_before(self, time: datetime) -> list[Event]:
        """If `time` begins a UTC day, the state of each book as the day before has left it."""
        day, before = time.date(), self._day
        if before is not None and day <= before:
            return []
        self._day = day
        if before is None:
            return []
        updates = (book.untold() for book in self.books.values())
        return [update for update in updates if update is not None]

    def on_fill(self, fill: Fill) -> Iterator[Event]:
        """Book a fill once; the round trip that it ends, and then the state after it.

        The state is made when it is asked for: who hears of the round trip may trade at once.
        """
        if not self.fills.is_new((fill.order_id, fill.fill_id)):
            return
        if fill.time is not None:
            yield from self._day_before(fill.time)
        book = self.book(fill.book)
        trade = book.on_fill(fill, self._mark_after(fill))
        if trade is not None:
            yield trade
        yield book.state(fill.symbol, fill.time)

    def restore(self, fill: Fill) -> None:
        """Book a fill of an earlier run, and say nothing."""
        if self.fills.is_new((fill.order_id, fill.fill_id)):
            self.book(fill.book).on_fill(fill, None)

    def _mark_after(self, fill: Fill) -> float | None:
        """The last close of the fill's symbol, None where the fill has the newer price."""
        last = self.gate.last_time(fill.symbol)
        newer = last is None or (fill.time is not None and fill.time > last)
        return None if newer else self._marks[fill.symbol]

    def on_signal(self, signal: TradingSignal) -> list[Event]:
        """The state of the signal's book, so that whoever sizes an order knows it."""
        update = self.book(signal.book).untold(signal.symbol)
        return [] if update is None else [update]

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: the bars, those of the book `main`, and what was ignored."""
        unusual = (
            ("Fills ignored: repeated", self.fills.repeats),
            ("Bars ignored: repeated or out of order", self.gate.stale),
        )
        ignored = tuple((title, f"{count:,}") for title, count in unusual if count)
        return (("Bars", f"{self.gate.seen:,}"), *self.books[MAIN].rows(), *ignored)
