"""The fast lane: from a trade to the tick of its runner, idle and over a full background lane."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hookbus import Host, SystemClock, WorkQueue
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.settings.config import make_config
from hookbus_fastpath.lane import Work
from hookbus_fastpath.plugin import FastpathPlugin
from hookbus_trading.pipeline import TradesIngested
from hookbus_trading.plugin import TradingPlugin
from hookbus_trading.runners import TickReceived

BACKGROUND = 100_000
"""Refreshes that wait in the background lane while the loaded host is measured."""

MARGIN = 5_000
"""Refreshes that may be done while the others are still being queued."""

SLICE = 64
"""Refreshes that are queued in one turn of the event loop."""

HOT = "HOT"
PAUSE = 0.001
"""Seconds between two trades that are measured."""

MOST = 3.0
"""How many times the p99 of an idle host that of a loaded one may be."""


@dataclass(frozen=True)
class Delay:
    """How long one tick took, in seconds: on the wall, and of this thread's time on the CPU."""

    wall: float
    cpu: float


Round = list[Delay]


class Probe:
    """Publishes single trades and notes how long their ticks take to reach a consumer."""

    def __init__(self, host: Host) -> None:
        self._bus = host.bus
        self._sent = (0.0, 0.0)
        self._got: asyncio.Future[Delay]
        self._bus.subscribe(TickReceived, self._consume, where=f"symbol == '{HOT}'")

    async def _consume(self, _: TickReceived) -> None:
        wall, cpu = self._sent
        self._got.set_result(Delay(time.perf_counter() - wall, time.thread_time() - cpu))

    async def measure(self, count: int) -> Round:
        """Measure so many ticks, one after the other."""
        delays = []
        for number in range(count):
            await asyncio.sleep(PAUSE)
            self._got = asyncio.get_running_loop().create_future()
            event = _trades(HOT, number)
            self._sent = (time.perf_counter(), time.thread_time())
            await self._bus.publish(event)
            delays.append(await self._got)
        return delays


def measure(quick: bool = False) -> dict[str, Any]:
    """Latency of the fast lane on one host of the system's clock, in microseconds.

    `idle` and `loaded` have p50 and p99, medians over the rounds, on the wall and in CPU time;
    `ratio_p99` is that of the loaded host over that of the idle one on the wall, and
    `ratio_cpu_p99` in CPU time, which has no share of what other programs do to a host that is
    always busy. `most` is what they may be. At least `waiting` refreshes waited when a loaded round
    began, and `left` when it had ended.
    """
    return run(_measure(quick), SystemClock())


async def _measure(quick: bool) -> dict[str, Any]:
    symbols = [f"S{number}" for number in range(BACKGROUND + MARGIN)]
    rounds, count = (2, 500) if quick else (5, 1_000)
    idle: list[Round] = []
    loaded: list[Round] = []
    waiting, left = [], []
    async with _make_host([HOT, *symbols]) as host:
        probe = Probe(host)
        for number, symbol in enumerate(symbols):
            await host.bus.publish(_trades(symbol, number))
        await host.settled()
        for _ in range(rounds):
            idle.append(await probe.measure(count))
            waiting.append(await _fill_background(host, symbols))
            loaded.append(await probe.measure(count))
            left.append(_queue(host).stats().lanes["background"])
            await host.settled()
    return {**_report(idle, loaded), "waiting": min(waiting), "left": min(left)}


def _make_host(symbols: Sequence[str]) -> Host:
    runner = {"name": "bench", "symbols": symbols}
    settings = {"mode": "on", "refresh": 0, "runners": [runner]}
    config = make_config({"plugins": {"fastpath": settings}})
    plugins = (TradingPlugin, FastpathPlugin)
    return Host(config, plugins=plugins, group=None, log=make_logger("error"))


async def _fill_background(host: Host, symbols: Sequence[str]) -> int:
    """Queue a refresh of each symbol; how many wait then."""
    queue = _queue(host)
    for number, symbol in enumerate(symbols, 1):
        queue.put_nowait(Work(symbol, refresh=True), "background")
        if number % SLICE == 0:
            await asyncio.sleep(0)
    return queue.stats().lanes["background"]


def _queue(host: Host) -> WorkQueue[Work]:
    plugin = host.records["fastpath"].instance
    assert isinstance(plugin, FastpathPlugin)
    return plugin.lanes[0].queue


def _trades(symbol: str, number: int) -> TradesIngested:
    return TradesIngested(symbol=symbol, count=1, price=number + 1.0, source="bench")


def _report(idle: list[Round], loaded: list[Round]) -> dict[str, Any]:
    found = {"idle": _figures(idle), "loaded": _figures(loaded)}
    ratios = {
        f"ratio_{key}": found["loaded"][key] / found["idle"][key] for key in ("p99", "cpu_p99")
    }
    return {**found, **ratios, "most": MOST}


def _figures(rounds: list[Round]) -> dict[str, float]:
    figures = {}
    for percent in (50, 99):
        walls = [_percentile([one.wall for one in each], percent) for each in rounds]
        cpus = [_percentile([one.cpu for one in each], percent) for each in rounds]
        figures[f"p{percent}"] = statistics.median(walls) * 1e6
        figures[f"cpu_p{percent}"] = statistics.median(cpus) * 1e6
    return figures


def _percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
