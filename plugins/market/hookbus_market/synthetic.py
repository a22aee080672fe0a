"""A seeded market that needs no file: geometric Brownian motion, the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from random import Random

from hookbus_trading import Bar

from hookbus_market.errors import OnBadRow
from hookbus_market.rows import Bars
from hookbus_market.settings import SyntheticSettings

__all__ = ["SyntheticBars"]

_YEAR = 365 * 86_400.0
_MEAN_VOLUME = 1_000.0
_HIGHEST = 1e12


class SyntheticBars:
    """Bars of made-up prices.

    Prices are rounded from one bar to the next, which keeps the last digit of a machine's
    arithmetic out of them. A symbol's prices depend on the seed and on its own name only.
    """

    def __init__(self, settings: SyntheticSettings) -> None:
        self._market = settings

    @property
    def name(self) -> str:
        """What errors and logs call this source."""
        return "synthetic"

    @property
    def estimated_bars(self) -> int:
        """How many bars there will be."""
        return self._market.bars * len(self._market.symbols)

    def read(self, on_bad_row: OnBadRow) -> Bars:
        """The bars in the order of time, then of `symbols`; none of them is ever bad."""
        market = self._market
        paths = [(symbol, self._path(symbol)) for symbol in market.symbols]
        step = timedelta(seconds=market.interval)
        for index in range(market.bars):
            time = market.start + index * step
            for symbol, path in paths:
                yield Bar(symbol=symbol, time=time, interval_seconds=market.interval, **next(path))

    def _path(self, symbol: str) -> Iterator[dict[str, float]]:
        market = self._market
        random = Random(f"{market.seed}:{symbol}").random
        variance = market.volatility**2 * market.interval / _YEAR
        trend = market.drift * market.interval / _YEAR - variance / 2
        close = self._rounded(market.price)
        while True:
            first = close
            change = trend + math.sqrt(variance) * _normal(random(), random())
            highest, lowest = _extremes(change, variance, random(), random())
            close = self._rounded(first * math.exp(change))
            yield {
                "open": first,
                "high": max(self._rounded(first * math.exp(highest)), first, close),
                "low": min(self._rounded(first * math.exp(lowest)), first, close),
                "close": close,
                "volume": round(-math.log(1.0 - random()) * _MEAN_VOLUME, 1),
            }

    def _rounded(self, price: float) -> float:
        decimals = self._market.decimals
        return round(min(max(price, 10.0**-decimals), _HIGHEST), decimals)


def _normal(first: float, second: float) -> float:
    """A normal variate of two uniform ones (Box and Muller).

    Written out, since Python promises the same numbers in every version for `random()` only.
    """
    return math.sqrt(-2.0 * math.log(1.0 - first)) * math.cos(2.0 * math.pi * second)


def _extremes(change: float, variance: float, up: float, down: float) -> tuple[float, float]:
    """The highest and the lowest point of a Brownian path that ends at `change`."""
    highest = (change + math.sqrt(change**2 - 2.0 * variance * math.log(1.0 - up))) / 2.0
    lowest = (change - math.sqrt(change**2 - 2.0 * variance * math.log(1.0 - down))) / 2.0
    return highest, lowest
