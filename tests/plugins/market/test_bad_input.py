"""Bad input on purpose: every kind of it ends the feed with its place, or is counted and told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hookbus import SimulatedClock, Summary
from hookbus.logs import make_logger
from hookbus.testing import HostFactory, RecordingHost
from hookbus_market.plugin import MarketPlugin
from hookbus_trading import Bar, DataSuspected
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.market.makers import write

HEADER = "Symbol,Date,Open,High,Low,Close,Volume"
GOOD = tuple(f"A,2024-01-0{day},10,11,9,10,5" for day in range(1, 7))
BAD_ROWS = {
    "NaN": ("A,2024-01-04,nan,11,9,10,5", "bad_row", "column 'Open' is 'nan'"),
    "infinite": ("A,2024-01-04,10,inf,9,10,5", "bad_row", "column 'High' is 'inf'"),
    "zero": ("A,2024-01-04,10,11,0,10,5", "bad_row", "column 'Low' is '0'"),
    "negative": ("A,2024-01-04,10,11,9,-10,5", "bad_row", "column 'Close' is '-10'"),
    "negative volume": ("A,2024-01-04,10,11,9,10,-5", "bad_row", "column 'Volume' is '-5'"),
    "no number": ("A,2024-01-04,10,11,9,n/a,5", "bad_row", "column 'Close' is 'n/a'"),
    "empty": ("A,2024-01-04,10,11,9,,5", "bad_row", "column 'Close' is ''"),
    "contradiction": ("A,2024-01-04,10,9,11,10,5", "bad_row", "between low and high"),
    "no time": ("A,someday,10,11,9,10,5", "bad_row", "column 'Date' is 'someday'"),
    "short": ("A,2024-01-04,10,11", "bad_row", "4 fields instead of 7"),
    "long": ("A,2024-01-04,10,11,9,10,5,6", "bad_row", "8 fields instead of 7"),
    "out of order": ("A,2024-01-02,10,11,9,10,5", "out_of_order", "earlier than 2024-01-03"),
    "twice": ("A,2024-01-03,10,11,9,10,5", "duplicate", "already a bar of A at 2024-01-03"),
    "unknown": ("X,2024-01-04,10,11,9,10,5", "unknown_symbol", "not among `symbols` (A, B)"),
}
"""A bad row after the third good one, its kind, and what is told of it."""


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
    factory = HostFactory(simulated_clock, make_logger("debug", stream=log, colors=False), tmp_path)
    yield factory
    simulated_loop.run_until_complete(factory.aclose())


def market(factory: HostFactory, *paths: Path, **own: Any) -> RecordingHost:
    """A host with the market plugin, some files of the symbols A and B, and these settings."""
    files = [{"path": str(path), "symbols": ["A", "B"]} for path in paths]
    return factory(TradingPlugin, MarketPlugin, settings={"market": {"files": files, **own}})


def rows(summaries: tuple[Summary, ...]) -> dict[str, str]:
    """The rows of the one summary."""
    (summary,) = summaries
    return dict(summary.rows)


def days(host: RecordingHost) -> list[int]:
    """The days of the bars that were published."""
    return [bar.time.day for bar in host.recorded.of(Bar)]


@pytest.mark.parametrize("name", BAD_ROWS)
async def test_a_bad_row_ends_the_feed_with_its_place(
    host_factory: HostFactory, tmp_path: Path, name: str
) -> None:
    """Nothing is published after it; the failure and the event name file, line and reason."""
    row, kind, says = BAD_ROWS[name]
    path = write(tmp_path, HEADER, *GOOD[:3], row, *GOOD[3:])
    host = market(host_factory, path)
    report = await host.run()
    assert report.exit_code == 1
    assert days(host) == [1, 2, 3]
    (source,) = host.sources
    assert f"{path}:5: " in str(source.error)
    assert says in str(source.error)
    (event,) = host.recorded.of(DataSuspected)
    assert (event.kind, event.decision, event.count) == (kind, "refused", 1)
    assert event.detail.startswith(f"{path}:5: ")


@pytest.mark.parametrize("name", BAD_ROWS)
async def test_a_bad_row_is_skipped_counted_and_told(
    log: StringIO, host_factory: HostFactory, tmp_path: Path, name: str
) -> None:
    """The good bars come through; event, log and summary show the bad one."""
    row, kind, says = BAD_ROWS[name]
    path = write(tmp_path, HEADER, *GOOD[:3], row, *GOOD[3:])
    host = market(host_factory, path, on_bad_row="skip")
    report = await host.run()
    assert report.exit_code == 0
    assert days(host) == [1, 2, 3, 4, 5, 6]
    (event,) = host.recorded.of(DataSuspected)
    assert (event.kind, event.decision, event.count) == (kind, "skipped", 1)
    assert event.symbol == ("X" if name == "unknown" else None if "field" in says else "A")
    assert says in event.detail
    told = [one.event for one in host.recorded.envelopes if one.type.startswith("market.")]
    assert told.index(event) == 3
    assert rows(report.summaries)["Rows skipped"] == "1"
    assert f"kind={kind}" in log.getvalue()
    assert says in log.getvalue()


async def test_a_file_full_of_bad_rows_floods_nobody(
    log: StringIO, host_factory: HostFactory, tmp_path: Path
) -> None:
    """Ten lines in the log and one for the rest, a few events, and the number of all at the end."""
    path = write(tmp_path, HEADER, GOOD[0], *["A,?,1,1,1,1,1"] * 500, *GOOD[1:])
    host = market(host_factory, path, on_bad_row="skip")
    report = await host.run()
    counts = [event.count for event in host.recorded.of(DataSuspected)]
    assert counts == [*range(1, 11), 100, 500]
    assert log.getvalue().count("data in doubt ") == 11
    assert "more data in doubt" in log.getvalue()
    assert "count=490" in log.getvalue()
    assert rows(report.summaries)["Bad rows"] == "500"


async def test_the_same_bar_in_two_files_ends_the_feed(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Files that overlap would be computed on twice; both are named."""
    first = write(tmp_path, HEADER, *GOOD[:4], name="first.csv")
    second = write(tmp_path, HEADER, *GOOD[2:], name="second.csv")
    host = market(host_factory, first, second)
    report = await host.run()
    assert report.exit_code == 1
    assert days(host) == [1, 2, 3]
    (source,) = host.sources
    assert f"{first}, {second}: A at 2024-01-03T00:00:00Z: there is already" in str(source.error)
    assert "take one of the files out, or set on_bad_row" in str(source.error)


