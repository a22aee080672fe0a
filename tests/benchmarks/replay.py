"""Replaying: recorded events, fed as fast as possible into a host with no other plugin."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import apsw
from hookbus import Event, Host, Plugin, PluginContext, SimulatedClock, Source, hookimpl
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.settings.config import make_config
from hookbus_journal.database import open_for_reading
from hookbus_journal.plugin import JournalPlugin
from hookbus_journal.replay.playing import NAME, play
from hookbus_journal.replay.recording import Choice, Recording, find_run
from hookbus_trading import Bar

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Bars(Plugin):
    """Publishes a bar a second."""

    name = "bars"
    count = 0

    @hookimpl
    def hookbus_events(self) -> Iterable[type[Event]]:
        """What it publishes."""
        return (Bar,)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Be a source."""
        self.context = context
        context.start_source(self.feed, "bars")

    async def feed(self, _: Source) -> None:
        """Publish them all."""
        for number in range(1, self.count + 1):
            await self.context.clock.sleep(1)
            await self.context.bus.publish(
                Bar(
                    symbol="BTC",
                    time=BEGIN + timedelta(seconds=number),
                    interval_seconds=1,
                    open=1.5,
                    high=2.25,
                    low=1.0,
                    close=1.75,
                    volume=12.5,
                )
            )


def replay_speed(events: int = 200_000, rounds: int = 3) -> float:
    """Events that are fed in a second: the median of some rounds, on bars of 150 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        _record(Path(folder), events)
        connection = open_for_reading(Path(folder) / ".hookbus" / "journal" / "simulation.db")
        try:
            return statistics.median(_speed(connection, folder, events) for _ in range(rounds))
        finally:
            connection.close()


def _record(folder: Path, events: int) -> None:
    bars = type("Bars", (Bars,), {"count": events})
    clock = SimulatedClock(1_767_225_600_000_000_000)
    run(_host(folder, (bars, JournalPlugin), clock).run(), clock)


def _speed(connection: apsw.Connection, folder: str, events: int) -> float:
    def make(plugin: type[Plugin], clock: SimulatedClock) -> Host:
        return host((plugin, Bars), clock, feed=NAME)

    host = partial(_host, Path(folder) / "replay")
    played = play(Recording(connection, find_run(connection, None), Choice()), make)
    if len(played.feed.fed) != events:
        raise RuntimeError(f"{len(played.feed.fed)} events were fed, not {events}")
    return played.events_per_second


def _host(
    folder: Path, plugins: tuple[type[Plugin], ...], clock: SimulatedClock, feed: str | None = None
) -> Host:
    return Host(
        make_config({}, base=folder),
        plugins=plugins,
        group=None,
        clock=clock,
        feed=feed,
        log=make_logger("warning"),
    )
