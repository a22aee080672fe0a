"""A shop, as simple as a plugin can be: a wish leads to a purchase unless something stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal

from hookbus import (
    Breaker,
    Event,
    Job,
    Plugin,
    PluginContext,
    Retry,
    Settings,
    Source,
    Stops,
    WorkQueue,
    hookimpl,
)
from pydantic import Field


class Wished(Event, type="shop.wished", key="item"):
    """Somebody wants something."""

    item: str
    price: float = 1.0


class Bought(Event, type="shop.bought", key="item"):
    """It was bought."""

    item: str


class Refused(Event, type="shop.refused", key="item"):
    """It was not sold."""

    __stops__ = Stops(("shop.bought",), reason=("rule", "reason"))

    item: str
    rule: str
    reason: str


class Closed(Event, type="shop.closed"):
    """Nothing is sold until the shop opens."""

    __stops__ = Stops(("shop.*",), reason=("notice",), until=("shop.opened",))

    notice: str


class Opened(Event, type="shop.opened"):
    """It sells again."""


class Praised(Event, type="shop.praised", key="item"):
    """Somebody likes what was wished for; no event declares that this stops anything."""

    item: str


class Restocked(Event, type="shop.restocked", key="item"):
    """The shelves are full."""

    item: str


EVENTS = (Wished, Bought, Refused, Closed, Opened, Praised, Restocked)

Trick = Literal[
    "refuse", "praise", "fail", "hang", "crash", "swallow", "queue", "answer", "silence"
]


class ShopSettings(Settings):
    """How it subscribes, and what it does with a wish for the item `trick` instead of selling."""

    trick: Trick = Field("refuse", description="what it does instead")
    subscribe: dict[str, Any] = Field(default_factory=dict, description="options of subscribe")
    cheap: bool = Field(False, description="whether a function keeps out what is dear")
    breaker: bool = Field(False, description="whether a breaker guards the handler")
    attempts: int = Field(1, description="how often the handler is called with one event")


class Shop(Plugin):
    """Sells what is wished for."""

    name = "shop"
    Settings = ShopSettings
    settings: ShopSettings

    context: PluginContext
    open: bool = True
    queue: WorkQueue[str]

    @hookimpl
    def hookbus_events(self) -> Iterable[type[Event]]:
        """Its events."""
        return EVENTS

    @hookimpl
    def hookbus_jobs(self) -> Iterable[Job]:
        """It fills the shelves when it opens."""
        return (Job("restock", self._restock, on=Opened, overlap="skip"),)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to wishes."""
        self.context = context
        options = dict(self.settings.subscribe)
        if self.settings.cheap:
            options["where"] = is_cheap
        if self.settings.attempts > 1 or options.get("delivery") == "durable":
            options["retry"] = Retry(attempts=self.settings.attempts)
        if self.settings.breaker:
            options["breaker"] = Breaker(failures=1, reset_after=3600)
        context.bus.subscribe(Wished, self._sell, name="wishes", **options)
        context.bus.subscribe((Closed, Opened), self._on_door, name="door", mode="inline")
        self.queue = context.queue("orders", str, self._work, capacity=2, when_full="reject")

    def _on_door(self, event: Event) -> None:
        self.open = isinstance(event, Opened)

    async def _restock(self) -> None:
        await self.context.bus.publish(Restocked(item="trick"))
        await self.context.clock.sleep(30)

    async def _work(self, _: str) -> None:
        await self.context.clock.sleep(3600)

    async def _sell(self, wish: Wished) -> None:
        if wish.item != "trick":
            if self.open:
                await self.context.bus.publish(Bought(item=wish.item))
            return
        await getattr(self, f"_{self.settings.trick}")(wish)

    async def _refuse(self, wish: Wished) -> None:
        refused = Refused(item=wish.item, rule="stock", reason="0 of 1 are left")
        await self.context.bus.publish(refused)

    async def _praise(self, wish: Wished) -> None:
        await self.context.bus.publish(Praised(item=wish.item))

    async def _fail(self, _: Wished) -> None:
        raise OSError("the till is stuck")

    async def _hang(self, _: Wished) -> None:
        await self.context.clock.sleep(7200)

    async def _crash(self, _: Wished) -> None:
        async def end() -> None:
            raise RuntimeError("the roof came down")

        self.context.start_task(end(), "roof")

    async def _swallow(self, _: Wished) -> None:
        while True:
            try:
                await self.context.clock.sleep(7200)
            except asyncio.CancelledError:
                continue

    async def _queue(self, wish: Wished) -> None:
        for _ in range(4):
            await self.queue.put(wish.item)

    async def _answer(self, wish: Wished) -> None:
        await self.context.bus.publish(wish)

    async def _silence(self, _: Wished) -> None:
        return


def is_cheap(wish: Wished) -> bool:
    """A condition that no record can try."""
    return wish.price < 10


def street_of(*wishes: Wished) -> type[Plugin]:
    """A plugin with a source of wishes."""

    class Street(Plugin):
        """Wishes come from here."""

        name = "street"

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            """Start the source."""
            self._context = context
            context.start_source(self._walk, "people")

        async def _walk(self, _: Source) -> None:
            for wish in wishes:
                await self._context.bus.publish(wish)

    return Street


Act = Callable[[Any], Awaitable[None]]
"""What a test does with a running host."""