async def test_the_same_bar_in_two_files_is_skipped(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """With `skip` the first file wins, and the summary says how many bars came twice."""
    first = write(tmp_path, HEADER, *GOOD[:4], name="first.csv")
    second = write(tmp_path, HEADER, *GOOD[2:], name="second.csv")
    host = market(host_factory, first, second, on_bad_row="skip")
    report = await host.run()
    assert days(host) == [1, 2, 3, 4, 5, 6]
    assert rows(report.summaries)["Duplicate bars"] == "2"
    kinds = [(event.kind, event.decision) for event in host.recorded.of(DataSuspected)]
    assert kinds == [("duplicate", "skipped")] * 2


SPLIT = "A,2024-01-04,5,5.5,4.5,5,5"


@pytest.mark.parametrize(
    ("on_jump", "published", "exit_code"),
    [("warn", [1, 2, 3, 4, 5, 6], 0), ("skip", [1, 2, 3, 5, 6], 0), ("error", [1, 2, 3], 1)],
)
async def test_a_jump_is_passed_on_skipped_or_refused(
    host_factory: HostFactory,
    tmp_path: Path,
    on_jump: str,
    published: list[int],
    exit_code: int,
) -> None:
    """A price of one half for a day gets what the settings say, and a sentence with numbers."""
    path = write(tmp_path, HEADER, *GOOD[:3], SPLIT, *GOOD[4:])
    host = market(host_factory, path, on_jump=on_jump)
    report = await host.run()
    assert (days(host), report.exit_code) == (published, exit_code)
    event = host.recorded.of(DataSuspected)[0]
    assert event.kind == "jump"
    assert (
        "opens at 5 after a close of 10, -50.0% (maximum_jump = 0.4), as in a 2:1 split"
        in event.detail
    )
    if on_jump == "error":
        (source,) = host.sources
        assert f"{path}: A at 2024-01-04T00:00:00Z: it opens at 5" in str(source.error)
        assert "mend the data, or set on_jump" in str(source.error)
    else:
        assert rows(report.summaries)["Largest jump"] in ("-50.0% A", "+100.0% A")


async def test_a_gap_is_told_at_the_bar_that_ends_it(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Nobody knows of a gap before it is over, and it is told before the bar that follows it."""
    path = write(tmp_path, HEADER, *GOOD[:3], "A,2024-01-20,10,11,9,10,5")
    host = market(host_factory, path)
    report = await host.run()
    told = [one for one in host.recorded.envelopes if isinstance(one.event, DataSuspected | Bar)]
    (gap, bar) = told[-2:]
    assert (gap.type, bar.type) == ("market.data_suspected", "market.bar")
    assert gap.time == bar.time
    assert gap.key == "A"
    assert rows(report.summaries)["Largest gap"] == "17 days, 0:00:00 A"


async def test_a_file_of_another_symbol_is_no_good(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """A file without symbols whose name is none of the wanted ones fails before anything runs."""
    path = write(tmp_path, "Date,Open,High,Low,Close", "2024-01-01,1,1,1,1", name="dax.csv")
    async with market(host_factory, path) as host:
        assert host.failed == ("market",)
    reason = str(host.records["market"].reason)
    assert f"{path}: all its bars are of 'dax', which is not among `symbols` (A, B)" in reason
    assert "set `symbol`, or take `symbols` out" in reason
