"""What is remembered of one symbol: as many bars as the windows hold, and sums over them."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from math import log, sqrt
from typing import Final

from hookbus_trading import Bar

from hookbus_opprank.ranges import ESTIMATORS
from hookbus_opprank.rolling import RollingMean
from hookbus_opprank.settings import OpprankSettings

__all__ = ["NEVER", "History", "is_usable"]

NEVER: Final = datetime.min.replace(tzinfo=UTC)
"""The time of the last bar of a symbol that has had none."""

_LARGEST: Final = 1e50
_SMALLEST: Final = 1e-50


def is_usable(bar: Bar) -> bool:
    """Whether the numbers of a bar are of a size that can be computed with: 1e-50 to 1e50."""
    adjusted = bar.adjusted_close
    return (
        bar.low > _SMALLEST
        and bar.high < _LARGEST
        and bar.volume < _LARGEST
        and (adjusted is None or _SMALLEST < adjusted < _LARGEST)
    )


class History:
    """The windows of one symbol. A bar costs the same however many there were.

    `bars` is how many there were, `time` and `close` those of the last one. Figures are meaningful
    once there were as many bars as `OpprankSettings.needed_bars` says.
    """

    __slots__ = (
        "_adjusts",
        "_break",
        "_break_at",
        "_highest_change",
        "_is_adjusted",
        "_longest_gap",
        "_lowest_change",
        "_prices",
        "_ranges",
        "_settings",
        "_span",
        "_squares",
        "_term",
        "_values",
        "bars",
        "close",
        "time",
    )

    def __init__(self, settings: OpprankSettings) -> None:
        rules = settings.rules
        self._settings = settings
        self._adjusts = settings.adjusted
        self._lowest_change = 1.0 - rules.maximum_move
        self._highest_change = 1.0 + rules.maximum_move
        self._longest_gap = timedelta(seconds=rules.maximum_gap)
        self._span = settings.span
        longest = max(settings.momentum_window, settings.volatility_window)
        self._prices: deque[float] = deque(maxlen=longest + 1)
        self._squares = RollingMean(settings.volatility_window)
        self._values = RollingMean(settings.liquidity_window)
        self._ranges = RollingMean(settings.range_window)
        self._term = ESTIMATORS[settings.range_estimator].term
        self._is_adjusted = False
        self._break = ""
        self._break_at = 0
        self.bars = 0
        self.time = NEVER
        self.close = 0.0

    def push(self, bar: Bar) -> None:
        """Take the next bar, which must be later than the last one, and usable."""
        close, time = bar.close, bar.time
        adjusted = bar.adjusted_close if self._adjusts else None
        is_adjusted = adjusted is not None
        price = close if adjusted is None else adjusted
        if self.bars:
            change = price / self._prices[-1]
            if (
                not self._lowest_change <= change <= self._highest_change
                or time - self.time > self._longest_gap
                or is_adjusted is not self._is_adjusted
            ):
                self._break_at = self.bars
                self._break = self._why_broken(bar, price, is_adjusted=is_adjusted)
            step = log(change)
            self._squares.push(step * step)
        self._is_adjusted = is_adjusted
        self._prices.append(price)
        self._values.push(close * bar.volume)
        self._ranges.push(self._term(bar))
        self.bars += 1
        self.time = time
        self.close = close

    def _why_broken(self, bar: Bar, price: float, *, is_adjusted: bool) -> str:
        rules, before, gap = self._settings.rules, self._prices[-1], bar.time - self.time
        if is_adjusted is not self._is_adjusted:
            reason = f"its prices {'begin' if is_adjusted else 'cease'} to be adjusted"
        elif gap > self._longest_gap:
            seconds = f"{gap.total_seconds():,.10g}"
            reason = f"no bar for {seconds} s, above {rules.maximum_gap:,.10g} s (maximum_gap)"
        else:
            move = f"{before:.6g} to {price:.6g} in one bar, {price / before - 1.0:+.6g}"
            reason = f"{move} is beyond {rules.maximum_move:g} (maximum_move)"
        return f"at {bar.time:%Y-%m-%d %H:%M:%S} UTC: {reason}"

    @property
    def broken(self) -> str | None:
        """What makes the windows no continuous series of prices, where something does."""
        ago = self.bars - 1 - self._break_at
        return self._break if self._break and ago < self._span - 1 else None

    @property
    def momentum(self) -> float:
        """Return from the close `momentum_window` bars ago to that `momentum_skip` bars ago.

        As a fraction: Jegadeesh and Titman, "Returns to Buying Winners and Selling Losers",
        Journal of Finance 48 (1993), who skip the newest week.
        """
        settings, prices = self._settings, self._prices
        first = prices[-1 - settings.momentum_window]
        return (prices[-1 - settings.momentum_skip] - first) / first

    @property
    def volatility(self) -> float:
        """Realised volatility of one bar: the root of the mean squared log return, a fraction.

        Andersen, Bollerslev, Diebold and Labys, "Modeling and Forecasting Realized Volatility",
        Econometrica 71 (2003), divided by the root of the number of bars.
        """
        return sqrt(self._squares.mean)

    @property
    def volatility_adjusted(self) -> float:
        """Log return over `volatility_window` bars per realised volatility over them; no unit.

        Between minus and plus the root of the window; 0 where the price stood still.
        """
        window, volatility = self._settings.volatility_window, self.volatility
        if not volatility:
            return 0.0
        change = self._prices[-1] / self._prices[-1 - window]
        return log(change) / (volatility * sqrt(window))

    @property
    def liquidity(self) -> float:
        """Average traded value of a bar, close x volume, in the quote currency."""
        return self._values.mean

    @property
    def range(self) -> float:
        """Average range of a bar by the estimator of the settings, as a fraction of the price."""
        return ESTIMATORS[self._settings.range_estimator].estimate(self._ranges.mean)
