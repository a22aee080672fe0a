"""All symbols: takes their bars, keeps count of what it ignores, and ranks them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from hookbus_trading import Bar

from hookbus_opprank.history import NEVER, History, is_usable
from hookbus_opprank.ranking import Ranking
from hookbus_opprank.rules import why_excluded
from hookbus_opprank.scores import score
from hookbus_opprank.settings import OpprankSettings

__all__ = ["TOO_MANY", "Board"]

DUPLICATE = "duplicate"
OUT_OF_ORDER = "out of order"
UNUSABLE = "number below 1e-50 or above 1e50"
UNLISTED = "symbol excluded by name"
TOO_MANY = "more symbols than maximum_symbols"


class Board:
    """The histories of all symbols.

    `bars` counts those that were used, `ignored` the others by reason, `instants` the times that
    bars had: several bars with one time are one. Symbols are followed up to `maximum_symbols`; of
    those that the lists leave out, as many are remembered by name.
    """

    def __init__(self, settings: OpprankSettings) -> None:
        self._settings = settings
        self._weights = settings.weights.used()
        self._least_bars = settings.rules.minimum_bars or settings.span
        self._include = frozenset(settings.rules.include)
        self._exclude = frozenset(settings.rules.exclude)
        self._histories = {symbol: History(settings) for symbol in settings.rules.include}
        self._unlisted: dict[str, str] = {}
        self._newest = NEVER
        self.bars = 0
        self.ignored: Counter[str] = Counter()
        self.instants = 0

    def push(self, bar: Bar) -> bool:
        """Take a bar; whether it is the first one with a time later than all before."""
        history = self._histories.get(bar.symbol) or self._admit(bar.symbol)
        if history is None:
            return False
        time = bar.time
        if time <= history.time:
            self.ignored[DUPLICATE if time == history.time else OUT_OF_ORDER] += 1
            return False
        if not is_usable(bar):
            self.ignored[UNUSABLE] += 1
            return False
        history.push(bar)
        self.bars += 1
        if time <= self._newest:
            return False
        self._newest = time
        self.instants += 1
        return True

    def _admit(self, symbol: str) -> History | None:
        """Begin a history, unless the lists or the limit are against it, which is counted."""
        reason = self._why_unlisted(symbol)
        if reason is not None:
            self.ignored[UNLISTED] += 1
            if len(self._unlisted) < self._settings.maximum_symbols:
                self._unlisted[symbol] = reason
            return None
        if len(self._histories) >= self._settings.maximum_symbols:
            self.ignored[TOO_MANY] += 1
            return None
        history = self._histories[symbol] = History(self._settings)
        return history

    def _why_unlisted(self, symbol: str) -> str | None:
        if symbol in self._exclude:
            return "named in exclude"
        if self._include and symbol not in self._include:
            return f"not among the {len(self._include)} symbols named in include"
        return None

    def rank(self, now: datetime) -> Ranking:
        """Rank the symbols as they stand at the instant `now`, which their age is measured by."""
        reasons = dict(self._unlisted)
        figures = {}
        for symbol, history in self._histories.items():
            reason = why_excluded(history, self._settings.rules, self._least_bars, now)
            if reason is None:
                figures[symbol] = {name: getattr(history, name) for name in self._weights}
            else:
                reasons[symbol] = reason
        scored = score(figures, self._weights, self._settings.normalise)
        top = self._settings.top
        excluded = {
            one.symbol: f"rank {rank} is below top {top} (score {one.score:.6g})"
            for rank, one in enumerate(scored[top:], top + 1)
        }
        excluded |= dict(sorted(reasons.items()))
        time = None if self._newest == NEVER else self._newest
        return Ranking(tuple(scored[:top]), excluded, time)

    def rows(self) -> list[tuple[str, str]]:
        """Summary rows: the bars that were used, and those that were ignored and why."""
        ignored = [(f"Bars ignored: {why}", f"{n:,}") for why, n in sorted(self.ignored.items())]
        return [("Bars used", f"{self.bars:,}"), *ignored]
