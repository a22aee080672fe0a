"""The plugin in a host: what is logged, what is not, and what happens when the output fails."""

from __future__ import annotations

import asyncio
import io
import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hookbus import Plugin, PluginContext, hookimpl
from hookbus.logs import make_logger
from hookbus.testing import HostFactory, RecordingHost
from hookbus_logging import LoggingPlugin

from tests.plugins.logging.samples import Failed, Ticked, Traded

on_both_clocks = pytest.mark.parametrize(
    "clock", ["simulated", pytest.param("system", marks=pytest.mark.real_time)]
)
"""Without a thread under simulated time, and with one under the system's."""


class Market(Plugin):
    """Publishes trades, each of which causes a tick, and at the end a failure."""

    name = "market"
    trades = 10

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Subscribe and prepare the feed."""
        self.bus = context.bus
        self.clock = context.clock
        context.bus.subscribe(Traded, self.on_trade)
        context.start_source(self.feed, "feed")

    async def on_trade(self, event: Traded) -> None:
        """Answer a trade with a tick."""
        await self.bus.publish(Ticked(size=round(event.price)))

    async def feed(self, _: Any) -> None:
        """Publish, under simulated time one second after the other."""
        for number in range(self.trades):
            await self.clock.sleep(1 if self.clock.simulated else 0)
            await self.bus.publish(Traded(price=float(number)))
        await self.bus.publish(Failed())


class BusyMarket(Market):
    """Publishes more than a small buffer holds."""

    trades = 5_000


def make_host(
    host_factory: HostFactory, market: type[Plugin] = Market, **settings: Any
) -> RecordingHost:
    """A host with a market that logs to events.log, unless `settings` say otherwise."""
    chosen = {"format": "json", "output": "file", "file": "events.log", **settings}
    return host_factory(LoggingPlugin, market, settings={"logging": chosen})


async def run_to_the_end(host: RecordingHost) -> dict[str, str]:
    """Run until the market has finished; returns the rows of the log's summary."""
    async with host:
        await host.sources.ended()
        await host.settled()
    return {key: value for one in (await host.stop()).summaries for key, value in one.rows}


def logged(folder: Path, prefix: str = "") -> list[dict[str, Any]]:
    """The lines in events.log about events whose names begin with `prefix`."""
    lines = map(json.loads, (folder / "events.log").read_text().splitlines())
    return [line for line in lines if line["event"].startswith(prefix)]


def listen(host: RecordingHost) -> io.StringIO:
    """What the host's own log says, from here on."""
    told = io.StringIO()
    host.log = make_logger("info", told)
    return told


def names(lines: list[dict[str, Any]]) -> list[str]:
    """What lines are about."""
    return [line["event"] for line in lines]


@on_both_clocks
async def test_every_event_is_logged_with_its_cause(
    host_factory: HostFactory, tmp_path: Path, clock: str
) -> None:
    """Each event that the filter admits is one line, and a chain can be followed by its ids."""
    await run_to_the_end(make_host(host_factory, level="debug"))
    trades, ticks = logged(tmp_path, "sample.traded"), logged(tmp_path, "sample.ticked")
    assert [line["data"]["price"] for line in trades] == [float(number) for number in range(10)]
    assert [line["causation_id"] for line in ticks] == [line["id"] for line in trades]
    assert [line["correlation_id"] for line in ticks] == [line["id"] for line in trades]


