"""The event trigger of a job: one run per event, or one per window over many events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from hookbus.bus.filters import make_filter
from hookbus.clock import SECOND, Clock
from hookbus.events import Event, event_type
from hookbus.operational import JobCompleted, JobFailed, JobSkipped, JobStarted
from hookbus.scheduler.alarms import Alarm, Alarms
from hookbus.scheduler.jobrunner import DueRun, JobRunner

_JOB_EVENTS = (JobStarted, JobCompleted, JobFailed, JobSkipped)


class Closable(Protocol):
    """A subscription, as far as a listener needs it."""

    def close(self) -> None:
        """End it."""


class Subscriber(Protocol):
    """A bus, as far as a listener needs it."""

    @property
    def subscribe(self) -> Callable[..., Closable]:
        """As `Bus.subscribe`."""


class Listener:
    """Hands the runner of a job what events make due; in shadow it only writes it down.

    The events about jobs trigger only those jobs that ask for them by class or full wire name, and
    never the job that they are about: a job on "*" must not run because it has run.
    """

    def __init__(self, runner: JobRunner, clock: Clock, alarms: Alarms, *, shadow: bool) -> None:
        self._runner = runner
        self._job = runner.job
        self._clock = clock
        self._alarms = alarms
        self._shadow = shadow
        self._subscription: Closable | None = None
        self._window: DueRun | None = None
        self._alarm: Alarm | None = None
        wanted = make_filter(self._job.on or ())
        self._asked_for = tuple(
            cls
            for cls in _JOB_EVENTS
            if cls in wanted.classes or event_type(cls).name in wanted.patterns
        )

    @property
    def live(self) -> int:
        """How many batch windows are open."""
        return int(self._window is not None)

    def start(self, bus: Subscriber) -> None:
        """Begin to listen."""
        self._subscription = bus.subscribe(
            self._job.on,
            self._heard,
            name=f"job {self._job.name}",
            where=self._job.where,
            mode="inline",
        )

    def stop(self, reason: str) -> None:
        """Listen no more; what an open window holds does not run."""
        if self._subscription is not None:
            self._subscription.close()
        window, self._window = self._window, None
        if self._alarm is not None:
            self._alarm.cancel()
        if window is not None:
            self._runner.end(window, "skipped", reason)

    def _ignores(self, event: Any) -> bool:
        if not isinstance(event, _JOB_EVENTS):
            return False
        return event.job == self._runner.name or not isinstance(event, self._asked_for)

    def _heard(self, event: Event) -> None:
        if self._ignores(event):
            return
        if self._window is not None:
            self._window.events.add(event)
        elif self._job.batch_window is not None:
            self._open_window(event, self._job.batch_window)
        else:
            now = self._clock.now_ns()
            self._conclude(self._runner.open("event", now, self._runner.gather(event)))
        if self._window is not None and self._window.events.is_full:
            self._window.due_ns = self._window.planned_ns = self._clock.now_ns()
            self._close_window()

    def _open_window(self, event: Event, seconds: float) -> None:
        gathered = self._runner.gather(event)
        end_ns = self._clock.now_ns() + round(seconds * SECOND)
        self._window = self._runner.open("batch", end_ns, gathered)
        self._alarm = self._alarms.set(end_ns, self._close_window, elapsed=True)

    def _close_window(self) -> None:
        window, self._window = self._window, None
        if self._alarm is not None:
            self._alarm.cancel()
        if window is not None:
            self._conclude(window)

    def _conclude(self, due: DueRun) -> None:
        if self._shadow:
            count = len(due.events)
            events = "1 event" if count == 1 else f"{count} events"
            self._runner.end(due, "shadow", f"would have run for {events}")
        else:
            self._runner.submit(due)
