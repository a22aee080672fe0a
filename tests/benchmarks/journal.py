"""The journal: durable publishing beside a bare SQLite loop, recording, and reading back."""

from __future__ import annotations

import asyncio
import gc
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
from hookbus import Event, Host, Journal, SystemClock
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.settings.config import make_config
from hookbus_journal.database import open_for_reading, open_for_writing
from hookbus_journal.plugin import JournalPlugin

from .harness import Plan
from .replay import replay_speed

PUBLISHERS = (1, 10, 100, 1_000)
MOST_PER_COMMIT = 256
"""Events that the journal commits at once at most, and so the bare loop, too."""

RECORDED = 50_000
"""Best-effort events of one measurement: fewer than may wait for the writer."""

PADDING = "x" * 120


class Placed(Event, type="bench.placed", key="symbol"):
    """An event whose row takes about 250 bytes."""

    symbol: str
    price: float
    quantity: str
    note: str = PADDING


@dataclass(frozen=True)
class Publishing:
    """Durable publishes of some concurrent publishers; latencies in microseconds.

    `bare` is the rows/s of a loop that inserts the same rows into the same tables, in batches of
    `batch`, at the same synchronous level; `ratio` is the median over the rounds.
    """

    publishers: int
    batch: int
    bare: float
    events_per_second: float
    ratio: float
    p50: float
    p99: float
    p999: float


@dataclass(frozen=True)
class Figures:
    """Everything that was measured of the journal.

    `recording` is what recording every event adds to one publish, in microseconds, `writing` how
    long it takes per event until all of them are stored, and `unrecorded` how many were left out.
    `history` is events/s of reading them back, `replay` of feeding them into a fresh host.
    """

    publishing: tuple[Publishing, ...]
    recording: float
    writing: float
    unrecorded: int
    history: float
    replay: float


@dataclass(frozen=True)
class _Round:
    bare: float
    events: float
    latencies: list[float]


def measure(plan: Plan, say: Callable[[str], None]) -> Figures:
    """Measure on the system's clock, in a temporary folder; every round has files of its own."""
    rounds = 2 if plan.quick else 5
    gc.collect()
    gc.freeze()  # as `hookbus run` does
    found: dict[int, list[_Round]] = {count: [] for count in PUBLISHERS}
    for number in range(rounds):
        for count in PUBLISHERS:
            say(f"the journal: {count} publishers, round {number + 1} of {rounds}")
            found[count].append(_one_round(count, plan.quick))
    say("the journal: recording")
    recorded = [_record() for _ in range(rounds)]
    say("the journal: replaying")
    replay = replay_speed(*((50_000, 1) if plan.quick else (200_000, 3)))
    return Figures(
        publishing=tuple(_row(count, found[count]) for count in PUBLISHERS),
        recording=statistics.median(one.wall for one in recorded),
        writing=statistics.median(one.writing for one in recorded),
        unrecorded=sum(one.unrecorded for one in recorded),
        history=statistics.median(one.history for one in recorded),
        replay=replay,
    )


def _row(count: int, rounds: Sequence[_Round]) -> Publishing:
    latencies = sorted(one for each in rounds for one in each.latencies)
    return Publishing(
        publishers=count,
        batch=min(count, MOST_PER_COMMIT),
        bare=statistics.median(one.bare for one in rounds),
        events_per_second=statistics.median(one.events for one in rounds),
        ratio=statistics.median(one.events / one.bare for one in rounds),
        p50=_percentile(latencies, 50),
        p99=_percentile(latencies, 99),
        p999=_percentile(latencies, 99.9),
    )


def _percentile(ordered: Sequence[float], percent: float) -> float:
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] * 1e6


# Durable publishing


def _one_round(count: int, quick: bool) -> _Round:
    total = min(20_000 if quick else 60_000, 3_000 * count)
    with tempfile.TemporaryDirectory() as folder:
        seconds, latencies = run(_publish(Path(folder), count, total), SystemClock())
        rows = _stored_rows(Path(folder) / "state" / "journal" / "journal.db")
        bare = _bare_loop(Path(folder) / "bare.db", rows, min(count, MOST_PER_COMMIT))
    return _Round(bare=len(rows) / bare, events=total / seconds, latencies=latencies)


def _host(folder: Path, *plugins: type[Any], **settings: Any) -> Host:
    data = {"host": {"state": str(folder / "state")}, "plugins": {"journal": settings}}
    config = make_config(data if plugins else {}, base=folder)
    return Host(config, plugins=plugins, group=None, log=make_logger("error"))


async def _publish(folder: Path, count: int, total: int) -> tuple[float, list[float]]:
    latencies: list[float] = []
    async with _host(folder, JournalPlugin, durable=["bench.*"]) as host:
        event = Placed(symbol="BTC", price=1.25, quantity="10.5")

        async def publisher() -> None:
            for _ in range(total // count):
                began = time.perf_counter()
                await host.bus.publish(event)
                latencies.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(publisher() for _ in range(count)))
        return time.perf_counter() - began, latencies


def _stored_rows(path: Path) -> list[tuple[Any, ...]]:
    connection = open_for_reading(path)
    try:
        return connection.execute("SELECT * FROM events WHERE durable").fetchall()
    finally:
        connection.close()


def _bare_loop(path: Path, rows: Sequence[tuple[Any, ...]], batch: int) -> float:
    connection = open_for_writing(path)
    connection.pragma("synchronous", "FULL")
    connection.pragma("wal_autocheckpoint", 1_000)
    insert = f"INSERT INTO events VALUES ({','.join('?' * len(rows[0]))})"
    began = time.perf_counter()
    for start in range(0, len(rows), batch):
        _insert(connection, insert, rows[start : start + batch])
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def _insert(connection: apsw.Connection, insert: str, rows: Sequence[tuple[Any, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(insert, rows)
    connection.execute("COMMIT")


# Recording and reading back


@dataclass(frozen=True)
class _Recording:
    wall: float
    writing: float
    unrecorded: int
    history: float


def _record() -> _Recording:
    with tempfile.TemporaryDirectory() as folder:
        bare = run(_publish_freely(Path(folder)), SystemClock())
        recorded = run(_publish_freely(Path(folder), JournalPlugin), SystemClock())
    return _Recording(
        wall=(recorded.wall - bare.wall) / RECORDED * 1e6,
        writing=recorded.writing / RECORDED * 1e6,
        unrecorded=RECORDED - recorded.read,
        history=recorded.read / recorded.reading,
    )


@dataclass(frozen=True)
class _Run:
    wall: float
    writing: float = 0.0
    read: int = 0
    reading: float = 1.0


async def _publish_freely(folder: Path, *plugins: type[Any]) -> _Run:
    async with _host(folder, *plugins) as host:
        event = Placed(symbol="BTC", price=1.25, quantity="10.5")
        host.bus.subscribe(Placed, lambda _: None, mode="inline")
        began = time.perf_counter()
        for _ in range(RECORDED):
            await host.bus.publish(event)
        wall = time.perf_counter() - began
        if not plugins:
            return _Run(wall)
        journal = host.services.get(Journal, "bench")
        # What is read waits until everything has been written.
        assert [one async for one in journal.history(["bench.none"])] == []
        writing = time.perf_counter() - began
        began = time.perf_counter()
        read = [one async for one in journal.history(["bench.placed"])]
        reading = time.perf_counter() - began
    return _Run(wall, writing, len(read), reading)
