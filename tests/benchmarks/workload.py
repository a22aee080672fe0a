"""What every contender gets: the same event, the same handlers, the same way to wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from hookbus.events import Event

Kind = Literal["async", "inline"]
Handler = Callable[..., Any]
Counter = Callable[[], int]

KINDS: tuple[Kind, ...] = ("async", "inline")


class Tick(Event, type="bench.tick", key="symbol"):
    """A frozen pydantic model with four fields; `index` tells the events of a run apart."""

    symbol: str
    price: float
    size: float
    index: int


def make_tick(index: int = 0) -> Tick:
    """A new, validated event."""
    return Tick(symbol="BTC", price=97_000.5, size=0.25, index=index)


class Crowd:
    """Subscribers that count what they are handed, at the same small cost for every contender.

    `arguments` is what the contender hands over: 1 for the event, 2 when something comes before it.
    """

    def __init__(self, size: int, kind: Kind, arguments: int = 1) -> None:
        make = _FACTORIES[kind, arguments]
        members = [make() for _ in range(size)]
        self.handlers = [handler for handler, _ in members]
        self._counters = [counter for _, counter in members]

    def counts(self) -> list[int]:
        """How many events each subscriber has handled."""
        return [counter() for counter in self._counters]

    async def handled(self, goal: int) -> None:
        """Return when every subscriber has handled `goal` events, letting the loop run till then.

        Asking costs the handlers nothing, as telling would. The last subscriber is asked first:
        when it is done, the others mostly are.
        """
        for counter in reversed(self._counters):
            while counter() < goal:  # noqa: ASYNC110
                await asyncio.sleep(0)


def _async_event() -> tuple[Handler, Counter]:
    count = 0

    async def handle(event: object) -> None:
        nonlocal count
        count += 1

    return handle, lambda: count


def _async_second() -> tuple[Handler, Counter]:
    count = 0

    async def handle(_: object, event: object) -> None:
        nonlocal count
        count += 1

    return handle, lambda: count


def _inline_event() -> tuple[Handler, Counter]:
    count = 0

    def handle(event: object) -> None:
        nonlocal count
        count += 1

    return handle, lambda: count


def _inline_second() -> tuple[Handler, Counter]:
    count = 0

    def handle(_: object, event: object) -> None:
        nonlocal count
        count += 1

    return handle, lambda: count


_FACTORIES: dict[tuple[Kind, int], Callable[[], tuple[Handler, Counter]]] = {
    ("async", 1): _async_event,
    ("async", 2): _async_second,
    ("inline", 1): _inline_event,
    ("inline", 2): _inline_second,
}
