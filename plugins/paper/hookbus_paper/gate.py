"""What a stage does with bars that it must not use: it counts them."""

from collections.abc import Collection
from datetime import datetime

from hookbus_trading.flow import Bar

__all__ = ["BarGate"]


class BarGate:
    """Lets the bars of some symbols pass, each symbol's in the order of time, and counts the rest.

    Without `symbols` every symbol passes. `seen` counts the bars that passed, `unknown` those of
    other symbols, `stale` those that repeat or precede the last bar of their symbol: a duplicate
    must not move an average or fill an order twice. A gap in time needs no decision: the next bar
    is the next bar.
    """

    def __init__(self, symbols: Collection[str] = ()) -> None:
        self._symbols = frozenset(symbols)
        self._last: dict[str, datetime] = {}
        self.seen = 0
        self.stale = 0
        self.unknown = 0

    def admits(self, bar: Bar) -> bool:
        """Whether to use this bar; remembers its time if so."""
        symbol = bar.symbol
        if self._symbols and symbol not in self._symbols:
            self.unknown += 1
            return False
        last = self._last.get(symbol)
        if last is not None and bar.time <= last:
            self.stale += 1
            return False
        self._last[symbol] = bar.time
        self.seen += 1
        return True

    def last_time(self, symbol: str) -> datetime | None:
        """The time of the last bar of a symbol that passed."""
        return self._last.get(symbol)

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: the bars seen, and those that were not used where there are any."""
        ignored = (
            ("Bars ignored: repeated or out of order", self.stale),
            ("Bars ignored: symbol not traded", self.unknown),
        )
        rows = tuple((title, f"{count:,}") for title, count in ignored if count)
        return (("Bars seen", f"{self.seen:,}"), *rows)
