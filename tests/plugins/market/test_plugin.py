"""The market plugin in a host: when bars are published, and what becomes of files that are bad."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hookbus import SimulatedClock, Source, Summary
from hookbus.logs import make_logger
from hookbus.testing import HostFactory, RecordingHost
from hookbus_market.errors import refuse
from hookbus_market.plugin import MarketPlugin
from hookbus_market.settings import SyntheticSettings
from hookbus_market.synthetic import SyntheticBars
from hookbus_trading import Bar
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.market.makers import DATA, HEADER, START, needs_data, write

GOOD = "2024-01-01,1,3,1,2,5"
LATER = "2024-01-02,2,4,2,3,6"
BAD = "2024-01-02,2,4,2,?,6"


@pytest.fixture
def simulated_clock() -> SimulatedClock:
    """A clock that nobody has set, so that the host asks where the data begins."""
    return SimulatedClock()


@pytest.fixture
def log() -> StringIO:
    """What the hosts of the test have logged."""
    return StringIO()


@pytest.fixture
def host_factory(
    simulated_clock: SimulatedClock,
    simulated_loop: asyncio.AbstractEventLoop,
    log: StringIO,
    tmp_path: Path,
) -> Iterator[HostFactory]:
    """Makes hosts whose log the test can read."""
    logger = make_logger("debug", stream=log, colors=False)
    factory = HostFactory(simulated_clock, logger, tmp_path)
    yield factory
    simulated_loop.run_until_complete(factory.aclose())


def market(factory: HostFactory, config: dict[str, Any] | None = None, **own: Any) -> RecordingHost:
    """A host with the market plugin and these settings of its own."""
    return factory(TradingPlugin, MarketPlugin, settings={"market": own}, config=config)


def bars_and_times(host: RecordingHost) -> list[tuple[Bar, datetime]]:
    """The bars that were published, and the time at which they were."""
    return [
        (each.event, each.time) for each in host.recorded.envelopes if isinstance(each.event, Bar)
    ]


def open_files() -> list[str]:
    """What the open file descriptors of this process point to."""
    targets = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            targets.append(os.readlink(entry))
    return targets


def rows(summaries: tuple[Summary, ...]) -> dict[str, str]:
    """The rows of the one summary."""
    (summary,) = summaries
    assert summary.title == "Market"
    return dict(summary.rows)


async def test_every_bar_is_published_at_its_time(host_factory: HostFactory) -> None:
    """The clock starts at the first bar, and each envelope has the time of its bar."""
    made = {"symbols": ["B", "A"], "bars": 300, "interval": 60.0}
    host = market(host_factory, synthetic=made)
    report = await host.run()
    published = bars_and_times(host)
    expected = SyntheticBars(SyntheticSettings.model_validate(made)).read(refuse)
    assert [bar for bar, _ in published] == list(expected)
    assert [time for _, time in published] == [bar.time for bar, _ in published]
    assert report.exit_code == 0
    assert report.ledger.discrepancies == ()


async def test_files_and_the_synthetic_market_are_one_feed(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Bars come in the order of time, wherever they are from."""
    path = write(tmp_path, HEADER, GOOD, LATER, name="A.csv")
    host = market(
        host_factory,
        files=[str(path)],
        synthetic={"symbols": ["S"], "bars": 3, "interval": 43_200.0},
    )
    await host.run()
    hours = [
        (bar.symbol, (time - START) // timedelta(hours=1)) for bar, time in bars_and_times(host)
    ]
    assert hours == [("A", 0), ("S", 0), ("S", 12), ("A", 24), ("S", 24)]


async def test_the_summary_and_the_progress_say_what_was_replayed(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """A reader sees bars, symbols, times and skipped rows; the progress bar ends full."""
    path = write(tmp_path, HEADER, GOOD, BAD, LATER, name="A.csv")
    host = market(host_factory, files=[str(path)], on_bad_row="skip")
    report = await host.run()
    assert rows(report.summaries) == {
        "Bars": "2",
        "Symbols": "A",
        "From": "2024-01-01 00:00:00 UTC",
        "To": "2024-01-02 00:00:00 UTC",
        "Rows skipped": "1",
        "Bad rows": "1",
    }
    (source,) = host.sources
    assert (source.done, source.total, source.label) == (2, 2, "bars")


async def test_progress_is_reported_on_the_way(
    host_factory: HostFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long replay moves its progress bar, but not for every bar."""
    told: list[tuple[int, int | None]] = []
    original = Source.progress

    def progress(self: Source, done: int, total: int | None = None, label: str = "") -> None:
        told.append((done, total))
        original(self, done, total, label)

    monkeypatch.setattr(Source, "progress", progress)
    await market(host_factory, synthetic={"bars": 1_000}).run()
    assert told == [(256, 1_000), (512, 1_000), (768, 1_000), (1_000, 1_000)]


async def test_a_bad_row_ends_the_feed_and_the_run(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """What came before the bad row is published, and the run says that and why it failed."""
    path = write(tmp_path, HEADER, GOOD, BAD, LATER, name="A.csv")
    host = market(host_factory, files=[str(path)])
    report = await host.run()
    assert [bar.time for bar, _ in bars_and_times(host)] == [START]
    assert report.failed_sources == ("market.bars",)
    assert report.exit_code == 1
    (source,) = host.sources
    assert source.error is not None
    assert f"{path}:3: column 'Close' is '?': Input should be a valid number" in source.error


async def test_a_file_that_is_no_good_fails_the_plugin_alone(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """A missing file is found before anything starts, and the other plugins go on."""
    async with market(host_factory, files=[str(tmp_path / "no.csv")]) as host:
        assert host.failed == ("market",)
        assert "cannot be read: No such file or directory" in str(host.records["market"].reason)
        assert not host.records["trading"].failed


async def test_nothing_to_replay_is_a_warning(log: StringIO, host_factory: HostFactory) -> None:
    """A plugin that is installed but not set up says so, and fails nothing."""
    async with market(host_factory) as host:
        assert host.failed == ()
    assert "no bars to replay: set files or synthetic" in log.getvalue()


async def test_bars_before_the_start_of_the_clock_are_left_out(
    simulated_clock: SimulatedClock, host_factory: HostFactory, tmp_path: Path
) -> None:
    """A start in the configuration chooses a part of the data, and the summary counts the rest."""
    path = write(tmp_path, HEADER, GOOD, LATER, name="A.csv")
    simulated_clock.start_at(int((START + timedelta(hours=1)).timestamp()) * 1_000_000_000)
    host = market(host_factory, files=[str(path)])
    report = await host.run()
    assert [bar.time.day for bar, _ in bars_and_times(host)] == [2]
    assert rows(report.summaries)["Bars before the start"] == "1"


async def test_a_replay_that_is_stopped_releases_its_files(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """A host that stops in the middle leaves no file open."""
    lines = [f"{(START + timedelta(days=day)):%Y-%m-%d},1,3,1,2,5" for day in range(900)]
    path = write(tmp_path, HEADER, *lines, name="A.csv")
    async with market(host_factory, files=[str(path)]) as host:
        await host.clock.sleep_until(int((START + timedelta(days=9)).timestamp()) * 1_000_000_000)
        held = [entry for entry in open_files() if entry == str(path)]
    assert held == [str(path)]
    assert str(path) not in open_files()
    assert 0 < len(bars_and_times(host)) < 20


async def test_relative_paths_start_from_the_folder_of_the_configuration(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Wherever the command is called, the start of the clock and the feed find the same file."""
    write(tmp_path, HEADER, GOOD, LATER, name="A.csv")
    host = market(host_factory, files=["A.csv"])
    report = await host.run()
    assert (host.failed, report.exit_code) == ((), 0)
    assert [time.day for _, time in bars_and_times(host)] == [1, 2]


@needs_data
async def test_genuine_prices_run_through_the_host(host_factory: HostFactory) -> None:
    """A year of hourly prices is replayed bar by bar, each in its own instant."""
    host = market(host_factory, files=[str(DATA / "eurusd-1h.csv")])
    report = await host.run()
    published = bars_and_times(host)
    assert len(published) == 5_000
    assert all(bar.time == time for bar, time in published)
    assert rows(report.summaries)["To"] == "2018-02-07 15:00:00 UTC"
