"""The monitor: takes findings to the board, tells what changed, and looks again in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hookbus import Bus, Clock
from hookbus_trading import HealthStatusChanged

from hookbus_health.alarm import Alarm
from hookbus_health.board import Board, Change
from hookbus_health.levels import Finding
from hookbus_health.status import Damping


class TimedRule(Protocol):
    """A rule whose findings may change by time alone."""

    @property
    def due_ns(self) -> int | None:
        """When it must be looked at although nothing has happened, None for never."""

    def look(self, now_ns: int) -> list[Finding]:
        """What time alone has changed."""


class Monitor:
    """Publishes `HealthStatusChanged` whenever a finding, or time, changes a status.

    Nothing is polled: between events it sleeps until the next instant at which a rule or a recovery
    is due. Once closed it takes nothing more.
    """

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.board = Board()
        self.alarm = Alarm(clock, self._look)
        self.now_ns: Callable[[], int] = clock.now_ns
        self._bus = bus
        self._clock = clock
        self._rules: list[tuple[TimedRule, Damping]] = []
        self._closed = False

    def add(self, rule: TimedRule, damping: Damping) -> None:
        """Look at a rule when it is due."""
        self._rules.append((rule, damping))

    def report(self, finding: Finding, damping: Damping) -> None:
        """Take what a rule or a check has found, and set the alarm anew."""
        if self._closed:
            return
        self._publish(self.board.report(finding, damping, self.now_ns()))
        self._set_alarm()

    def close(self) -> None:
        """The host stops: what happens from now on says nothing about its health."""
        self._closed = True

    def _look(self) -> None:
        if self._closed:
            return
        now_ns = self.now_ns()
        for rule, damping in self._rules:
            for finding in rule.look(now_ns):
                self._publish(self.board.report(finding, damping, now_ns))
        self._publish(self.board.settle(now_ns))
        self._set_alarm()

    def _set_alarm(self) -> None:
        self.alarm.set(self.board.due_ns)
        for rule, _ in self._rules:
            self.alarm.set(rule.due_ns)

    def _publish(self, changes: list[Change]) -> None:
        for change in changes:
            event = HealthStatusChanged(
                component=change.component,
                status=change.status,
                previous=change.previous,
                reason=change.reason or f"it says that it is {change.status}",
                metrics=dict(change.metrics),
                time=self._clock.now(),
            )
            self._bus.publish_forced(event)
