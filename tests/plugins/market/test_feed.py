"""All sources of the settings as one feed, its account, and what happens to bad rows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hookbus_market.csv_bars import CsvBars
from hookbus_market.errors import BadRow, ignore, refuse
from hookbus_market.feed import Feed, open_feed, open_file
from hookbus_market.parquet_bars import ParquetBars
from hookbus_market.settings import FileSettings, MarketSettings
from hookbus_market.tally import Tally

from tests.plugins.market.makers import HEADER, START, make_bar, write


def test_the_format_is_told_by_the_name_unless_set() -> None:
    """Parquet files have their usual endings, in any case; everything else is CSV."""
    for name in ("a.parquet", "a.PQ", "a.parq"):
        assert isinstance(open_file(FileSettings(path=Path(name))), ParquetBars)
    assert isinstance(open_file(FileSettings(path=Path("a.txt"))), CsvBars)
    assert isinstance(open_file(FileSettings(path=Path("a"), format="parquet")), ParquetBars)


def test_files_come_before_the_synthetic_market_at_the_same_time(tmp_path: Path) -> None:
    """The order of bars of one time is that of the settings."""
    for name in ("B", "A"):
        write(tmp_path, HEADER, "2024-01-01,1,1,1,1,1", "2024-01-03,1,1,1,1,1", name=f"{name}.csv")
    settings = MarketSettings.model_validate(
        {
            "files": ["B.csv", "A.csv"],
            "synthetic": {"symbols": ["S"], "bars": 2, "interval": 86_400},
        }
    )
    feed = open_feed(settings, tmp_path.joinpath)
    bars = [(bar.symbol, (bar.time - START).days) for bar in feed.read(refuse)]
    assert bars == [("B", 0), ("A", 0), ("S", 0), ("S", 1), ("B", 2), ("A", 2)]
    assert feed.estimated_bars == 6
    assert [source.name for source in feed.sources] == ["B.csv", "A.csv", "synthetic"]


def test_the_first_time_is_the_earliest_of_all_sources(tmp_path: Path) -> None:
    """A bad row in front does not hide the first good one, and nothing is read beyond it."""
    write(tmp_path, HEADER, "2024-01-02,1,1,1,1,1", name="a.csv")
    write(tmp_path, HEADER, "x,1,1,1,1,1", "2024-01-01,1,1,1,1,1", "y,1", name="b.csv")
    feed = open_feed(
        MarketSettings.model_validate({"files": ["a.csv", "b.csv"]}), tmp_path.joinpath
    )
    assert feed.first_time(ignore) == START
    with pytest.raises(BadRow, match=r"b\.csv:2: column 'Date' is 'x'"):
        feed.first_time(refuse)


def test_a_feed_without_sources_is_empty() -> None:
    """Nothing set is nothing to replay, and no error."""
    assert list(Feed(()).read(refuse)) == []
    assert Feed(()).first_time(refuse) is None


def test_a_long_value_is_shortened() -> None:
    """A broken quote does not put half a file into an error."""
    text = str(BadRow("a.csv", 1, "Close", "x" * 10_000, "no number"))
    assert len(text) < 120
    assert text.endswith("...': no number")


def test_the_account_names_bars_symbols_and_times() -> None:
    """The summary says what was replayed."""
    tally = Tally()
    assert tally.rows() == (
        ("Bars", "0"), ("Symbols", "none"), ("From", "never"), ("To", "never"),
    )  # fmt: skip
    for minute in range(1_200):
        tally.add(make_bar(minute, symbol="BA"[minute % 2]))
    assert tally.rows() == (
        ("Bars", "1,200"),
        ("Symbols", "A, B"),
        ("From", "2024-01-01 00:00:00 UTC"),
        ("To", f"{START + timedelta(minutes=1_199):%Y-%m-%d %H:%M:%S} UTC"),
    )


def test_many_symbols_are_counted_instead_of_listed() -> None:
    """A thousand symbols fit into one cell."""
    tally = Tally()
    for number in range(1_010):
        tally.add(make_bar(0, symbol=f"S{number:04}"))
    assert dict(tally.rows())["Symbols"].endswith("S0006, S0007 and 1,002 more")
