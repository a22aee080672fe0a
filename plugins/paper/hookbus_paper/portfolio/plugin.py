"""The portfolio on the bus: fills and bars in, trades and portfolio updates out."""

from collections.abc import Iterable

from hookbus import Event, Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.flow import Bar, Fill, TradingSignal

from hookbus_paper.books import MAIN
from hookbus_paper.portfolio.library import Library
from hookbus_paper.portfolio.settings import PortfolioSettings

__all__ = ["PortfolioPlugin"]


class PortfolioPlugin(Plugin):
    """Keeps the cash, positions, profit and drawdown of every book, exact to the last digit."""

    name = "portfolio"
    requires = ("trading",)
    after = ("execution", "risk")
    hook_api = 1
    Settings = PortfolioSettings

    def __init__(self, settings: PortfolioSettings) -> None:
        """Prepare an account with nothing but its starting cash."""
        super().__init__(settings)
        self._library = Library(settings)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to fills and bars, and to signals before the risk check sees them."""
        self._bus = bus = context.bus
        context.provide(Library, self._library)
        bus.subscribe(Bar, self._on_bar, name="bars", mode="inline")
        bus.subscribe(Fill, self._on_fill, name="fills", mode="inline")
        bus.subscribe(TradingSignal, self._on_signal, name="signals", mode="inline")

    @hookimpl
    async def hookbus_ready(self, context: PluginContext) -> None:
        """Tell everybody what there is to start with."""
        await context.bus.publish(self._library.book(MAIN).state())

    def _on_bar(self, bar: Bar) -> None:
        events = self._library.on_bar(bar)
        if events:
            self._tell(events)

    def _on_fill(self, fill: Fill) -> None:
        self._tell(self._library.on_fill(fill))

    def _on_signal(self, signal: TradingSignal) -> None:
        self._tell(self._library.on_signal(signal))

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self._bus.publish_forced(event)

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Tell the final state of every book."""
        for book in self._library.books.values():
            update = book.untold()
            if update is not None:
                await context.bus.publish(update)

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Round trips, return, drawdown and final equity; of other books, their return."""
        library = self._library
        main = library.books[MAIN]
        others = (
            (f"{name}: trades, return", f"{book.account.trips.closed:,}, {book.total_return:+.2%}")
            for name, book in library.books.items()
            if book is not main
        )
        return Summary("Portfolio", (*library.rows(), *others))
