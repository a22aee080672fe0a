"""What a feed has delivered, for the summary."""

from __future__ import annotations

from datetime import datetime

from hookbus_trading import Bar

__all__ = ["Tally"]

_MOST_SYMBOLS = 8


class Tally:
    """Counts bars and remembers their symbols and the first and the last time."""

    def __init__(self) -> None:
        self.bars = 0
        self.symbols: set[str] = set()
        self.first: datetime | None = None
        self.last: datetime | None = None

    def add(self, bar: Bar) -> None:
        """Count one bar; bars come in the order of time."""
        self.bars += 1
        self.symbols.add(bar.symbol)
        self.first = self.first or bar.time
        self.last = bar.time

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Labels and values for a reader."""
        return (
            ("Bars", f"{self.bars:,}"),
            ("Symbols", self._symbols()),
            ("From", _written(self.first)),
            ("To", _written(self.last)),
        )

    def _symbols(self) -> str:
        names = sorted(self.symbols)
        more = len(names) - _MOST_SYMBOLS
        listed = ", ".join(names[:_MOST_SYMBOLS]) or "none"
        return f"{listed} and {more:,} more" if more > 0 else listed


def _written(time: datetime | None) -> str:
    return "never" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"
