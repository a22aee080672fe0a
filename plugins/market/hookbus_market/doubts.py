"""The account of what was odd about the data: what is told at once, in groups, and at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hookbus_trading import DataSuspected
from hookbus_trading.fields import DataDecision, DataDoubt

from hookbus_market.errors import BadRow
from hookbus_market.quality import Doubt

__all__ = ["Doubts", "doubt_about"]

FIRST = 10
"""How many of a kind and symbol are told one by one; later ones at 100, 1,000 and so on."""

MOST_SYMBOLS = 1_000
"""How many pairs of a kind and a symbol are counted apart; the others go without the symbol."""

_LABELS: dict[DataDoubt, str] = {
    "bad_row": "Bad rows",
    "out_of_order": "Rows out of order",
    "duplicate": "Duplicate bars",
    "unknown_symbol": "Bars of unknown symbols",
    "gap": "Gaps",
    "jump": "Price jumps",
}


def doubt_about(bad: BadRow, decision: DataDecision) -> Doubt:
    """A bad row as a doubt."""
    return Doubt(bad.kind, bad.symbol, bad.time, str(bad), decision)


@dataclass(slots=True)
class _Count:
    symbol: str | None
    last: Doubt
    count: int = 0
    told: int = 0


class Doubts:
    """Counts doubts by kind and symbol, and says which of them are to be published."""

    def __init__(self) -> None:
        self._counts: dict[tuple[DataDoubt, str | None], _Count] = {}
        self._kinds: dict[DataDoubt, int] = {}
        self._largest: dict[DataDoubt, Doubt] = {}
        self.skipped = 0

    def add(self, doubt: Doubt) -> DataSuspected | None:
        """Count a doubt; the event that tells of it and those before it, if that is due."""
        self._kinds[doubt.kind] = self._kinds.get(doubt.kind, 0) + 1
        self.skipped += doubt.decision == "skipped"
        if doubt.brief and doubt.size > self._largest.get(doubt.kind, doubt._replace(size=0)).size:
            self._largest[doubt.kind] = doubt
        count = self._count(doubt)
        count.count += 1
        count.last = doubt
        if count.count <= FIRST or doubt.decision == "refused" or _is_round(count.count):
            return self._tell(count)
        return None

    def is_among_first(self, kind: DataDoubt) -> bool:
        """Whether few enough of a kind were counted that each is worth a line of its own."""
        return self._kinds.get(kind, 0) <= FIRST

    def untold(self) -> Iterator[DataSuspected]:
        """The events that tell of all that was counted and not published."""
        for count in self._counts.values():
            if count.told < count.count:
                yield self._tell(count)

    def more(self) -> Iterator[tuple[DataDoubt, int]]:
        """How many of each kind there were beyond the first."""
        for kind, count in self._kinds.items():
            if count > FIRST:
                yield kind, count - FIRST

    def rows(self) -> Iterator[tuple[str, str]]:
        """Labels and values for a reader, of what there was."""
        for kind, label in _LABELS.items():
            if kind in self._kinds:
                yield label, f"{self._kinds[kind]:,}"
            if kind in self._largest:
                largest = self._largest[kind]
                yield f"Largest {kind}", f"{largest.brief} {largest.symbol}"

    def _count(self, doubt: Doubt) -> _Count:
        symbol = doubt.symbol
        if (doubt.kind, symbol) not in self._counts and len(self._counts) >= MOST_SYMBOLS:
            symbol = None
        return self._counts.setdefault((doubt.kind, symbol), _Count(symbol, doubt))

    def _tell(self, count: _Count) -> DataSuspected:
        last = count.last
        count.told = count.count
        return DataSuspected(
            symbol=count.symbol,
            kind=last.kind,
            decision=last.decision,
            detail=last.detail,
            count=count.count,
            time=last.time,
        )


def _is_round(count: int) -> bool:
    """Whether it is 100, 1,000 and so on."""
    return str(count).strip("0") == "1"
