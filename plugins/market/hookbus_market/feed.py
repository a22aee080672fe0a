"""All sources of bars that the settings name, as one stream in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hookbus_market.csv_bars import CsvBars
from hookbus_market.errors import OnBadRow
from hookbus_market.merge import merged
from hookbus_market.parquet_bars import ParquetBars
from hookbus_market.rows import Bars
from hookbus_market.settings import FileSettings, MarketSettings
from hookbus_market.synthetic import SyntheticBars

__all__ = ["BarSource", "Feed", "open_feed", "open_file"]

_PARQUET = (".parquet", ".pq", ".parq")


class BarSource(Protocol):
    """Where bars come from; opening it is cheap, and it can be read more than once."""

    @property
    def name(self) -> str:
        """What errors and logs call it."""

    @property
    def estimated_bars(self) -> int:
        """How many bars there are, as far as that can be told without reading them."""

    def read(self, on_bad_row: OnBadRow) -> Bars:
        """The bars in the order of time; raises `FeedError`, and what `on_bad_row` raises."""


class Feed:
    """Several sources as one."""

    def __init__(self, sources: Sequence[BarSource]) -> None:
        self.sources = tuple(sources)

    @property
    def estimated_bars(self) -> int:
        """How many bars there are, as far as that can be told without reading them."""
        return sum(source.estimated_bars for source in self.sources)

    def read(self, on_bad_row: OnBadRow) -> Bars:
        """The bars of all sources by time, those of the same time in the order of the sources."""
        return merged([source.read(on_bad_row) for source in self.sources])

    def first_time(self, on_bad_row: OnBadRow) -> datetime | None:
        """The time of the first bar, None when there is none; reads no further than that."""
        with closing(self.read(on_bad_row)) as bars:
            first = next(bars, None)
        return None if first is None else first.time


def open_file(settings: FileSettings, resolve: Callable[[Path], Path] = Path) -> BarSource:
    """The source for one file; `resolve` says where a relative path leads to."""
    path = resolve(settings.path)
    recognised = "parquet" if path.suffix.lower() in _PARQUET else "csv"
    kind = ParquetBars if (settings.format or recognised) == "parquet" else CsvBars
    return kind(path, settings)


def open_feed(settings: MarketSettings, resolve: Callable[[Path], Path] = Path) -> Feed:
    """The feed for the settings of the plugin: its files, then the made-up market."""
    sources: list[BarSource] = [open_file(file, resolve) for file in settings.files]
    if settings.synthetic is not None:
        sources.append(SyntheticBars(settings.synthetic))
    return Feed(sources)
