"""The health of the system, as others report it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookbus_trading.control import HealthStatusChanged
from hookbus_trading.fields import HealthLevel

from hookbus_msc.levels import AGGRESSIVE
from hookbus_msc.settings import HealthSettings
from hookbus_msc.state import UnhealthyState

__all__ = ["Health"]

_LEVELS: Final[Mapping[HealthLevel, int]] = {"healthy": 0, "degraded": 1, "critical": 2}
_SECOND = 1_000_000_000


class Health:
    """The input that looks at the components that are not healthy; nothing heard is healthy.

    What an earlier run knew counts on until it is confirmed or has gone unheard of for some time:
    a component may have recovered, or gone for good, while nobody listened. `deadline_ns` is when
    that ends, None when nothing waits for it.
    """

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._components = frozenset(settings.components)
        self._unhealthy: dict[str, UnhealthyState] = {}
        self._unconfirmed: dict[str, None] = {}
        self.deadline_ns: int | None = None
        self.demand = self.calm = AGGRESSIVE

    def update(self, event: HealthStatusChanged) -> bool:
        """Take a change; returns whether its component counts."""
        name = event.component
        if self._components and name not in self._components:
            return False
        self._unconfirmed.pop(name, None)
        if event.status == "healthy":
            self._unhealthy.pop(name, None)
        else:
            self._unhealthy[name] = UnhealthyState(status=event.status, reason=event.reason)
        self._judge()
        return True

    def _judge(self) -> None:
        levels = (_LEVELS[one.status] for one in self._unhealthy.values())
        self.demand = self.calm = max(levels, default=AGGRESSIVE)
        if not self._unconfirmed:
            self.deadline_ns = None

    def sentence(self) -> str:
        """What is wrong, and with which components."""
        if not self._unhealthy:
            return "health: no component is known to be unhealthy"
        worst = sorted(self._unhealthy.items(), key=lambda item: -_LEVELS[item[1].status])
        return "health: " + "; ".join(
            f"{name} is {one.status} ({one.reason})" for name, one in worst
        )

    def metrics(self) -> dict[str, float]:
        """How many components are not healthy, and the worst level: 1 degraded, 2 critical."""
        return {
            "unhealthy_components": float(len(self._unhealthy)),
            "health_level": float(self.demand),
        }

    def state(self) -> dict[str, UnhealthyState]:
        """What must be kept between runs."""
        return dict(self._unhealthy)

    def restore(self, state: Mapping[str, UnhealthyState], now_ns: int) -> None:
        """Go on where an earlier run ended, until the deadline."""
        for name, one in state.items():
            if not self._components or name in self._components:
                self._unhealthy[name] = one
                self._unconfirmed[name] = None
        self.deadline_ns = now_ns + round(self._settings.confirm_within * _SECOND)
        self._judge()

    def expire(self, now_ns: int) -> list[str]:
        """Forget what was not confirmed in time; returns a sentence for each component."""
        if self.deadline_ns is None or now_ns < self.deadline_ns:
            return []
        forgotten = [
            f"{name} was {self._unhealthy.pop(name).status} before the restart and counts no more: "
            f"nothing was heard of it for {self._settings.confirm_within:,g} s"
            for name in self._unconfirmed
        ]
        self._unconfirmed.clear()
        self._judge()
        return forgotten
