"""The board: every component with its status, and the worst of them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hookbus_trading.fields import HealthLevel

from hookbus_health.levels import SEVERITY, Finding, worst
from hookbus_health.sign import Standing
from hookbus_health.status import Damping, Status

SYSTEM = "system"
"""The component that is as bad as the worst of the others."""


class Change(NamedTuple):
    """A component works better or worse than before."""

    component: str
    status: HealthLevel
    previous: HealthLevel
    reason: str
    metrics: Mapping[str, float]


@dataclass(slots=True)
class Component:
    """What the board knows of one component: its status, and what became of it so far."""

    status: Status
    told: HealthLevel = "healthy"
    worst: HealthLevel = "healthy"
    changes: int = 0

    def standing(self) -> Standing:
        """How it stands now."""
        level, reason = self.status.level, self.status.finding.reason
        return Standing(status=level, reason=reason, changes=self.changes)

    def tell(self) -> Change:
        """Note that the status has changed, and say how."""
        previous, self.told = self.told, self.status.level
        self.worst = worst((self.worst, self.told))
        self.changes += 1
        name, level, reason, metrics = self.status.finding
        return Change(name, level, previous, reason, metrics)


class Board:
    """All components by name, in the order in which they were first heard of.

    A component begins as healthy. Every call returns the changes that it made, those of `system`
    last. Times are nanoseconds of the host's clock.
    """

    def __init__(self) -> None:
        self.components: dict[str, Component] = {}
        self.system = Component(Status(SYSTEM, Damping()))
        self._recovering: dict[str, Component] = {}

    def report(self, finding: Finding, damping: Damping, now_ns: int) -> list[Change]:
        """Take a finding; `damping` counts when the component is first heard of."""
        name = finding.component
        component = self.components.get(name)
        if component is None:
            component = self.components[name] = Component(Status(name, damping))
        changed = component.status.observe(finding, now_ns)
        if component.status.due_ns is not None:
            self._recovering[name] = component
        return self._tell([component] if changed else [], now_ns)

    def settle(self, now_ns: int) -> list[Change]:
        """Let time pass: components that were better for long enough become so."""
        changed = [one for one in self._recovering.values() if one.status.settle(now_ns)]
        self._recovering = {
            name: one for name, one in self._recovering.items() if one.status.due_ns is not None
        }
        return self._tell(changed, now_ns)

    @property
    def due_ns(self) -> int | None:
        """When the next component gets better if nothing happens until then."""
        dues = (one.status.due_ns for one in self._recovering.values())
        return min((due for due in dues if due is not None), default=None)

    def standing(self) -> Standing:
        """How the system stands now."""
        level = self.system.status.level
        return Standing(status=level, reason=self._why(level), changes=self.system.changes)

    def standings(self) -> dict[str, Standing]:
        """How every component stands now."""
        return {name: one.standing() for name, one in self.components.items()}

    def _tell(self, changed: list[Component], now_ns: int) -> list[Change]:
        changes = [one.tell() for one in changed]
        if changes and self.system.status.observe(self._system(), now_ns):
            changes.append(self.system.tell())
        return changes

    def _system(self) -> Finding:
        levels = [one.status.level for one in self.components.values()]
        counts: dict[str, float] = {each: levels.count(each) for each in SEVERITY}
        level = worst(levels)
        return Finding(SYSTEM, level, self._why(level), {"components": len(levels), **counts})

    def _why(self, level: HealthLevel) -> str:
        if level == "healthy":
            return "every component is healthy"
        findings = [one.status.finding for one in self.components.values()]
        first, *others = (one for one in findings if one.level == level)
        more = f" and {len(others)} more" if others else ""
        return f"{first.component}{more}: {first.reason}"
