"""Rotation in a host: by the time of its events, told where it matters, and refused where wrong."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hookbus import SimulatedClock
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.testing import HostFactory
from hookbus.testing.fixtures import START
from hookbus_logging import LoggingSettings
from pydantic import ValidationError

from tests.plugins.logging.samples import Traded
from tests.plugins.logging.test_plugin import (
    BusyMarket,
    Market,
    listen,
    make_host,
    on_both_clocks,
    run_to_the_end,
)


class DailyMarket(Market):
    """Publishes a trade every six hours."""

    async def feed(self, _: Any) -> None:
        """Publish ten trades."""
        for number in range(self.trades):
            await self.clock.sleep(21_600)
            await self.bus.publish(Traded(price=float(number)))


def files_of(folder: Path) -> list[Path]:
    """The old files, oldest first, and the current one."""
    return [*sorted(folder.glob("events.log.*")), folder / "events.log"]


def all_lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of all files, oldest first."""
    texts = [
        gzip.decompress(one.read_bytes()) if one.suffix == ".gz" else one.read_bytes()
        for one in files_of(folder)
    ]
    return [json.loads(line) for line in b"".join(texts).splitlines()]


async def test_days_are_those_of_the_events(host_factory: HostFactory, tmp_path: Path) -> None:
    """Under simulated time a file holds the events of one simulated day."""
    await run_to_the_end(make_host(host_factory, DailyMarket, rotate_every="day"))
    days = []
    for path in files_of(tmp_path):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        (day,) = {line["timestamp"][:10] for line in lines}
        days.append(day)
    assert days == ["2024-01-01", "2024-01-02", "2024-01-03"]


def simulate(folder: Path) -> dict[str, bytes]:
    """Run a host in a simulation of its own; the files of its log."""
    folder.mkdir()
    clock = SimulatedClock(START)
    options = {"rotate_every": "day", "rotate_bytes": 1_000, "compress": True}

    async def main() -> None:
        factory = HostFactory(clock, make_logger("error", io.StringIO()), folder)
        await run_to_the_end(make_host(factory, DailyMarket, **options))

    run(main(), clock)
    return {one.name: one.read_bytes() for one in files_of(folder)}


def test_a_simulation_rotates_in_the_same_way_every_time(tmp_path: Path) -> None:
    """Same events, same files, byte by byte, packed ones too."""
    first, second = simulate(tmp_path / "first"), simulate(tmp_path / "second")
    assert first == second
    assert len(first) > 3


@on_both_clocks
async def test_no_line_is_lost_between_files(
    host_factory: HostFactory, tmp_path: Path, clock: str
) -> None:
    """Five thousand trades over many files, packed by a thread of its own on the system's clock."""
    host = make_host(
        host_factory, BusyMarket, rotate_bytes=100_000, compress=True, include=["sample.*"]
    )
    rows = await run_to_the_end(host)
    prices = [line["data"]["price"] for line in all_lines(tmp_path) if "price" in line["data"]]
    assert prices == [float(number) for number in range(5_000)]
    assert int(rows["Files set aside"]) > 5
    packed = [one for one in files_of(tmp_path) if one.suffix == ".gz"]
    assert len(packed) == int(rows["Files set aside"])


async def test_the_summary_says_how_many_old_files_were_removed(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """What `keep` takes away is not taken in silence."""
    rows = await run_to_the_end(make_host(host_factory, rotate_bytes=300, keep=2))
    assert len(files_of(tmp_path)) == 3
    assert int(rows["Old files removed"]) == int(rows["Files set aside"]) - 2 > 0


async def test_a_rotation_that_fails_is_told_by_the_host(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """The host's log names the file and the reason once, and the lines go on."""
    (tmp_path / "logs").mkdir()
    host = make_host(host_factory, rotate_bytes=300, file="logs/events.log")
    told = listen(host)
    async with host:
        (tmp_path / "logs").rename(tmp_path / "moved")
        await host.sources.ended()
        await host.settled()
    assert told.getvalue().count("log files are not rotated as they should be") == 1
    assert "No such file or directory" in told.getvalue()
    lines = (tmp_path / "moved" / "events.log").read_text()
    assert lines.count("sample.traded") == 10


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"rotate_bytes": 9}, "rotate_bytes is 9 and output is 'stderr'"),
        ({"rotate_every": "day", "output": "stdout"}, "rotate_every is 'day' and output is"),
        ({"output": "file", "keep": 3}, "keep is 3 and neither rotate_bytes nor rotate_every"),
        ({"output": "file", "compress": True}, "compress is True and neither"),
        ({"output": "file", "rotate_bytes": 0}, "greater than or equal to 1"),
        ({"output": "file", "rotate_every": "month"}, "'hour', 'day' or 'week'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    settings: dict[str, Any], reason: str
) -> None:
    """The message names both keys and their values."""
    with pytest.raises(ValidationError, match=reason):
        LoggingSettings.model_validate(settings)
