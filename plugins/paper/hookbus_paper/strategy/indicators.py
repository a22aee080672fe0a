"""Incremental indicators of bars: talipp's, kept small and exact over millions of bars.

talipp keeps every value it has ever seen. Here what no later value needs is thrown away once in a
while; and an indicator of a window is then computed anew from its window, so that the rounding
errors of prices that left it do not stay in a running sum.
"""

from collections.abc import Callable
from typing import Any

from hookbus_trading.contracts import IndicatorInput
from hookbus_trading.flow import Bar
from talipp.indicators import ATR, RSI, SMA, DonchianChannels  # type: ignore[import-untyped]
from talipp.ohlcv import OHLCV  # type: ignore[import-untyped]

__all__ = [
    "average_true_range",
    "highest_high",
    "lowest_low",
    "relative_strength",
    "simple_average",
]

_TIDY_EVERY = 1024
"""Bars between two times that old values are thrown away."""


def simple_average(period: int) -> IndicatorInput:
    """The mean of the last `period` closes, in the quote currency."""
    return _Windowed(lambda: SMA(period), period, _close)


def relative_strength(period: int) -> IndicatorInput:
    """Wilder's relative strength index of the closes (1978), 0 to 100."""
    return _Recursive(RSI(period), period, _close)


def average_true_range(period: int) -> IndicatorInput:
    """Wilder's average true range (1978), in the quote currency."""
    return _Recursive(ATR(period), period, _prices)


def highest_high(period: int) -> IndicatorInput:
    """The highest high of the last `period` bars (Donchian's upper channel), quote currency."""
    return _Windowed(lambda: DonchianChannels(period), period, _prices, _upper)


def lowest_low(period: int) -> IndicatorInput:
    """The lowest low of the last `period` bars (Donchian's lower channel), quote currency."""
    return _Windowed(lambda: DonchianChannels(period), period, _prices, _lower)


def _close(bar: Bar) -> float:
    return bar.close


def _prices(bar: Bar) -> OHLCV:
    return OHLCV(bar.open, bar.high, bar.low, bar.close, bar.volume)


def _upper(channels: Any) -> float | None:
    return None if channels is None else channels.ub


def _lower(channels: Any) -> float | None:
    return None if channels is None else channels.lb


def _itself(value: Any) -> float | None:
    return value  # type: ignore[no-any-return]


class _Windowed:
    """An indicator that depends on the last `window` values and nothing else."""

    def __init__(
        self,
        make: Callable[[], Any],
        window: int,
        read: Callable[[Bar], Any],
        give: Callable[[Any], float | None] = _itself,
    ) -> None:
        self._make = make
        self._window = window
        self._read = read
        self._give = give
        self._until_tidy = _TIDY_EVERY
        self._indicator = make()

    def update(self, bar: Bar) -> float | None:
        """Take the next bar; the value after it, None until the window is full."""
        indicator = self._indicator
        indicator.add(self._read(bar))
        self._until_tidy -= 1
        if not self._until_tidy:
            indicator = self._begin_anew(indicator.input_values[-self._window :])
        return self._give(indicator.output_values[-1])

    def _begin_anew(self, values: list[Any]) -> Any:
        self._until_tidy = _TIDY_EVERY
        self._indicator = self._make()
        for value in values:
            self._indicator.add(value)
        return self._indicator


class _Recursive:
    """An indicator whose next value depends on the last one: old errors fade by themselves."""

    def __init__(self, indicator: Any, period: int, read: Callable[[Bar], Any]) -> None:
        self._indicator = indicator
        self._kept = 2 * period + 2
        self._read = read

    def update(self, bar: Bar) -> float | None:
        """Take the next bar; the value after it, None until there is enough history."""
        indicator = self._indicator
        indicator.add(self._read(bar))
        surplus = len(indicator.input_values) - self._kept
        if surplus >= _TIDY_EVERY:
            indicator.purge_oldest(surplus)
        value: float | None = indicator.output_values[-1]
        return value