async def test_a_line_has_the_time_of_the_envelope(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Under the simulated clock the log shows simulated time."""
    await run_to_the_end(make_host(host_factory))
    times = [line["timestamp"] for line in logged(tmp_path, "sample.traded")]
    assert times[0] == "2024-01-01T00:00:01.000000Z"
    assert times[-1] == "2024-01-01T00:00:10.000000Z"


async def test_floods_are_not_logged_unless_asked_for(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Without settings a log holds what matters: high-frequency events are debug."""
    await run_to_the_end(make_host(host_factory))
    assert set(names(logged(tmp_path, "sample."))) == {"sample.traded", "sample.failed"}


async def test_the_host_s_own_events_are_logged_until_it_stops(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """A log says that the host came up and that it began to stop."""
    await run_to_the_end(make_host(host_factory))
    told = names(logged(tmp_path, "hookbus.host."))
    assert told == ["hookbus.host.started", "hookbus.host.stopping"]


async def test_patterns_and_levels_choose(host_factory: HostFactory, tmp_path: Path) -> None:
    """What is included and not excluded is logged at the level that its pattern names."""
    host = make_host(
        host_factory,
        include=["sample.*"],
        exclude=["*.failed"],
        levels={"sample.ticked": "error"},
        level="warning",
    )
    await run_to_the_end(host)
    assert names(logged(tmp_path)) == ["sample.ticked"] * 10
    assert {line["level"] for line in logged(tmp_path)} == {"error"}


async def test_under_simulated_time_nothing_is_reordered(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """No thread comes between the events and their order, so a run repeats its log."""
    await run_to_the_end(make_host(host_factory, level="debug"))
    numbers = [int(line["id"].rpartition("-")[2]) for line in logged(tmp_path)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == len(numbers) > 20


async def test_a_file_without_a_name_is_in_the_state_folder(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Who asks for a file need not think of a place for it."""
    await run_to_the_end(make_host(host_factory, file=None))
    assert (tmp_path / ".hookbus/logging/events.log").stat().st_size > 0


async def test_an_output_that_cannot_be_opened_fails_only_this_plugin(
    host_factory: HostFactory,
) -> None:
    """A wrong path is said by the plugin's state; the others run on."""
    host = make_host(host_factory, file="missing/events.log")
    await run_to_the_end(host)
    assert host.failed == ("logging",)
    assert "missing/events.log" in (host.records["logging"].reason or "")
    assert len(host.recorded.of(Traded)) == 10


@on_both_clocks
async def test_a_full_disk_does_not_take_the_host_down(
    host_factory: HostFactory, tmp_path: Path, clock: str
) -> None:
    """Every event that met a full disk is counted; host log and summary say how many and why."""
    (tmp_path / "events.log").symlink_to("/dev/full")
    host = make_host(host_factory)
    told = listen(host)
    rows = await run_to_the_end(host)
    assert host.failed == ()
    reason = f"{tmp_path / 'events.log'}: No space left on device"
    assert rows["Events logged"] == "0"
    assert "events are not logged" in told.getvalue()
    assert f"{rows[f'Not logged: {reason}']} events not logged: {reason}" in told.getvalue()


async def test_a_healthy_log_has_no_summary(host_factory: HostFactory) -> None:
    """The end of a run is not the place to say that nothing happened."""
    assert await run_to_the_end(make_host(host_factory)) == {}


@pytest.mark.real_time
async def test_a_reader_that_stops_reading_holds_up_nobody(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """With a stuck output all is published, the host stops in time, and what is missing is said."""
    reader = full_pipe(tmp_path / "events.log")
    host = make_host(host_factory, BusyMarket, buffer=64, stop_wait=0.05)
    told = listen(host)
    async with asyncio.timeout(5), host:
        await host.sources.ended()
    (summary,) = (await host.stop()).summaries
    let_go(reader)
    missing = dict(summary.rows)["Not logged: the log's consumer was too slow"]
    assert int(missing.replace(",", "")) > 5_000
    assert f"{missing} events not logged: the log's consumer was too slow" in told.getvalue()


def full_pipe(path: Path) -> int:
    """A named pipe that takes nothing more, and the descriptor to read it from."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.close(writer)
    return reader


def let_go(reader: int) -> None:
    """Read what the abandoned thread waits to write, so that it ends, and close the pipe."""
    (stuck,) = (one for one in threading.enumerate() if one.name == "hookbus-logging")
    os.read(reader, 1 << 20)
    stuck.join(5)
    assert not stuck.is_alive()
    os.close(reader)
