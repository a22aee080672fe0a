"""hookbus as a contender: its default settings, with envelopes, causality, isolation and ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import structlog
from hookbus.bus.eventbus import EventBus
from hookbus.bus.voice import Bus
from hookbus.clock import SystemClock

from .contenders import Contender
from .workload import Handler, Tick


class Hookbus(Contender):
    """Best-effort subscriptions with the default capacity, fed by `await bus.publish(event)`."""

    name = "hookbus"
    package = "hookbus"
    delivery = "best-effort"

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Subscribe each handler by the class of the event and let its task start."""
        self._host_bus = EventBus(SystemClock(), structlog.get_logger())
        self._bus = Bus(self._host_bus, "bench")
        mode = "inline" if self.kind == "inline" else None
        for number, handler in enumerate(handlers):
            self._bus.subscribe(
                Tick, handler, name=f"handler-{number}", mode=mode, delivery=self.delivery
            )
        await asyncio.sleep(0)

    async def publish(self, events: Iterable[Tick]) -> None:
        """Publish each event."""
        publish = self._bus.publish
        for event in events:
            await publish(event)

    async def close(self) -> None:
        """Look at the books, then close the bus and let its tasks end."""
        report = self._host_bus.ledger.report()
        if report.discrepancies:
            raise RuntimeError(report.line())
        self._host_bus.close()
        await asyncio.sleep(0)


class HookbusNowait(Hookbus):
    """The same, fed by `bus.publish_nowait(event)`."""

    name = "hookbus nowait"

    async def publish(self, events: Iterable[Tick]) -> None:
        """Publish each event without a coroutine."""
        publish_nowait = self._bus.publish_nowait
        for event in events:
            publish_nowait(event)


class HookbusLossless(Hookbus):
    """Lossless subscriptions, for which a publisher waits."""

    name = "hookbus lossless"
    delivery = "lossless"
