"""The library: every book, made when it is first written in, and what all of them share."""

from collections.abc import Iterable
from datetime import date

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
        told: list[Event] = []
        day = bar.time.date()
        if day != self._day:
            begins, self._day = self._day is not None, day
            if begins:
                told += _present(book.untold() for book in self.books.values())
        self._marks[bar.symbol] = bar.close
        for book in self.books.values():
            update = book.on_bar(bar)
            if update is not None:
                told.append(update)
        return told

    def on_fill(self, fill: Fill) -> list[Event]:
        """Book a fill once; the round trip that it ends, and the state after it."""
        if not self.fills.is_new((fill.order_id, fill.fill_id)):
            return []
        return _present(self.book(fill.book).on_fill(fill, self._marks.get(fill.symbol)))

    def on_signal(self, signal: TradingSignal) -> list[Event]:
        """The state of the signal's book, so that whoever sizes an order knows it."""
        return _present((self.book(signal.book).untold(signal.symbol),))

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: the bars, those of the book `main`, and what was ignored."""
        unusual = (
            ("Fills ignored: repeated", self.fills.repeats),
            ("Bars ignored: repeated or out of order", self.gate.stale),
        )
        ignored = tuple((title, f"{count:,}") for title, count in unusual if count)
        return (("Bars", f"{self.gate.seen:,}"), *self.books[MAIN].rows(), *ignored)


def _present(events: Iterable[Event | None]) -> list[Event]:
    return [event for event in events if event is not None]
