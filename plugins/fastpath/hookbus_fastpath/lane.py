"""One runner's way: from its trades over its work queue to its ticks and refreshes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hookbus import BusClosed, PluginContext
from hookbus_trading.pipeline import TradesIngested
from hookbus_trading.runners import TickReceived

from hookbus_fastpath.coalescing import Picture
from hookbus_fastpath.events import SymbolRefreshed
from hookbus_fastpath.latency import Latencies

__all__ = ["RunnerLane", "Work"]

SLICE = 64
"""Refreshes that are queued before others get their turn on the event loop."""

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Work:
    """Something to do for one symbol: tell what is new, or refresh the full picture."""

    symbol: str
    refresh: bool = False


class RunnerLane:
    """Tells one runner of its symbols; at most one item per symbol waits in each lane of its queue.

    The queue has two workers, one of them for ticks only, and room for every symbol in both lanes,
    so that a tick always finds room and never waits for a refresh. What comes while a symbol waits
    is told along with it. `publishes` is False in shadow mode, where ticks and refreshes are only
    counted.

    `updates` counts the trades events that the runner was to hear of, `told` those that its `ticks`
    stand for, `latencies` the time from the first update of a tick until it was published.
    """

    def __init__(
        self, context: PluginContext, name: str, symbols: Sequence[str], *, publishes: bool
    ) -> None:
        self.name = name
        self.publishes = publishes
        self.updates = self.told = self.ticks = self.refreshes = 0
        self.latencies = Latencies()
        self._bus = context.bus
        self._clock = context.clock
        self._pictures = {symbol: Picture() for symbol in symbols}
        self._turn = asyncio.Lock()
        self._stale: dict[str, None] = {}
        self._refreshing: set[str] = set()
        self._any_stale = asyncio.Event()
        self.queue = context.queue(
            name,
            Work,
            self._do,
            workers=2,
            fast_workers=1,
            capacity=3 * len(symbols),
            reserve=1 / 3,
        )

    @property
    def silent(self) -> tuple[str, ...]:
        """The symbols that have had no trades."""
        return tuple(name for name, picture in self._pictures.items() if picture.latest is None)

    def note(self, trades: TradesIngested) -> None:
        """Note an update of one of the symbols, and see to it that it is told."""
        symbol = trades.symbol
        self.updates += 1
        if self._pictures[symbol].note(trades, self._clock.now_ns()):
            self._queue(Work(symbol), "fast")
        if symbol not in self._refreshing:
            self._stale[symbol] = None
            self._any_stale.set()

    def _queue(self, work: Work, lane: str) -> bool:
        try:
            self.queue.put_nowait(work, lane)
        except BusClosed:  # the plugin is being stopped; the summary says what was not told
            return False
        return True

    async def refresh(self, seconds: float) -> None:
        """Queue full refreshes, each `seconds` after the first trade that it is to tell of."""
        while True:
            await self._any_stale.wait()
            await self._clock.sleep(seconds)
            self._any_stale.clear()
            stale, self._stale = self._stale, {}
            for number, symbol in enumerate(stale, 1):
                self._refreshing.add(symbol)
                if not self._queue(Work(symbol, refresh=True), "background"):
                    return
                if number % SLICE == 0:
                    await asyncio.sleep(0)

    async def _do(self, work: Work) -> None:
        if work.refresh:
            await self._refresh(work.symbol)
        else:
            async with self._turn:
                await self._tell(work.symbol)

    async def _tell(self, symbol: str) -> None:
        pending = self._pictures[symbol].take()
        if pending is None:
            return
        if self.publishes:
            tick = TickReceived(
                runner=self.name,
                symbol=symbol,
                price=pending.latest.price,
                volume=pending.volume,
                generation=pending.generation,
                updates=pending.updates,
                time=pending.latest.time,
            )
            await self._bus.publish(tick)
        self.ticks += 1
        self.told += pending.updates
        self.latencies.add(self._clock.now_ns() - pending.since_ns)

    async def _refresh(self, symbol: str) -> None:
        self._refreshing.discard(symbol)
        picture = self._pictures[symbol]
        if picture.latest is None:
            return
        if self.publishes:
            refreshed = SymbolRefreshed(
                runner=self.name,
                symbol=symbol,
                price=picture.latest.price,
                generation=picture.generation,
                trades=picture.trades,
                volume=picture.volume,
                age=max(0, self._clock.now_ns() - picture.latest_ns) / SECOND,
                time=picture.latest.time,
            )
            await self._bus.publish(refreshed)
        self.refreshes += 1
