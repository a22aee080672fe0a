"""The fast path in a host: one tick for many trades, to the runners that want it, by flag."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus import Envelope, Event
from hookbus.operational import HandlerFailed
from hookbus.testing import HostFactory, RecordingHost
from hookbus_trading.pipeline import TradesIngested
from hookbus_trading.runners import TickReceived
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.fastpath.makers import (
    ALPHA,
    BETA,
    burst,
    fastpath_of,
    host_of,
    rows_of,
    ticks_of,
    trades,
    turns,
)

WANTED = (TradesIngested, TickReceived)
"""The events on the way from a trade to its tick."""


async def test_many_trades_at_once_are_one_tick(host_factory: HostFactory) -> None:
    """The tick has the latest price, all of the volume, and says how many updates it stands for."""
    async with host_of(host_factory, ALPHA) as host:
        await burst(host, *(trades(price=float(n), volume=0.5) for n in range(1, 1001)))
        expected = TickReceived(
            runner="alpha", symbol="BTC", price=1000.0, volume=500.0, generation=1000, updates=1000
        )
        assert ticks_of(host) == [expected]


async def test_single_trades_are_single_ticks(host_factory: HostFactory) -> None:
    """When the system keeps up, nothing is coalesced."""
    async with host_of(host_factory, ALPHA) as host:
        for price in (1.0, 2.0, 3.0):
            await burst(host, trades(price=price))
        ticks = ticks_of(host)
        assert [(tick.price, tick.generation, tick.updates) for tick in ticks] == [
            (1.0, 1, 1),
            (2.0, 2, 1),
            (3.0, 3, 1),
        ]


async def test_symbols_are_counted_apart(host_factory: HostFactory) -> None:
    """Each symbol has a generation of its own, and its first trade decides whose turn is first."""
    async with host_of(host_factory, ALPHA) as host:
        await burst(host, trades("ETH"), trades("BTC"), trades("ETH", 5.0), trades("ETH", 6.0))
        assert [(tick.symbol, tick.price, tick.updates) for tick in ticks_of(host)] == [
            ("ETH", 6.0, 3),
            ("BTC", 1.0, 1),
        ]


async def test_every_runner_gets_a_tick_of_its_symbols(host_factory: HostFactory) -> None:
    """One tick for each runner that gets the symbol, and none for the others."""
    async with host_of(host_factory, ALPHA, BETA) as host:
        await burst(host, trades("BTC"), trades("ETH"), trades("ETH"))
        assert [(tick.symbol, tick.updates) for tick in ticks_of(host)] == [("BTC", 1), ("ETH", 2)]
        assert [(tick.symbol, tick.updates) for tick in ticks_of(host, "beta")] == [("ETH", 2)]


async def test_a_tick_names_the_first_of_its_trades_as_its_cause(
    host_factory: HostFactory,
) -> None:
    """The chain of causes leads to the event that set the tick going."""
    async with host_of(host_factory, ALPHA) as host:
        await burst(host, trades("BTC"), trades("BTC", 2.0))
        first, _, tick = (one for one in host.recorded.envelopes if isinstance(one.event, WANTED))
        assert (tick.causation_id, tick.source, tick.key) == (first.id, "fastpath", "alpha")


async def test_off_leaves_the_trades_to_their_consumers(host_factory: HostFactory) -> None:
    """No tick, no queue, no subscription: consumers work from the trades as without the plugin."""
    async with host_of(host_factory, ALPHA, mode="off", refresh=1.0) as host:
        heard: list[Event] = []
        host.bus.subscribe(TradesIngested, heard.append, mode="inline")
        await burst(host, trades(), trades())
        await host.clock.sleep(5)
        assert len(heard) == 2
        assert host.recorded.types.count("runner.tick") == 0
        assert fastpath_of(host).lanes == ()
        assert fastpath_of(host).hookbus_summary() is None
        mine = [one for one in host.event_bus.subscriptions if one.plugin == "fastpath"]
        assert mine == []


@pytest.mark.parametrize("mode", ["off", "shadow", "on"])
async def test_consumers_of_trades_hear_them_all_in_every_mode(
    host_factory: HostFactory, mode: str
) -> None:
    """The fast path takes nothing away from anybody."""
    async with host_of(host_factory, ALPHA, mode=mode) as host:
        heard: list[TradesIngested] = []

        async def consume(event: TradesIngested) -> None:
            heard.append(event)

        host.bus.subscribe(TradesIngested, consume)
        events = [trades(price=float(n)) for n in range(1, 51)]
        await burst(host, *events)
        assert heard == events


async def test_shadow_counts_what_it_would_have_published(host_factory: HostFactory) -> None:
    """Nothing is published, and the summary has the figures that `on` would have had."""
    figures = []
    for mode in ("shadow", "on"):
        async with host_of(host_factory, ALPHA, mode=mode, refresh=1.0) as host:
            await burst(host, trades(), trades(), trades("ETH"))
            await host.clock.sleep(2)
            await host.settled()
            lane = fastpath_of(host).lanes[0]
            figures.append((lane.ticks, lane.told, lane.refreshes))
            published = set(host.recorded.types) & {"runner.tick", "fastpath.symbol_refreshed"}
            assert bool(published) is (mode == "on")
    assert figures == [(2, 3, 2)] * 2


async def test_one_runner_can_be_held_back(host_factory: HostFactory) -> None:
    """Runners go over to ticks one by one: alpha has them, beta only counts, gamma has no part."""
    beta, gamma = {**BETA, "mode": "shadow"}, {**BETA, "name": "gamma", "mode": "off"}
    async with host_of(host_factory, ALPHA, beta, gamma) as host:
        await burst(host, trades("ETH"), trades("ETH"))
        assert {tick.runner for tick in host.recorded.of(TickReceived)} == {"alpha"}
        rows = rows_of(host)
        assert rows["Runner alpha"] == "1 tick for 2 updates"
        assert rows["Runner beta"] == "would have had 1 tick for 2 updates"
        assert "Runner gamma" not in rows


async def test_trades_of_unknown_symbols_are_counted(host_factory: HostFactory) -> None:
    """They reach no runner, and the summary says how many there were and of which symbols."""
    async with host_of(host_factory, ALPHA) as host:
        await burst(host, trades("XRP"), trades("BTC"), trades("DOGE"), trades("XRP"))
        rows = rows_of(host)
        assert rows["Triggers"] == "4"
        assert rows["Trades of symbols that no runner gets"] == "3 (XRP, DOGE)"
        assert rows["Symbols without trades"] == "1 (ETH)"
        assert len(ticks_of(host)) == 1


async def test_unknown_symbols_need_little_memory(host_factory: HostFactory) -> None:
    """A feed that makes up symbols is counted under a hundred names and one for the rest."""
    async with host_of(host_factory, ALPHA) as host:
        await burst(host, *(trades(f"S{number}") for number in range(500)))
        assert rows_of(host)["Trades of symbols that no runner gets"].startswith("500 (others, S0,")


async def test_a_slow_runner_is_told_less_often_and_delays_nobody(
    host_factory: HostFactory,
) -> None:
    """While a lossless consumer is full its trades add up; the other runner gets every tick."""
    slow = {"name": "slow", "symbols": ["BTC", "ETH"]}
    async with host_of(host_factory, ALPHA, slow) as host:
        got: list[TickReceived] = []

        async def consume(tick: TickReceived) -> None:
            await host.clock.sleep(10)
            got.append(tick)

        host.bus.subscribe(
            TickReceived, consume, where="runner == 'slow'", delivery="lossless", capacity=1
        )
        for number in range(1, 101):
            host.bus.publish_nowait(trades(("BTC", "ETH")[number % 2], float(number)))
            await host.clock.sleep(0.5)
        await host.settled()
        assert [tick.updates for tick in ticks_of(host)] == [1] * 100
        assert len(got) < 15
        assert sum(tick.updates for tick in got) == 100
        assert max(tick.price for tick in got) == 100.0
        assert fastpath_of(host).lanes[0].latencies.worst == 0
        assert fastpath_of(host).lanes[1].latencies.worst > 9_000_000_000


async def test_what_comes_while_a_tick_waits_for_room_is_one_tick(
    host_factory: HostFactory,
) -> None:
    """One tick of a runner is on its way at a time; the next is made when that one has arrived."""
    async with host_of(host_factory, ALPHA) as host:
        release = asyncio.Event()

        async def hold(_: TickReceived) -> None:
            await release.wait()

        host.bus.subscribe(TickReceived, hold, delivery="lossless", capacity=1)
        for price in range(1, 11):
            host.bus.publish_nowait(trades(price=float(price)))
            await turns()
        release.set()
        await host.settled()
        ticks = ticks_of(host)
        assert [(tick.updates, tick.price) for tick in ticks] == [
            (1, 1.0),
            (1, 2.0),
            (1, 3.0),
            (7, 10.0),
        ]


async def test_what_cannot_be_told_any_more_is_counted(host_factory: HostFactory) -> None:
    """A run that ends while a runner is stuck says how many updates it has not been told of."""
    async with host_of(host_factory, ALPHA) as host:

        async def hang(_: TickReceived) -> None:
            await asyncio.Event().wait()

        host.bus.subscribe(TickReceived, hang, delivery="lossless", capacity=1)
        for price in range(1, 9):
            host.bus.publish_nowait(trades(price=float(price)))
            await turns()
        await host.stop()
    rows = rows_of(host)
    told = sum(tick.updates for tick in ticks_of(host))
    assert told < 8
    assert rows["Updates not told"] == str(8 - told)
    assert host.recorded.of(HandlerFailed) == []


async def test_the_summary_tells_triggers_ticks_and_latency(host_factory: HostFactory) -> None:
    """A reader sees how much was coalesced, and how long ticks took."""
    async with host_of(host_factory, ALPHA, BETA) as host:
        await burst(host, *(trades() for _ in range(1_000)), trades("ETH"))
        assert rows_of(host) == {
            "Mode": "on",
            "Triggers": "1,001",
            "Ticks": "3 ticks for 1,002 updates (999 coalesced)",
            "Refreshes": "0",
            "Latency": "p50 0.0 µs, p99 0.0 µs, longest 0.0 µs",
            "Runner alpha": "2 ticks for 1,001 updates",
            "Runner beta": "1 tick for 1 update",
        }


SYMBOLS = st.sampled_from(["BTC", "ETH", "XRP"])
STEPS = st.lists(
    st.one_of(st.tuples(st.just("trades"), SYMBOLS), st.tuples(st.just("turns"), st.integers(1, 6)))
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_every_interleaving_adds_up(
    host_factory: HostFactory,
    simulated_loop: asyncio.AbstractEventLoop,
    steps: list[tuple[str, Any]],
) -> None:
    """However trades and workers take turns: nothing lost, order per symbol, the latest wins."""

    async def run() -> None:
        async with host_of(host_factory, ALPHA, BETA) as host:
            sent = await play(host, steps)
            await host.settled()
            for runner in (ALPHA, BETA):
                for symbol in runner["symbols"]:
                    check(ticks_of(host, str(runner["name"])), str(symbol), sent)

    simulated_loop.run_until_complete(run())


async def play(host: RecordingHost, steps: list[tuple[str, Any]]) -> list[TradesIngested]:
    """Publish trades with turns of the loop between them; what was published."""
    sent: list[TradesIngested] = []
    for kind, value in steps:
        if kind == "turns":
            await turns(value)
        else:
            sent.append(trades(value, float(len(sent) + 1), volume=1.0))
            host.bus.publish_nowait(sent[-1])
    return sent


def check(ticks: list[TickReceived], symbol: str, sent: list[TradesIngested]) -> None:
    """The ticks of a symbol stand for all of its trades, each for those since the one before."""
    prices = [event.price for event in sent if event.symbol == symbol]
    generation = 0
    for tick in (tick for tick in ticks if tick.symbol == symbol):
        generation += tick.updates
        assert tick.generation == generation
        assert tick.price == prices[generation - 1]
        assert tick.volume == tick.updates
    assert generation == len(prices)


async def test_the_same_trades_give_the_same_run(host_factory: HostFactory) -> None:
    """Under the simulated clock two runs have the same events with the same ids and times."""
    runs: list[list[Any]] = []
    for _ in range(2):
        async with host_of(host_factory, ALPHA, BETA, refresh=30.0) as host:
            start = host.clock.now()
            for number in range(50):
                host.bus.publish_nowait(trades(("BTC", "ETH")[number % 2], number + 1.0))
                await host.clock.sleep(number % 7)
            await host.settled()
            runs.append([_without_start(one, start) for one in host.recorded.envelopes])
    assert runs[0] == runs[1]
    assert len(runs[0]) > 100


def _without_start(envelope: Envelope, start: Any) -> tuple[Any, ...]:
    since = (envelope.time - start).total_seconds()
    return (since, envelope.id, envelope.causation_id, envelope.event.model_dump_json())
