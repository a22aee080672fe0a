"""The recorder: every event of a run in a file, and a file that cannot be written any more."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hookbus.bus.eventbus import EventBus
from hookbus.bus.voice import Bus
from hookbus.clock import Clock, SimulatedClock, SystemClock
from hookbus.host import Host
from hookbus.loop import run
from hookbus.recorder import BATCH, Recorder
from hookbus.runreport import RunReport
from hookbus.settings.config import make_config

from tests.host.bussing import Note
from tests.host.test_host import Adder, Counter


class Log:
    """A log that keeps what it was told."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []

    @property
    def told(self) -> list[str]:
        """The texts alone."""
        return [text for text, _ in self.entries]

    def bind(self, **_: Any) -> Log:
        """Itself."""
        return self

    def _note(self, text: str, **fields: Any) -> None:
        self.entries.append((text, fields))

    debug = info = warning = error = _note


def record(path: Path) -> tuple[RunReport, Log]:
    """A simulation that is recorded to `path`."""
    config, log = make_config({"clock": {"mode": "simulated"}}), Log()
    host = Host(config, plugins=[Adder, Counter], group=None, record_to=path, log=log)
    return run(host.run(), host.clock), log


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let writing past `size` bytes fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_every_event_is_a_line(tmp_path: Path) -> None:
    """What is recorded is all that was published, in order."""
    report, _ = record(tmp_path / "events.jsonl")
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    numbers = [json.loads(line)["sequence"] for line in lines]
    assert numbers == list(range(1, report.ledger.published + 1))
    assert (report.recording_error, report.exit_code) == (None, 0)


def test_a_full_disk_ends_the_recording_and_not_the_run(tmp_path: Path) -> None:
    """The run goes on, is told once, ends with code 1; the file ends after a whole line."""
    complete, _ = record(tmp_path / "all.jsonl")
    whole = (tmp_path / "all.jsonl").read_bytes()
    with no_file_larger_than(len(whole) // 2):
        report, log = record(tmp_path / "cut.jsonl")
    cut = (tmp_path / "cut.jsonl").read_bytes()
    assert cut.endswith(b"\n")
    assert whole.startswith(cut)
    assert log.told.count("recording has ended") == 1
    assert report.exit_code == 1
    assert f"File too large, after {len(cut.splitlines())} events" in str(report.recording_error)
    assert report.summaries == complete.summaries
    assert report.ledger.discrepancies == ()
    (account,) = (one for one in report.ledger.accounts if one.name == "recorder")
    assert account.delivered == len(cut.splitlines())
    assert account.dead_lettered > 0


def test_a_device_without_room_is_told(tmp_path: Path) -> None:
    """Not even the first event could be written to a device that is always full."""
    device = Path("/dev/full")
    link = tmp_path / "events.jsonl"
    link.symlink_to(device)
    report, _ = record(link)
    assert report.exit_code == 1
    assert "No space left on device, after 0 events" in str(report.recording_error)


def lines_in(path: Path) -> int:
    """How many lines a file has."""
    return len(path.read_bytes().splitlines())


def written_after_each_turn(path: Path, clock: Clock, events: int) -> list[int]:
    """How many events are in the file after each turn of the event loop, and at the end."""

    async def scenario() -> list[int]:
        bus = Bus(EventBus(clock, Log()), "plugin")
        recorder = Recorder(path, Log())
        recorder.open(bus, clock)
        written = []
        for _ in range(events):
            await bus.publish(Note())
            await asyncio.sleep(0)
            written.append(lines_in(path))
        recorder.close()
        return [*written, lines_in(path)]

    return run(scenario(), clock)


@pytest.mark.parametrize("clock", [SystemClock(), SimulatedClock(pace=60.0)], ids=["real", "paced"])
def test_events_are_in_the_file_after_one_turn_of_the_loop(clock: Clock, tmp_path: Path) -> None:
    """Who watches a host at the pace of real time is one turn behind, however little happens."""
    assert written_after_each_turn(tmp_path / "events.jsonl", clock, 3) == [1, 2, 3, 3]


def test_a_simulation_is_written_in_batches(tmp_path: Path) -> None:
    """A write for every bar would take longer than the bar; the last ones come at the end."""
    written = written_after_each_turn(tmp_path / "events.jsonl", SimulatedClock(), BATCH + 1)
    assert written == [0] * (BATCH - 1) + [BATCH, BATCH, BATCH + 1]
