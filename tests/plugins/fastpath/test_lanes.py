"""Ticks overtake refreshes, however many of them wait and whatever they wait for."""

from __future__ import annotations

import asyncio

from hookbus import Event
from hookbus.operational import BackpressureWarning, PluginFailed
from hookbus.testing import HostFactory, RecordingHost
from hookbus_fastpath import SymbolRefreshed
from hookbus_fastpath.lane import SLICE
from hookbus_trading.pipeline import TradesIngested
from hookbus_trading.runners import TickReceived

from tests.plugins.fastpath.makers import (
    ALPHA,
    BETA,
    burst,
    fastpath_of,
    host_of,
    ticks_of,
    trades,
)

HUNDRED_THOUSAND = 100_000


def refreshes_of(host: RecordingHost, runner: str = "alpha") -> list[SymbolRefreshed]:
    """The full refreshes that a runner got."""
    return [one for one in host.recorded.of(SymbolRefreshed) if one.runner == runner]


async def test_a_refresh_has_the_full_picture(host_factory: HostFactory) -> None:
    """Sums since the start, the newest price, and how old it is."""
    async with host_of(host_factory, ALPHA, refresh=60.0) as host:
        await burst(host, trades("BTC", 5.0, count=2, volume=1.5))
        await host.clock.sleep(20)
        await burst(host, trades("BTC", 6.0, count=3, volume=2.0))
        await host.clock.sleep(41)
        assert refreshes_of(host) == [
            SymbolRefreshed(
                runner="alpha",
                symbol="BTC",
                price=6.0,
                generation=2,
                trades=5,
                volume=3.5,
                age=40.0,
            )
        ]


async def test_what_did_not_change_is_not_refreshed_again(host_factory: HostFactory) -> None:
    """A quiet market costs nothing: no refresh, and no timer that makes simulated time crawl."""
    async with host_of(host_factory, ALPHA, BETA, refresh=60.0) as host:
        await burst(host, trades("ETH"))
        await host.clock.sleep(100_000)
        assert [len(refreshes_of(host, name)) for name in ("alpha", "beta")] == [1, 1]
        await burst(host, trades("ETH"))
        await host.clock.sleep(59)
        assert len(refreshes_of(host)) == 1
        await host.clock.sleep(2)
        assert [one.generation for one in refreshes_of(host)] == [1, 2]


async def test_refreshes_of_a_busy_symbol_keep_their_distance(host_factory: HostFactory) -> None:
    """A trade in every second of ten minutes makes ten refreshes, each of the newest trade."""
    async with host_of(host_factory, ALPHA, refresh=60.0) as host:
        for number in range(600):
            await burst(host, trades(price=number + 1.0))
            await host.clock.sleep(1)
        await host.clock.sleep(60)
        found = refreshes_of(host)
        assert len(found) == 10
        assert [one.generation for one in found] == [60 * n for n in range(1, 11)]


async def test_a_tick_overtakes_a_hundred_thousand_refreshes(host_factory: HostFactory) -> None:
    """Between the trade and its tick no more refreshes begin than there are workers."""
    names = [f"S{number}" for number in range(HUNDRED_THOUSAND)]
    async with host_of(host_factory, {"name": "alpha", "symbols": names}, refresh=60.0) as host:
        lane = fastpath_of(host).lanes[0]
        for start in range(0, HUNDRED_THOUSAND, 1_000):
            await burst(host, *(trades(name) for name in names[start : start + 1_000]))
        begun = lane.queue.stats().done
        waiting: list[int] = []

        def trade(_: Event) -> None:
            done = lane.queue.stats().done - begun
            if done == 0:
                waiting.append(lane.queue.stats().lanes["background"])
            if done in (2_000, 30_000, 60_000, 90_000):
                waiting.append(lane.queue.stats().lanes["background"])
                host.bus.publish_nowait(trades("S5", done + 2.0))

        host.bus.subscribe(SymbolRefreshed, trade, mode="inline")
        await host.clock.sleep(61)
        await host.settled()
        between = refreshes_between(host)
        first, *later = waiting
        assert first <= 2 * SLICE, "refreshes were queued without giving others a turn"
        assert len(between) == len(later) == 4
        assert later[0] > 95_000
        assert max(between) <= 2
        assert lane.latencies.worst == 0
        assert lane.queue.stats().balanced


def refreshes_between(host: RecordingHost) -> list[int]:
    """How many refreshes were published between each of the late trades and its tick."""
    counts = []
    count = 0
    for event in host.recorded.events:
        if isinstance(event, TradesIngested) and event.price > 1:
            count = 0
        elif isinstance(event, SymbolRefreshed):
            count += 1
        elif isinstance(event, TickReceived) and event.price > 1:
            counts.append(count)
    return counts


async def test_a_refresh_that_hangs_holds_up_no_tick(host_factory: HostFactory) -> None:
    """A consumer of refreshes that is full costs refreshes, and no tick a moment."""
    async with host_of(host_factory, ALPHA, refresh=1.0) as host:
        release = asyncio.Event()

        async def hang(_: SymbolRefreshed) -> None:
            await release.wait()

        host.bus.subscribe(SymbolRefreshed, hang, delivery="lossless", capacity=1)
        for number in range(1, 21):
            host.bus.publish_nowait(trades(price=float(number)))
            host.bus.publish_nowait(trades("ETH", float(number)))
            await host.clock.sleep(1)
        stats = fastpath_of(host).lanes[0].queue.stats()
        assert stats.running == 1
        assert [tick.updates for tick in ticks_of(host)] == [1] * 40
        assert fastpath_of(host).lanes[0].latencies.worst == 0
        release.set()


async def test_a_symbol_waits_once_in_each_lane(host_factory: HostFactory) -> None:
    """With both lanes as full as they get, no trade is refused, and a warning says so."""
    async with host_of(host_factory, ALPHA, refresh=1.0) as host:
        release = asyncio.Event()

        async def hang(_: Event) -> None:
            await release.wait()

        lane = fastpath_of(host).lanes[0]
        for cls in (SymbolRefreshed, TickReceived):
            host.bus.subscribe(cls, hang, delivery="lossless", capacity=1)
            for number in range(1, 21):
                for symbol in ("BTC", "ETH"):
                    host.bus.publish_nowait(trades(symbol, float(number)))
                await host.clock.sleep(0.4)
        assert lane.queue.stats().lanes == {"fast": 2, "background": 2}
        warnings = [one for one in host.recorded.of(BackpressureWarning) if "alpha" in one.name]
        assert [(one.name, one.size) for one in warnings] == [("fastpath.alpha", 4)]
        release.set()
        await host.settled()
        for symbol in ALPHA["symbols"]:
            ticks = [tick for tick in ticks_of(host) if tick.symbol == symbol]
            assert sum(tick.updates for tick in ticks) == 40
            assert ticks[-1].price == 20.0
        assert lane.queue.stats().rejected == 0


async def test_trades_and_refreshes_while_the_plugin_stops_fail_nothing(
    host_factory: HostFactory,
) -> None:
    """The queue is closed before the subscription: what comes between is counted as not told."""
    async with host_of(host_factory, ALPHA, refresh=1.0) as host:
        lane = fastpath_of(host).lanes[0]
        await lane.queue.drain(0)
        await burst(host, trades(), trades())
        await host.clock.sleep(5)
        assert (lane.updates, lane.told) == (2, 0)
        assert host.recorded.of(PluginFailed) == []
        assert "hookbus.handler.failed" not in host.recorded.types
