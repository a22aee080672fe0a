"""A second, slow controller: every decision is worked out from the whole history anew.

It shares no code with the plugin: averages are sums over all bars with their weights written out,
the ends of the Wilson interval are found by bisection, and the mode follows from looking back over
all earlier decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import fsum, log, sqrt
from typing import NamedTuple

from hookbus import Event
from hookbus_msc.settings import MscSettings
from hookbus_trading.control import HealthStatusChanged, TradeExecuted
from hookbus_trading.flow import Bar, PortfolioUpdated


class Judged(NamedTuple):
    """What one observation demanded, what it was calm enough for, and the level after it."""

    time: datetime
    demand: int
    calm: int
    level: int


def slow_average(values: Sequence[float], window: int) -> float:
    """The exponentially weighted mean from all values at once; the first ones count plainly."""
    kept, terms = 1.0, []
    for index in range(len(values) - 1, -1, -1):
        share = max(2.0 / (window + 1), 1.0 / (index + 1))
        terms.append(kept * share * values[index])
        kept *= 1.0 - share
    return fsum(terms)


def decide(settings: MscSettings, events: Sequence[tuple[datetime, Event]]) -> list[Judged]:
    """The decision at every event, each at its time; every event counts as an observation."""
    judged: list[Judged] = []
    for end, (time, _) in enumerate(events, 1):
        history = [event for _, event in events[:end]]
        now = Judged(time, _demanded(settings, history), _demanded(settings, history, calm=True), 0)
        judged.append(now._replace(level=_next_level(settings, judged, now)))
    return judged


def _next_level(settings: MscSettings, judged: list[Judged], now: Judged) -> int:
    before = judged[-1].level if judged else 1
    if now.demand > before:
        return now.demand
    run = [now] if now.calm < before else []
    for index in range(len(judged) - 1, -1, -1):
        came_from = judged[index - 1].level if index else 1
        if not run or judged[index].calm >= before or came_from != before:
            break
        run.append(judged[index])
    if len(run) < settings.relax.after_observations:
        return before
    waited = run[0].time - run[-1].time
    return before - (waited >= timedelta(seconds=settings.relax.after_seconds))


def _demanded(settings: MscSettings, history: list[Event], *, calm: bool = False) -> int:
    """The level that all that has happened demands, or is calm enough for."""
    lower = 1.0 - settings.relax.hysteresis if calm else 1.0
    higher = 1.0 + settings.relax.hysteresis if calm else 1.0
    return max(
        _falls(settings, history, lower),
        _volatility(settings, history, lower),
        _hit_rate(settings, history, higher),
        _health(history),
    )


def _falls(settings: MscSettings, history: list[Event], factor: float) -> int:
    curve = [event for event in history if isinstance(event, PortfolioUpdated)]
    if not curve:
        return 1
    last = curve[-1]
    assert last.time is not None
    today = last.time.date()
    earlier = [one for one in curve if one.time is not None and one.time.date() < today]
    start = (earlier[-1] if earlier else curve[0]).equity
    drawdown = 1 - last.equity / max(one.equity for one in curve)
    return max(
        _above(float(drawdown), settings.drawdown.normal, settings.drawdown.defensive, factor),
        _above(
            float(1 - last.equity / start),
            settings.daily_loss.normal,
            settings.daily_loss.defensive,
            factor,
        ),
    )


def _volatility(settings: MscSettings, history: list[Event], factor: float) -> int:
    closes: dict[str, list[float]] = {}
    for event in history:
        if isinstance(event, Bar):
            closes.setdefault(event.symbol, []).append(event.close)
    limits, ratios = settings.volatility, []
    for prices in closes.values():
        variances = [log(after / before) ** 2 for before, after in pairwise(prices)]
        if len(variances) >= limits.minimum_bars:
            long = slow_average(variances, limits.long_window)
            short = slow_average(variances, limits.short_window)
            ratios.append(short / long if long else 1.0)
    if not ratios:
        return 1
    return _above(sqrt(fsum(ratios) / len(ratios)), limits.normal, limits.defensive, factor)


def _hit_rate(settings: MscSettings, history: list[Event], factor: float) -> int:
    limits = settings.hit_rate
    trades = [event for event in history if isinstance(event, TradeExecuted)][-limits.trades :]
    if len(trades) < limits.minimum_trades:
        return 1
    rate = sum(trade.pnl > 0 for trade in trades) / len(trades)
    low, high = (_end(rate, len(trades), limits.z, side) for side in (0.0, 1.0))
    return (low < limits.normal * factor) + (high < limits.defensive * factor)


def _end(rate: float, trades: int, z: float, side: float) -> float:
    """Between `rate` and `side`, where the rate is just z standard deviations away."""
    near, far = rate, side
    for _ in range(60):
        middle = (near + far) / 2
        if abs(middle - rate) < z * sqrt(middle * (1 - middle) / trades):
            near = middle
        else:
            far = middle
    return near


def _health(history: list[Event]) -> int:
    now = {one.component: one.status for one in history if isinstance(one, HealthStatusChanged)}
    levels = {"healthy": 0, "degraded": 1, "critical": 2}
    return max((levels[status] for status in now.values()), default=0)


def _above(value: float, normal: float, defensive: float, factor: float) -> int:
    return (value >= normal * factor) + (value >= defensive * factor)
