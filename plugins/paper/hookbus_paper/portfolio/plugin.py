"""The portfolio on the bus: fills and bars in, portfolio updates out."""

from hookbus import Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.flow import Bar, Fill

from hookbus_paper.portfolio.book import PortfolioBook
from hookbus_paper.portfolio.settings import PortfolioSettings

__all__ = ["PortfolioPlugin"]


class PortfolioPlugin(Plugin):
    """Keeps cash, positions, profit and drawdown, exact to the last digit."""

    name = "portfolio"
    requires = ("trading",)
    hook_api = 1
    Settings = PortfolioSettings

    def __init__(self, settings: PortfolioSettings) -> None:
        """Prepare an account with nothing but its starting cash."""
        super().__init__(settings)
        self._book = PortfolioBook(settings)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to fills and bars, in one subscription that keeps their order."""
        self._bus = context.bus
        context.bus.subscribe((Bar, Fill), self._on_event, name="fills", delivery="lossless")

    @hookimpl
    async def hookbus_ready(self, context: PluginContext) -> None:
        """Tell everybody what there is to start with."""
        await context.bus.publish(self._book.state())

    async def _on_event(self, event: Bar | Fill) -> None:
        book = self._book
        update = book.on_bar(event) if isinstance(event, Bar) else book.on_fill(event)
        if update is not None:
            await self._bus.publish(update)

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Round trips, return, drawdown and final equity."""
        return Summary("Portfolio", self._book.rows())
