"""A busy scenario whose every event is printed as JSON: the same bytes in every run."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from hookbus.bus.delivery import Breaker, Retry
from hookbus.bus.eventbus import EventBus
from hookbus.bus.voice import Bus
from hookbus.clock import SimulatedClock
from hookbus.loop import run

from tests.host.bussing import Alarm, Log, Market, Note, Order, Tick

SYMBOLS = {"BTC", "ETH", "SOL", "ADA", "DOT"}


async def feed(bus: Bus, clock: SimulatedClock, symbol: str) -> None:
    """Publish at instants that several feeds share."""
    for number in range(40):
        await clock.sleep_until((1 + number % 7 + number) * 1_000_000_000)
        await bus.publish((Tick, Tick, Order, Alarm)[number % 4](symbol=symbol, number=number))


def wire(events: EventBus) -> None:
    """Subscribe in every way there is."""
    bus = Bus(events, "worker")

    async def answer(tick: Tick) -> None:
        await asyncio.sleep(0.3)
        await bus.publish(Note(text=f"{tick.symbol} {tick.number}"))
        if tick.number % 5 == 0:
            raise ValueError(f"{sorted({'a', 'b', 'c'})} {tick.number}")

    async def batch(orders: list[Order]) -> None:
        await asyncio.sleep(0.7)
        await bus.publish(Note(text=",".join(order.symbol for order in orders)))

    async def slow(_: Any) -> None:
        await asyncio.sleep(2)

    async def far_too_slow(_: Any) -> None:
        await asyncio.sleep(50)

    def thread(alarm: Alarm) -> None:
        bus.publish_nowait(Note(text=f"alarm {alarm.number}"))

    bus.subscribe(Tick, answer, retry=Retry(attempts=3, delay=0.5, jitter=0.5), capacity=4)
    bus.subscribe(Tick, answer, concurrency=3, timeout=5.0, name="side by side")
    bus.subscribe(Order, batch, batch=3, batch_wait=1.5)
    bus.subscribe((Tick, Order), slow, delivery="lossless", capacity=3, name="slow")
    bus.subscribe("test.*", slow, throttle=3.0, name="throttled")
    bus.subscribe(Market, far_too_slow, where="number % 3 == 1", capacity=2, name="lagging")
    bus.subscribe(Alarm, thread, breaker=Breaker(failures=2))
    bus.subscribe(Note, lambda _: None, mode="inline", where="text != ''")


async def main(clock: SimulatedClock) -> None:
    """Play it, and print every envelope and the books."""
    events = EventBus(clock, Log())
    lines: list[str] = []
    recorder = Bus(events, "recorder")
    recorder.subscribe("*", lambda one: lines.append(one.to_json()), mode="inline", envelope=True)
    wire(events)
    feeds = [feed(Bus(events, f"feed-{symbol}"), clock, symbol) for symbol in sorted(SYMBOLS)]
    await asyncio.gather(*feeds)
    await recorder.settled()
    sys.stdout.write("\n".join([*lines, events.ledger.report().line(), ""]))


if __name__ == "__main__":
    simulated = SimulatedClock(1_700_000_000_000_000_000)
    run(main(simulated), simulated)
