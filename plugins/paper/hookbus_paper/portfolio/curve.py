"""The equity curve: one point per instant, its peak and its deepest fall."""

from datetime import datetime
from decimal import Decimal

from hookbus_paper.money import EXACT, ratio

__all__ = ["EquityCurve"]

_ZERO = Decimal(0)


class EquityCurve:
    """Equity over time.

    The last point stays open until a later time comes, and whatever is recorded meanwhile replaces
    it. So the fills and the bars of one instant make one point, in whichever order they come, and
    an equity that only existed between two of them is neither a peak nor a fall. `points` are
    thinned to about `limit`; peak and falls are those of every point.
    """

    def __init__(self, start: Decimal, limit: int = 10_000) -> None:
        self._limit = limit
        self._stride = 1
        self._closed = 0
        self._peak = start
        self._lowest = start
        self._deepest = _ZERO
        self._time: datetime | None = None
        self._equity = start
        self._points: list[tuple[datetime, Decimal]] = []

    @property
    def points(self) -> list[tuple[datetime, Decimal]]:
        """Time and equity, oldest first, thinned to about the limit; the open point is the last."""
        return self._points if self._time is None else [*self._points, (self._time, self._equity)]

    @property
    def drawdown(self) -> Decimal:
        """The fall from the highest equity so far to the last, as a fraction of the highest."""
        return self._fall_to(self._equity)

    @property
    def maximum_drawdown(self) -> Decimal:
        """The deepest fall so far, as a fraction of the highest equity before it."""
        return max(self._deepest, self._fall_to(self._lowest), self.drawdown)

    def _fall_to(self, equity: Decimal) -> Decimal:
        if equity >= self._peak:
            return _ZERO
        return ratio(EXACT.subtract(self._peak, equity), self._peak)

    def record(self, time: datetime | None, equity: Decimal) -> None:
        """Take the equity at a time; an earlier time, or none, counts as the last one."""
        if time is not None and (self._time is None or time > self._time):
            self._settle()
            self._time = time
        self._equity = equity

    def _settle(self) -> None:
        """Close the open point: only now does it count for the peak and the deepest fall."""
        equity = self._equity
        if self._time is not None:
            self._keep(self._time, equity)
        if equity > self._peak:
            self._deepest = max(self._deepest, self._fall_to(self._lowest))
            self._peak = self._lowest = equity
        elif equity < self._lowest:
            self._lowest = equity

    def _keep(self, time: datetime, equity: Decimal) -> None:
        if self._closed % self._stride == 0:
            self._points.append((time, equity))
        self._closed += 1
        if len(self._points) >= self._limit:
            del self._points[1::2]
            self._stride *= 2
