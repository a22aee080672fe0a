"""The status of one component: quick to get worse, slow to get better."""

from __future__ import annotations

from typing import NamedTuple

from hookbus_trading.fields import HealthLevel

from hookbus_health.levels import SEVERITY, Finding


class Damping(NamedTuple):
    """How many observations in a row make it worse, and how long it must be better to be so."""

    worse_after: int = 1
    recovery_ns: int = 0


class Status:
    """The damped level of one component. Times are nanoseconds of the host's clock.

    It gets worse at the `worse_after`-th finding in a row that is worse. It gets better once every
    finding for `recovery_ns` was better, to the worst among them; a finding holds until the next
    one. `finding` is the one that the level stands on.
    """

    def __init__(self, component: str, damping: Damping) -> None:
        self.finding = Finding(component, "healthy", "", {})
        self._damping = damping
        self._worse = 0
        self._better_since_ns: int | None = None
        self._proven = self._last = self.finding

    @property
    def level(self) -> HealthLevel:
        """How well the component works."""
        return self.finding.level

    @property
    def due_ns(self) -> int | None:
        """When it gets better if nothing else is found until then."""
        if self._better_since_ns is None:
            return None
        return self._better_since_ns + self._damping.recovery_ns

    def observe(self, finding: Finding, now_ns: int) -> bool:
        """Take a finding; True when it changed the level."""
        before = self.level
        self._last = finding
        if SEVERITY[finding.level] < SEVERITY[self.level]:
            self._observe_better(finding, now_ns)
        else:
            self._better_since_ns = None
            self._observe_worse(finding)
        return self.level != before

    def settle(self, now_ns: int) -> bool:
        """Let time pass without a finding; True when it changed the level."""
        if self.due_ns is None or now_ns < self.due_ns:
            return False
        self.finding = self._proven
        self._better_since_ns = None
        if SEVERITY[self._last.level] < SEVERITY[self.level]:
            self._observe_better(self._last, now_ns)
        return True

    def _observe_better(self, finding: Finding, now_ns: int) -> None:
        self._worse = 0
        if self._better_since_ns is None:
            self._better_since_ns, self._proven = now_ns, finding
        if SEVERITY[finding.level] >= SEVERITY[self._proven.level]:
            self._proven = finding
        self.settle(now_ns)

    def _observe_worse(self, finding: Finding) -> None:
        if finding.level == self.level:
            self._worse, self.finding = 0, finding
            return
        self._worse += 1
        if self._worse >= self._damping.worse_after:
            self._worse, self.finding = 0, finding
