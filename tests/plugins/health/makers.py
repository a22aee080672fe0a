"""Events for the tests of the health plugin."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hookbus import Job, Plugin, PluginContext, hookimpl
from hookbus.testing import HostFactory, RecordingHost
from hookbus_health import HealthPlugin
from hookbus_trading import Bar, HealthStatusChanged, PortfolioUpdated, TickReceived
from hookbus_trading.plugin import TradingPlugin

TIME = datetime(2024, 1, 1, tzinfo=UTC)


def bar(symbol: str = "BTC", interval: float | None = 60.0) -> Bar:
    """A bar in which nothing moves."""
    return Bar(symbol=symbol, time=TIME, open=1, high=1, low=1, close=1, interval_seconds=interval)


def tick(symbol: str = "BTC") -> TickReceived:
    """A tick of a runner."""
    return TickReceived(runner="r", symbol=symbol, price=1.0)


def portfolio(equity: str, book: str = "main") -> PortfolioUpdated:
    """A portfolio with so much equity."""
    return PortfolioUpdated(book=book, cash=Decimal(equity), equity=Decimal(equity))


def make_host(
    host_factory: HostFactory, *others: type[Plugin], **settings: object
) -> RecordingHost:
    """A host of the health plugin with these settings, the vocabulary and others."""
    plugins: list[type[Plugin]] = [HealthPlugin, TradingPlugin, *others]
    return host_factory(*plugins, settings={"health": settings})


def told(host: RecordingHost, component: str | None = None) -> list[tuple[str, str]]:
    """The changes that were published, of one component or of all: which, and what it became."""
    changes = host.recorded.of(HealthStatusChanged)
    return [(one.component, one.status) for one in changes if component in (None, one.component)]


class Failing(Plugin):
    """Has a job that fails whenever it is run."""

    name = "failing"

    @hookimpl
    def hookbus_jobs(self) -> tuple[Job, ...]:
        """Name it."""
        return (Job("work", self.work, every=1.0),)

    def work(self) -> None:
        """Fail."""
        raise RuntimeError("no luck")


class Mortal(Plugin):
    """A task of it dies after a minute."""

    name = "mortal"

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Start the task."""
        context.start_task(self.die(context), "life")

    async def die(self, context: PluginContext) -> None:
        """Die."""
        await context.clock.sleep(60)
        raise RuntimeError("old age")


class Unborn(Plugin):
    """Cannot be started."""

    name = "unborn"

    @hookimpl
    def hookbus_start(self) -> None:
        """Fail."""
        raise RuntimeError("no database")
