"""Equity: how far it has fallen from its peak, and since the day began."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from hookbus_msc.levels import NORMAL, Thresholds
from hookbus_msc.settings import DailyLossSettings, DrawdownSettings
from hookbus_msc.state import EquityState

__all__ = ["Equity", "Fall"]


class Equity:
    """The highest equity so far, the last one, and that at the start of the UTC day.

    The day starts with the last equity that was known before; the times that count are those of
    the market data. An earlier time than the last one begins no day. `reported` is the drawdown
    that the portfolio itself tells: it may know of a higher peak. `drawdown` and `daily_loss` are
    the two inputs that come of it.
    """

    def __init__(
        self, drawdown: DrawdownSettings, daily_loss: DailyLossSettings, hysteresis: float
    ) -> None:
        self.drawdown = Fall("drawdown", "the peak", drawdown, hysteresis)
        self.daily_loss = Fall("daily_loss", "the first equity of the day,", daily_loss, hysteresis)
        self._state: EquityState | None = None

    def update(self, equity: Decimal, reported: Decimal, time: datetime) -> None:
        """Take the equity, in the account currency, at a time in UTC."""
        before, day = self._state, time.date()
        peak = start = equity
        if before is not None:
            peak = max(before.peak, equity)
            start = before.last if day > before.day else before.day_start
            day = max(day, before.day)
        self._read(EquityState(peak=peak, last=equity, day=day, day_start=start, reported=reported))

    def _read(self, now: EquityState) -> None:
        self._state = now
        fall = max(_fall(now.peak, now.last), float(min(now.reported, Decimal(1))))
        self.drawdown.update(fall, now.peak)
        self.daily_loss.update(_fall(now.day_start, now.last), now.day_start)

    def state(self) -> EquityState | None:
        """What must be kept between runs."""
        return self._state

    def restore(self, state: EquityState) -> None:
        """Go on where an earlier run ended."""
        self._read(state)


class Fall:
    """An input that looks at a loss: the drawdown, or the loss of the day.

    `name` is that of its figure, `start` says what it is a fraction of.
    """

    def __init__(
        self,
        name: str,
        start: str,
        settings: DrawdownSettings | DailyLossSettings,
        hysteresis: float,
    ) -> None:
        self._name = name
        self._start = start
        self._limits = Thresholds.of(settings.normal, settings.defensive, hysteresis)
        self._loss = 0.0
        self._from: Decimal | None = None
        self.demand = self.calm = NORMAL

    def update(self, loss: float, start: Decimal) -> None:
        """Take the loss, as a fraction of `start`, which is in the account currency."""
        self._loss, self._from = loss, start
        self.demand, self.calm = self._limits.demand(loss), self._limits.calm(loss)

    def sentence(self) -> str:
        """Where the loss stands."""
        title, limits = self._name.replace("_", " "), self._limits
        if self._from is None:
            return f"{title} is unknown: no portfolio has been heard of yet"
        return (
            f"{title} is {self._loss:.2%} of {self._start} {self._from:,.2f} "
            f"(normal from {limits.normal:.2%}, defensive from {limits.defensive:.2%})"
        )

    def metrics(self) -> dict[str, float]:
        """The loss, when it is known."""
        return {} if self._from is None else {self._name: self._loss}


def _fall(start: Decimal, now: Decimal) -> float:
    """The loss as a fraction of the start; 1 when nothing or less is left, 0 for a gain."""
    if now <= 0:
        return 1.0
    return float((start - now) / start) if now < start else 0.0
