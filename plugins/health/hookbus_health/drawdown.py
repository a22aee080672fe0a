"""Drawdown: what an account has lost since the day began."""

from __future__ import annotations

from decimal import Decimal

from hookbus_health.levels import SECOND, Finding, Ladder, Thresholds

DAY = 86_400 * SECOND
"""Nanoseconds in a day."""

COMPONENT = "drawdown"


class Drawdown:
    """Judges the loss of one UTC day: `1 - equity / equity at the start of the day`.

    The equity at the start of the day is the last one known before midnight UTC; on the first day
    it is the first one known. With nothing left to begin with, the loss is 1 (100 %). At midnight
    the loss begins at 0 again. Equities are in the account currency, times in nanoseconds since
    1970.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._ladder = Ladder(thresholds, "the loss since 00:00 UTC", lambda loss: f"{loss:.2%}")
        self._day = -1
        self._start = self._equity = Decimal(0)

    def update(self, equity: Decimal, now_ns: int) -> Finding:
        """Take the newest equity."""
        if self._day < 0:
            self._equity = equity
        self._turn_day(now_ns)
        self._equity = equity
        return self._finding()

    @property
    def due_ns(self) -> int | None:
        """The end of the day, while its loss is too large."""
        return None if self._ladder.level == "healthy" else (self._day + 1) * DAY

    def look(self, now_ns: int) -> list[Finding]:
        """What time alone has changed: a new day has begun."""
        if self.due_ns is None or now_ns < self.due_ns:
            return []
        self._turn_day(now_ns)
        return [self._finding()]

    def _turn_day(self, now_ns: int) -> None:
        if now_ns // DAY > self._day:
            self._day, self._start = now_ns // DAY, self._equity

    def _finding(self) -> Finding:
        loss = float(1 - self._equity / self._start) if self._start > 0 else 1.0
        reason = self._ladder.judge(loss)
        metrics = {
            "loss": loss,
            "equity": float(self._equity),
            "equity_at_start_of_day": float(self._start),
        }
        return Finding(COMPONENT, self._ladder.level, reason, metrics)
