"""A desk that trades what two feeds bring, as a plugin in a single file that tests record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from hookbus import Event, Job, Plugin, PluginContext, Settings, Source, hookimpl
from pydantic import Field


class Quoted(Event, type="desk.quoted", key="symbol"):
    """What comes from outside."""

    symbol: str
    price: float


class Ordered(Event, type="desk.ordered", key="symbol"):
    """What a quote leads to."""

    symbol: str
    quantity: float
    at: datetime
    filled_before: int = 0


class Filled(Event, type="desk.filled", key="symbol"):
    """What an order leads to."""

    symbol: str
    paid: float


class Counted(Event, type="desk.counted"):
    """What the desk says by itself, every now and then."""

    quotes: int


class Told(Event, type="desk.told"):
    """What the world outside hears."""

    text: str = ""


class DeskSettings(Settings):
    """How the desk trades."""

    quotes: int = Field(40, description="quotes of each symbol")
    pause: float = Field(60.0, description="seconds between two of them")
    limit: float = Field(103.0, description="price from which on it buys")
    commission: float = Field(0.01, description="part of what is paid")
    broken: bool = Field(False, description="whether the feeds cannot be opened")
    chatty: bool = Field(False, description="whether the feeds tell something by a timer")
    counting: bool = Field(False, description="whether orders tell how many were filled before")
    slow: float = Field(0.0, description="seconds that every second order takes to be filled")


class Feeds(Plugin):
    """Brings quotes."""

    name = "feeds"
    Settings = DeskSettings

    @hookimpl
    def hookbus_events(self) -> Iterable[type[Event]]:
        """What it brings."""
        return Quoted, Told

    @hookimpl
    def hookbus_jobs(self) -> Iterable[Job]:
        """Tell something every ten minutes."""
        return (Job("tell", self.tell, every=600.0),) if self.settings.chatty else ()

    @hookimpl
    async def hookbus_ready(self, context: PluginContext) -> None:
        """Tell something that no source has brought."""
        await context.bus.publish(Told(text="ready"))

    async def tell(self) -> None:
        """Tell something by the timer."""
        await self.context.bus.publish(Told(text="time"))

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Have two sources, which publish at the same instants."""
        self.context = context
        if self.settings.broken:
            raise OSError("the exchange does not answer")
        context.start_source(self.feed_a, "a")
        context.start_source(self.feed_b, "b")

    async def feed_a(self, source: Source) -> None:
        """One symbol."""
        await self._feed("A", 1)

    async def feed_b(self, source: Source) -> None:
        """Two symbols, one right after the other."""
        await self._feed("BC", 2)

    async def _feed(self, symbols: str, step: int) -> None:
        for number in range(self.settings.quotes):
            await self.context.clock.sleep(self.settings.pause)
            for symbol in symbols:
                price = 100.0 + (number * step) % 7
                await self.context.bus.publish(Quoted(symbol=symbol, price=price))


class Desk(Plugin):
    """Orders, fills, and counts."""

    name = "desk"
    Settings = DeskSettings

    @hookimpl
    def hookbus_events(self) -> Iterable[type[Event]]:
        """What it publishes."""
        return Ordered, Filled, Counted

    @hookimpl
    def hookbus_jobs(self) -> Iterable[Job]:
        """Count every five minutes."""
        return (Job("count", self.count, every=300.0),)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen."""
        self.context = context
        self.quotes = self.orders = 0
        context.bus.subscribe("desk.quoted", self.order, delivery="lossless")
        context.bus.subscribe(Ordered, self.fill, delivery="lossless")

    async def count(self) -> None:
        """Say how many quotes came."""
        await self.context.bus.publish(Counted(quotes=self.quotes))

    async def order(self, quote: Quoted) -> None:
        """Buy what is dear."""
        self.quotes += 1
        if quote.price >= self.settings.limit:
            now = self.context.clock.now()
            filled = self.orders if self.settings.counting else 0
            quantity = quote.price - 100.0
            await self.context.bus.publish(
                Ordered(symbol=quote.symbol, quantity=quantity, at=now, filled_before=filled)
            )

    async def fill(self, order: Ordered) -> None:
        """Fill an order."""
        self.orders += 1
        if self.settings.slow and self.orders % 2:
            await asyncio.sleep(self.settings.slow)
        paid = round(order.quantity * (1 + self.settings.commission), 6)
        await self.context.bus.publish(Filled(symbol=order.symbol, paid=paid))


class Crier(Plugin):
    """Tells the world outside."""

    name = "crier"
    outward = True

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Write every fill into a file."""
        path = context.path("told.txt")

        def tell(fill: Filled) -> None:
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{fill.symbol} {fill.paid}\n")

        context.bus.subscribe("desk.filled", tell, mode="inline")
