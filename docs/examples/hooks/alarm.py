"""A plugin that implements every hook: it replays prices and says when one crosses a limit.

hookbus run --plugin alarm.py --set clock.mode=simulated
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from hookbus import (
    Event,
    HealthCheck,
    HealthReport,
    Job,
    Plugin,
    PluginContext,
    Settings,
    Source,
    Summary,
    hookimpl,
)
from pydantic import Field

FIRST = datetime(2024, 3, 30, 22, tzinfo=UTC)
PRICES = (97.0, 99.0, 101.0, 103.0, 102.0, 98.0, 99.5, 100.5)


class Price(Event, type="alarm.price", key="symbol", high_frequency=True):
    """A price was seen."""

    symbol: str = Field(description="name of the instrument")
    price: float = Field(gt=0, description="in the quote currency")


class LimitCrossed(Event, type="alarm.limit-crossed", key="symbol", critical=True):
    """A price went from below the limit to above it."""

    symbol: str = Field(description="name of the instrument")
    price: float = Field(gt=0, description="the first price above the limit")


class AlarmOpened(Event, type="alarm.opened"):
    """The alarm is listening."""

    limit: float = Field(description="the limit, in the quote currency")


class LastPrices(Protocol):
    """The contract of a service: what other plugins may ask of this one."""

    def last_price(self, symbol: str) -> float | None:
        """The last price of a symbol, None before the first."""


class AlarmSettings(Settings):
    """Which limit to watch."""

    limit: float = Field(100.0, gt=0, description="the limit, in the quote currency")


class Alarm(Plugin):
    """Says when a price crosses a limit."""

    name = "alarm"
    Settings = AlarmSettings

    def __init__(self, settings: AlarmSettings) -> None:
        super().__init__(settings)
        self.last: dict[str, float] = {}
        self.crossed: list[LimitCrossed] = []
        self.reports = 0

    @hookimpl
    def hookbus_events(self):
        return (Price, LimitCrossed, AlarmOpened)

    @hookimpl
    def hookbus_jobs(self):
        return (Job("report", self.report, cron="30 2 * * *", timezone="Europe/Berlin"),)

    @hookimpl
    def hookbus_health(self):
        return (HealthCheck("prices", self.check_prices),)

    @hookimpl
    def hookbus_simulation_start(self):
        return FIRST

    @hookimpl
    async def hookbus_start(self, context: PluginContext):
        self.bus, self.clock, self.log = context.bus, context.clock, context.log
        context.exit_stack.callback(self.save, context.state_dir / "alarms.txt")
        context.bus.subscribe(Price, self.on_price, delivery="lossless")
        context.provide(LastPrices, self)
        context.answer("crossings", self.count_crossings)
        context.start_source(self.replay, "prices")

    @hookimpl
    async def hookbus_ready(self, context: PluginContext):
        await context.bus.publish(AlarmOpened(limit=self.settings.limit))

    @hookimpl
    async def hookbus_stop(self, context: PluginContext):
        context.log.info("alarms written", count=len(self.crossed))

    @hookimpl
    def hookbus_summary(self):
        rows = (("Limit crossed", f"{len(self.crossed)} times"), ("Reports", f"{self.reports}"))
        return Summary(title="Alarm", rows=rows)

    def last_price(self, symbol: str) -> float | None:
        return self.last.get(symbol)

    def check_prices(self) -> HealthReport:
        if self.last:
            return HealthReport(metrics={"symbols": len(self.last)})
        return HealthReport("degraded", "no price has been seen yet")

    async def replay(self, source: Source) -> None:
        for number, price in enumerate(PRICES):
            await self.clock.sleep_until(_nanoseconds(FIRST + timedelta(hours=number)))
            await self.bus.publish(Price(symbol="BTC", price=price))
            source.progress(number + 1, len(PRICES), "BTC")

    async def on_price(self, event: Price) -> None:
        before = self.last.get(event.symbol, event.price)
        self.last[event.symbol] = event.price
        if before <= self.settings.limit < event.price:
            self.crossed.append(LimitCrossed(symbol=event.symbol, price=event.price))
            await self.bus.publish(self.crossed[-1])

    async def count_crossings(self, symbol: str) -> int:
        return sum(one.symbol == symbol for one in self.crossed)

    def save(self, path: Path) -> None:
        path.write_text("".join(f"{one.symbol} {one.price}\n" for one in self.crossed))

    async def report(self) -> None:
        self.reports += 1
        self.log.info("report", prices=dict(self.last))


def _nanoseconds(instant: datetime) -> int:
    return int(instant.timestamp()) * 1_000_000_000
