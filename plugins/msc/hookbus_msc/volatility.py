"""The volatility regime: how far prices move now, against how far they usually move.

Two exponentially weighted averages of the variance of each bar (RiskMetrics Technical Document,
J.P. Morgan/Reuters, 1996, chapter 5): one with a short window, one with a long window. A window of
n bars means a decay factor lambda = 1 - 2/(n + 1), the one whose weights have the same mean age as
those of a plain average over n bars; the factor 0.94 of RiskMetrics is a window of 32 bars.
"""

from __future__ import annotations

from datetime import datetime
from math import log, sqrt

from hookbus_trading.flow import Bar

from hookbus_msc.levels import AGGRESSIVE, NORMAL, Thresholds
from hookbus_msc.settings import VolatilitySettings
from hookbus_msc.state import SeriesState, VolatilityState

__all__ = ["Volatility"]

_PARKINSON = 1.0 / (4.0 * log(2.0))
_REGIMES = ("low", "normal", "high")


class _Series:
    """The averages of one symbol: variances of one bar, no unit."""

    __slots__ = ("bars", "interval", "log_close", "long", "ratio", "short", "time")

    def __init__(self, time: datetime, interval: float | None, log_close: float) -> None:
        self.time = time
        self.interval = interval
        self.log_close = log_close
        self.short = 0.0
        self.long = 0.0
        self.bars = 0
        self.ratio = 0.0


class Volatility:
    """The regime of all symbols together.

    The figure is the root of the mean, over all symbols that have `minimum_bars` behind them, of
    short variance over long variance: 1 when prices move as they usually do. The variance of a bar
    is its squared logarithmic return from close to close or, by Parkinson (1980), ln(high/low)^2 /
    (4 ln 2). A bar costs the same however many have gone before and however many symbols there
    are.

    `stale` counts bars that repeat or precede the last one of their symbol, `foreign` those whose
    length is not that of the symbol's first bar, `unwanted` those of symbols that are not followed;
    none of them is used.
    """

    def __init__(self, settings: VolatilitySettings, hysteresis: float) -> None:
        self._settings = settings
        self._symbols = frozenset(settings.symbols)
        self._parkinson = settings.estimator == "parkinson"
        self._thresholds = Thresholds.of(settings.normal, settings.defensive, hysteresis)
        self._squared = Thresholds(*(limit**2 for limit in self._thresholds))
        self._short_weight = 2.0 / (settings.short_window + 1)
        self._long_weight = 2.0 / (settings.long_window + 1)
        self._series: dict[str, _Series] = {}
        self._total = 0.0
        self._ready = 0
        self.demand = self.calm = NORMAL
        self.stale = 0
        self.foreign = 0
        self.unwanted = 0

    @property
    def ratio(self) -> float | None:
        """Short over long volatility, None until a symbol has enough bars."""
        return sqrt(max(0.0, self._total / self._ready)) if self._ready else None

    def update(self, bar: Bar) -> bool:
        """Take a bar; returns whether it was used."""
        series = self._series.get(bar.symbol)
        if series is None:
            return self._begin(bar)
        if bar.time <= series.time:
            self.stale += 1
            return False
        if bar.interval_seconds != series.interval:
            self.foreign += 1
            return False
        series.time = bar.time
        if self._parkinson:
            move = log(bar.high) - log(bar.low)
            self._learn(series, move * move * _PARKINSON)
        else:
            log_close = log(bar.close)
            move = log_close - series.log_close
            series.log_close = log_close
            self._learn(series, move * move)
        return True

    def _begin(self, bar: Bar) -> bool:
        if self._symbols and bar.symbol not in self._symbols:
            self.unwanted += 1
            return False
        self._series[bar.symbol] = _Series(bar.time, bar.interval_seconds, log(bar.close))
        return True

    def _learn(self, series: _Series, variance: float) -> None:
        if series.bars < self._settings.long_window:
            self._warm_up(series, variance)
            if series.bars < self._settings.minimum_bars:
                return
        else:
            series.short += self._short_weight * (variance - series.short)
            series.long += self._long_weight * (variance - series.long)
        ratio = series.short / series.long if series.long > 0.0 else 1.0
        self._total += ratio - series.ratio
        series.ratio = ratio
        self._judge()

    def _warm_up(self, series: _Series, variance: float) -> None:
        """Average plainly until the weight of a bar has fallen to what it will stay at."""
        series.bars += 1
        if series.bars == self._settings.minimum_bars:
            self._ready += 1
        plain = 1.0 / series.bars
        series.short += max(plain, self._short_weight) * (variance - series.short)
        series.long += max(plain, self._long_weight) * (variance - series.long)

    def _judge(self) -> None:
        mean = self._total / self._ready
        normal, defensive, calm_normal, calm_defensive = self._squared
        if mean < calm_normal:
            self.demand = self.calm = AGGRESSIVE
        else:
            self.calm = NORMAL + (mean >= calm_defensive)
            self.demand = (mean >= normal) + (mean >= defensive)

    def sentence(self) -> str:
        """Where volatility stands."""
        ratio, limits = self.ratio, self._thresholds
        if ratio is None:
            needed = self._settings.minimum_bars
            return f"volatility is unknown: no symbol has {needed:,} bars behind it yet"
        return (
            f"volatility is {ratio:.2f} times its baseline over {_symbols(self._ready)}: "
            f"{_REGIMES[self.demand]} regime "
            f"(normal from {limits.normal:.2f}, high from {limits.defensive:.2f})"
        )

    def metrics(self) -> dict[str, float]:
        """The ratio, when it is known."""
        ratio = self.ratio
        return {} if ratio is None else {"volatility_ratio": ratio}

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: bars that were not used, where there are any."""
        ignored = (
            ("Bars ignored: repeated or out of order", self.stale),
            ("Bars ignored: of another length", self.foreign),
            ("Bars ignored: symbol not followed", self.unwanted),
        )
        return tuple((title, f"{count:,}") for title, count in ignored if count)

    def state(self) -> VolatilityState:
        """What must be kept between runs."""
        series = {
            symbol: SeriesState(
                time=one.time,
                interval=one.interval,
                log_close=one.log_close,
                short=one.short,
                long=one.long,
                bars=one.bars,
            )
            for symbol, one in self._series.items()
        }
        return VolatilityState(estimator=self._settings.estimator, series=series)

    def restore(self, state: VolatilityState) -> bool:
        """Go on where an earlier run ended; returns False when that estimated in another way."""
        if state.estimator != self._settings.estimator:
            return False
        for symbol, kept in state.series.items():
            if not self._symbols or symbol in self._symbols:
                self._series[symbol] = self._revived(kept)
        if self._ready:
            self._judge()
        return True

    def _revived(self, kept: SeriesState) -> _Series:
        series = _Series(kept.time, kept.interval, kept.log_close)
        series.short, series.long, series.bars = kept.short, kept.long, kept.bars
        if series.bars >= self._settings.minimum_bars:
            self._ready += 1
            series.ratio = series.short / series.long if series.long > 0.0 else 1.0
            self._total += series.ratio
        return series


def _symbols(count: int) -> str:
    return "1 symbol" if count == 1 else f"{count:,} symbols"
