"""Equity of a book, now and at the start of the UTC day."""

from datetime import date, datetime
from decimal import Decimal

from hookbus_trading.flow import PortfolioUpdated

from hookbus_paper.money import EXACT

__all__ = ["DailyLoss"]

_ZERO = Decimal(0)


class DailyLoss:
    """Equity now and at the start of the day: the last that was known before the day began.

    `day_start` is None until an equity is known; `exposure` is the sum of the absolute values of
    all positions, as the portfolio told it last; `accepted` is the loss of the day that somebody
    has accepted by releasing the kill switch.
    """

    def __init__(self) -> None:
        self.equity = _ZERO
        self.exposure = _ZERO
        self.accepted = _ZERO
        self.day_start: Decimal | None = None
        self._day: date | None = None

    @property
    def lost(self) -> Decimal:
        """What has been lost since the start of the day; negative when it was gained."""
        return _ZERO if self.day_start is None else EXACT.subtract(self.day_start, self.equity)

    def at(self, time: datetime) -> None:
        """Begin a new day if `time`, in UTC, is in one; earlier times change nothing."""
        day = time.date()
        if self._day is None or day > self._day:
            self._day = day
            self.accepted = _ZERO
            if self.day_start is not None:
                self.day_start = self.equity

    def update(self, update: PortfolioUpdated, time: datetime) -> None:
        """Take the state at a time."""
        self.at(time)
        self.equity = update.equity
        self.exposure = update.exposure
        if self.day_start is None:
            self.day_start = update.equity

    def accept(self) -> None:
        """Accept the loss so far."""
        self.accepted = max(self.lost, _ZERO)

    def reached(self, limit: Decimal | None, accepted: Decimal = _ZERO) -> bool:
        """Whether the loss beyond what was accepted has reached a fraction of `day_start`."""
        if limit is None or self.day_start is None:
            return False
        lost = EXACT.subtract(self.lost, accepted)
        return lost >= EXACT.multiply(self.day_start, limit)
