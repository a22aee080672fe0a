"""A bench for work queues: a simulated clock, workers that can be held, and what they reported."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from hookbus.clock import Clock, SimulatedClock, SystemClock
from hookbus.events import Event
from hookbus.loop import run
from hookbus.queues.queue import WorkQueue


async def turns(count: int = 10) -> None:
    """Let everything that is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def never_stop(release: asyncio.Event) -> None:
    """Swallow every cancellation until released."""
    while not release.is_set():
        try:
            await release.wait()
        except asyncio.CancelledError:
            continue


class Bench:
    """Makes queues of texts, and notes what they did."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.handled: list[str] = []
        self.failures: list[tuple[str, BaseException]] = []
        self.published: list[Event] = []
        self.loop_errors: list[BaseException] = []
        self.gates: dict[str, asyncio.Future[None]] = {}
        self._open = False

    def queue(self, worker: Callable[[str], Any] | None = None, **options: Any) -> WorkQueue[str]:
        """A queue named `orders`, with a worker that notes what it is given."""
        options.setdefault("publish", self.published.append)
        options.setdefault("on_failure", lambda item, error: self.failures.append((item, error)))
        return WorkQueue("orders", str, worker or self.note, clock=self.clock, **options)

    async def note(self, item: str) -> None:
        """A worker that only notes the item."""
        self.handled.append(item)

    async def gated(self, item: str) -> None:
        """A worker that waits until its gate is opened."""
        gate = self.gates[item] = asyncio.get_running_loop().create_future()
        if not self._open:
            await gate
        self.handled.append(item)

    async def open(self, count: int) -> None:
        """Open so many gates, one after the other."""
        for _ in range(count):
            next(gate for gate in self.gates.values() if not gate.done()).set_result(None)
            await turns()

    def open_gates(self) -> None:
        """Open all gates, those to come included."""
        self._open = True
        for gate in self.gates.values():
            if not gate.done():
                gate.set_result(None)


def _bench_test(
    make_clock: Callable[[], Clock], test: Callable[[Bench], Coroutine[Any, Any, None]]
) -> Callable[[], None]:
    async def main(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(
            lambda _, report: bench.loop_errors.append(report.get("exception") or RuntimeError())
        )
        await test(bench)
        await turns()
        assert bench.loop_errors == []

    @functools.wraps(test)
    def wrapper() -> None:
        bench = Bench(make_clock())
        run(main(bench), bench.clock)

    del wrapper.__wrapped__  # pytest would look for its arguments
    return wrapper


def simulated(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test with a bench on a loop with simulated time."""
    return _bench_test(SimulatedClock, test)


def on_system_clock(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test with a bench on the system's clock, where plain workers have threads."""
    return _bench_test(SystemClock, test)
