"""Levels, what is found out about a component, and thresholds with hysteresis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from hookbus_trading.fields import HealthLevel

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

SEVERITY: Mapping[HealthLevel, int] = {"healthy": 0, "degraded": 1, "critical": 2}
"""How bad each level is."""


def worst(levels: Iterable[HealthLevel]) -> HealthLevel:
    """The worst of some levels; healthy where there is none."""
    return max(levels, key=SEVERITY.__getitem__, default="healthy")


class Finding(NamedTuple):
    """What a rule or a check says of one component at one moment, before any damping."""

    component: str
    level: HealthLevel
    reason: str
    metrics: Mapping[str, float]


class Thresholds(NamedTuple):
    """Where a value, of which more is worse, enters a level and where it leaves it again.

    A level is entered above its threshold, and left at or below the one for leaving.
    """

    degraded: float
    degraded_leave: float
    critical: float
    critical_leave: float


class Ladder:
    """Turns one value after the other into a level, with hysteresis.

    `what` names the value in reasons, `show` writes it with its unit.
    """

    def __init__(self, thresholds: Thresholds, what: str, show: Callable[[float], str]) -> None:
        self._thresholds = thresholds
        self._what = what
        self._show = show
        self.level: HealthLevel = "healthy"

    def judge(self, value: float) -> str:
        """Take the next value into `level`; returns the reason in words."""
        steps = self._thresholds
        was = SEVERITY[self.level]
        if value > (steps.critical if was < 2 else steps.critical_leave):
            self.level = "critical"
            return self._words(value, steps.critical, steps.critical_leave)
        if value > (steps.degraded if was < 1 else steps.degraded_leave):
            self.level = "degraded"
            return self._words(value, steps.degraded, steps.degraded_leave)
        self.level = "healthy"
        return f"{self._what} is {self._show(value)}"

    def _words(self, value: float, enter: float, leave: float) -> str:
        text = f"{self._what} is {self._show(value)}"
        if value > enter:
            return f"{text}, above {self._show(enter)}"
        return f"{text}, not yet back at {self._show(leave)}"
