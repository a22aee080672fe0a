"""How long a delivery takes from publish to handler, at a steady 10,000 events a second."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .contenders import Contender
from .harness import PATIENCE, Plan, rotations
from .workload import Handler, Kind, Tick, make_tick

Pace = Literal["busy", "timer"]

RATE = 10_000
SUBSCRIBERS = 10
REPEATS = 3
PACES: tuple[Pace, ...] = ("busy", "timer")
"""A busy publisher yields to the loop until the next event is due; a timed one sleeps."""


@dataclass(frozen=True)
class Row:
    """Percentiles over all deliveries of all repeats, in microseconds; None where not measured."""

    contender: str
    kind: Kind
    pace: Pace
    p50: float | None
    p99: float | None
    p999: float | None
    verdict: str
    exact: bool


@dataclass
class _Entry:
    contender: type[Contender]
    kind: Kind
    times: list[int] = field(default_factory=list)
    expected: int = 0
    error: str = ""


def run_latency(
    lineup: Sequence[tuple[type[Contender], Kind]], plan: Plan, say: Callable[[str], None]
) -> list[Row]:
    """Measure the whole line-up at both paces, interleaved."""
    events = [make_tick(index) for index in range(RATE // 4 if plan.quick else 2 * RATE)]
    rows = []
    for pace in PACES:
        say(f"latency: {pace} publisher")
        entries = [_Entry(contender, kind) for contender, kind in lineup]
        for turn in rotations(entries, 1 if plan.quick else REPEATS):
            for entry in turn:
                asyncio.run(_measure(entry, pace, events))
        rows += [_row(entry, pace) for entry in entries]
    return rows


async def _measure(entry: _Entry, pace: Pace, events: Sequence[Tick]) -> None:
    times: list[int] = []
    sent = [0] * len(events)
    contender = entry.contender(entry.kind)
    try:
        await contender.open([_stopwatch(entry, sent, times) for _ in range(SUBSCRIBERS)])
    except ImportError:
        entry.error = "not installed"
        return
    entry.expected += len(events) * SUBSCRIBERS
    gc.collect()
    try:
        await _publish_paced(contender, pace, events, sent)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while len(times) < len(events) * SUBSCRIBERS:  # noqa: ASYNC110
                    await asyncio.sleep(0)
    finally:
        await contender.close()
    entry.times += times


def _stopwatch(entry: _Entry, sent: Sequence[int], times: list[int]) -> Handler:
    note, clock = times.append, time.perf_counter_ns

    async def handle(event: Tick) -> None:
        note(clock() - sent[event.index])

    async def handle_second(_: object, event: Tick) -> None:
        note(clock() - sent[event.index])

    def handle_inline(event: Tick) -> None:
        note(clock() - sent[event.index])

    if entry.kind == "inline":
        return handle_inline
    return handle if entry.contender.arguments == 1 else handle_second


async def _publish_paced(
    contender: Contender, pace: Pace, events: Sequence[Tick], sent: list[int]
) -> None:
    clock, period = time.perf_counter_ns, 1_000_000_000 // RATE
    wait = _yield_until if pace == "busy" else _sleep_until
    due = clock()
    for event in events:
        await wait(due)
        sent[event.index] = clock()
        await contender.publish((event,))
        due += period


async def _yield_until(due: int) -> None:
    while time.perf_counter_ns() < due:  # noqa: ASYNC110 - a busy publisher is the point
        await asyncio.sleep(0)


async def _sleep_until(due: int) -> None:
    if (left := due - time.perf_counter_ns()) > 0:
        await asyncio.sleep(left / 1e9)


def _row(entry: _Entry, pace: Pace) -> Row:
    lost = entry.expected - len(entry.times)
    verdict = entry.error or (f"FAILED: lost {lost}" if lost else "ok")
    ordered = sorted(entry.times)
    p50, p99, p999 = (_percentile(ordered, share) for share in (0.5, 0.99, 0.999))
    return Row(
        entry.contender.name, entry.kind, pace, p50, p99, p999, verdict, exact=verdict == "ok"
    )


def _percentile(ordered: Sequence[int], share: float) -> float | None:
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000
