"""The plugin in a host: what is logged, what is not, and what happens when the output fails."""

from __future__ import annotations

import asyncio
import io
import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hookbus import Host, Plugin, PluginContext, SimulatedClock, SystemClock, hookimpl
from hookbus.config import make_config
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus_logging import LoggingPlugin

from tests.plugins.logging.samples import Failed, Ticked, Traded


class Market(Plugin):
    """Publishes ten trades, each of which causes a tick, and one failure."""

    name = "market"

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
        """Publish, one simulated second after the other."""
        for number in range(10):
            await self.clock.sleep(1 if self.clock.simulated else 0)
            await self.bus.publish(Traded(price=float(number)))
        await self.bus.publish(Failed())


@dataclass
class Outcome:
    """What a run left behind."""

    lines: list[dict[str, Any]]
    host: Host
    summaries: list[Any] = field(default_factory=list)

    def events(self, prefix: str = "sample.") -> list[str]:
        """The names of the logged events that begin with `prefix`."""
        return [line["event"] for line in self.lines if line["event"].startswith(prefix)]


def run_host(
    folder: Path,
    settings: dict[str, Any] | None = None,
    *,
    simulated: bool = True,
    plugins: Sequence[type[Plugin]] = (LoggingPlugin, Market),
) -> Outcome:
    """Run a host with the plugin, logging into a file, until the market has finished."""
    clock = SimulatedClock(10**18) if simulated else SystemClock()
    chosen = {"format": "json", "output": "file", "file": "events.log", **(settings or {})}
    config = make_config({"plugins": {"logging": chosen}}, base=folder)
    with (folder / "host.log").open("a") as stream:
        host = Host(
            config, plugins=plugins, group=None, clock=clock, log=make_logger("info", stream)
        )

        async def main() -> Any:
            async with host:
                await host.sources.ended()
                await host.settled()
            return await host.stop()

        report = run(main(), clock)
    path = folder / "events.log"
    text = path.read_text() if path.is_file() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    return Outcome(lines, host, list(report.summaries))


@pytest.mark.parametrize("simulated", [True, False])
def test_every_event_is_logged_with_its_cause(tmp_path: Path, simulated: bool) -> None:
    """Each event that the filter admits is one line, and a chain can be followed by its id."""
    outcome = run_host(tmp_path, {"level": "debug"}, simulated=simulated)
    assert outcome.events().count("sample.traded") == 10
    assert outcome.events().count("sample.ticked") == 10
    traded = {line["id"] for line in outcome.lines if line["event"] == "sample.traded"}
    ticks = [line for line in outcome.lines if line["event"] == "sample.ticked"]
    assert {tick["causation_id"] for tick in ticks} == traded
    assert {tick["correlation_id"] for tick in ticks} == traded


def test_a_line_has_the_time_of_the_envelope(tmp_path: Path) -> None:
    """Under the simulated clock the log shows simulated time."""
    outcome = run_host(tmp_path)
    times = [line["timestamp"] for line in outcome.lines if line["event"] == "sample.traded"]
    assert times[0] == "2001-09-09T01:46:41.000000Z"
    assert times[-1] == "2001-09-09T01:46:50.000000Z"


def test_floods_are_not_logged_unless_asked_for(tmp_path: Path) -> None:
    """Without settings a log holds what matters: high-frequency events are debug."""
    assert set(run_host(tmp_path).events()) == {"sample.traded", "sample.failed"}


def test_the_host_s_own_events_are_logged_until_it_stops(tmp_path: Path) -> None:
    """A log says that the host came up and that it began to stop."""
    names = run_host(tmp_path).events("hookbus.host.")
    assert names == ["hookbus.host.started", "hookbus.host.stopping"]


def test_patterns_and_levels_choose(tmp_path: Path) -> None:
    """What is included and not excluded is logged at the level that its pattern names."""
    outcome = run_host(
        tmp_path,
        {
            "include": ["sample.*"],
            "exclude": ["*.failed"],
            "levels": {"sample.ticked": "error"},
            "level": "warning",
        },
    )
    assert outcome.events("") == ["sample.ticked"] * 10
    assert {line["level"] for line in outcome.lines} == {"error"}


def test_the_same_run_gives_the_same_log(tmp_path: Path) -> None:
    """Under the simulated clock no thread comes between the events and their order."""
    texts = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        run_host(folder, {"level": "debug"})
        texts.append((folder / "events.log").read_bytes())
    assert texts[0] == texts[1]
    ids = [int(json.loads(line)["id"].split("-")[-1]) for line in texts[0].splitlines()]
    assert ids == sorted(ids)


def test_a_file_without_a_path_is_in_the_state_folder(tmp_path: Path) -> None:
    """Who asks for a file need not think of a place for it."""
    run_host(tmp_path, {"file": None})
    assert (tmp_path / ".hookbus/logging/events.log").stat().st_size > 0


def test_an_output_that_cannot_be_opened_fails_only_this_plugin(tmp_path: Path) -> None:
    """A wrong path is said by the plugin's state; the others run on."""
    outcome = run_host(tmp_path, {"file": "missing/events.log"})
    record = outcome.host.records["logging"]
    assert outcome.host.failed == ("logging",)
    assert "missing/events.log" in (record.reason or "")


@pytest.mark.parametrize("simulated", [True, False])
def test_a_full_disk_does_not_take_the_host_down(tmp_path: Path, simulated: bool) -> None:
    """Every event that met a full disk is counted; host log and summary say how many and why."""
    (tmp_path / "events.log").symlink_to("/dev/full")
    outcome = run_host(tmp_path, simulated=simulated)
    assert outcome.host.failed == ()
    told = (tmp_path / "host.log").read_text()
    assert "events are not logged" in told
    assert "No space left on device" in told
    (summary,) = outcome.summaries
    assert dict(summary.rows)["Events logged"] == "0"
    reasons = [label for label, _ in summary.rows if label.startswith("Not logged")]
    assert reasons == [f"Not logged: {tmp_path / 'events.log'}: No space left on device"]


def test_a_healthy_log_has_no_summary(tmp_path: Path) -> None:
    """The end of a run is not the place to say that nothing happened."""
    assert run_host(tmp_path).summaries == []


class Flood(Plugin):
    """Publishes more than a small buffer can hold."""

    name = "market"

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Prepare the feed."""
        self.bus = context.bus
        context.start_source(self.feed, "feed")

    async def feed(self, _: Any) -> None:
        """Publish as fast as possible."""
        for number in range(5_000):
            await self.bus.publish(Traded(price=float(number)))


def test_a_reader_that_stops_reading_holds_up_nobody(tmp_path: Path) -> None:
    """With a stuck output all is published, the host stops in time, and what is missing is said."""
    reader = full_pipe(tmp_path / "events.log")
    settings = {"output": "file", "file": "events.log", "buffer": 64, "stop_wait": 0.05}
    config = make_config({"plugins": {"logging": settings}}, base=tmp_path)
    told = io.StringIO()
    log = make_logger("info", told)
    host = Host(config, plugins=(LoggingPlugin, Flood), group=None, clock=SystemClock(), log=log)

    async def main() -> Any:
        async with asyncio.timeout(5), host:
            await host.sources.ended()
        return await host.stop()

    (summary,) = run(main(), SystemClock()).summaries
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
