"""The scheduler: runs jobs on the host's clock, each in the name of its plugin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hookbus.clock import Clock, from_ns
from hookbus.errors import HookbusError, UsageError
from hookbus.events import Event
from hookbus.scheduler.alarms import Alarms
from hookbus.scheduler.joblistener import Listener, Subscriber
from hookbus.scheduler.jobrunner import Desk, JobRunner, ReportFailure
from hookbus.scheduler.jobs import Job, JobSettings, Kind
from hookbus.scheduler.jobstate import RunState
from hookbus.scheduler.jobtimer import Timer
from hookbus.scheduler.runledger import LedgerEntry, RunAccount, RunLedger
from hookbus.settings.mistakes import suggest

Mode = Literal["timer", "event", "shadow", "disabled"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the settings make of a job: the job with its overrides, what runs it, and why not."""

    job: Job
    mode: Mode
    reason: str = ""


def standing(
    job: Job, full_name: str, settings: JobSettings | None, *, events_enabled: bool = True
) -> Standing:
    """Apply settings to a job; raises `ConfigurationError` where they do not fit it.

    With the event system off every job that has a timer is back on it, whatever was chosen.
    """
    settings = settings or JobSettings()
    job = settings.applied_to(job, full_name)
    if not settings.enabled:
        return Standing(job, "disabled", f'[jobs."{full_name}"] enabled = false')
    if events_enabled:
        return Standing(job, job.choice)
    if job.has_timer:
        return Standing(job, "timer")
    return Standing(job, "disabled", "it has no timer, and [events] enabled = false")


class JobHandle:
    """A job that has been added to a scheduler."""

    def __init__(
        self, name: str, plugin: str, stands: Standing, desk: Desk, alarms: Alarms
    ) -> None:
        self.name = name
        self.plugin = plugin
        self.job = stands.job
        self.mode: Mode = stands.mode
        self.reason = stands.reason
        self._desk = desk
        self._alarms = alarms
        self._runner = JobRunner(name, plugin, stands.job, desk)
        self._timer: Timer | None = None
        self._listener: Listener | None = None
        self._removed = False

    @property
    def next_due(self) -> datetime | None:
        """When its timer is due next, in its time zone; None when it runs on events or never."""
        due = None if self._timer is None else self._timer.next_due
        return None if due is None else from_ns(due).astimezone(self.job.zone)

    @property
    def running(self) -> bool:
        """Whether a run is on."""
        return self._runner.running

    @property
    def live(self) -> int:
        """How many due runs have not ended: on, waiting, or collecting events."""
        return self._runner.live + (0 if self._listener is None else self._listener.live)

    @property
    def account(self) -> RunAccount:
        """What became of its due runs so far."""
        return self._desk.ledger.account(self.name)

    async def run_now(self, events: Iterable[Event] = ()) -> LedgerEntry:
        """Run it by hand, also when it is disabled, and return how that ended."""
        now = self._desk.clock.now_ns()
        due = self._runner.open("manual", now, self._runner.gather(*events))
        due.answer = asyncio.get_running_loop().create_future()
        self._runner.submit(due)
        return await due.answer

    def remove(self, reason: str = "its job was removed") -> None:
        """Run it no more: a run that is on is cancelled, unless it is the caller."""
        self._removed = True
        if self._timer is not None:
            self._timer.stop()
        if self._listener is not None:
            self._listener.stop(reason)
        self._runner.stop(reason)

    async def wait_stopped(self) -> None:
        """After `remove`, wait for a cancelled run to end; one that does not is left behind."""
        await self._runner.wait_stopped()

    @property
    def removed(self) -> bool:
        """Whether it has been removed."""
        return self._removed

    def begin(self, bus: Subscriber, state: RunState | None) -> None:
        """Arm its triggers; called by the scheduler."""
        if self.mode == "disabled":
            self.disable(self.reason)
            return
        if self.mode in ("event", "shadow"):
            shadow = self.mode == "shadow"
            self._listener = Listener(self._runner, self._desk.clock, self._alarms, shadow=shadow)
            self._listener.start(bus)
        if self.mode in ("timer", "shadow"):
            self._timer = Timer(self._runner, self._desk.clock, self._alarms, state)
            self._timer.start()

    def disable(self, reason: str) -> None:
        """Write down that it does not run, and why; called by the scheduler."""
        self.mode, self.reason = "disabled", reason
        kind: Kind = "timer" if self.job.has_timer else "event"
        due = self._runner.open(kind, self._desk.clock.now_ns(), self._runner.gather())
        self._runner.end(due, "disabled", reason)

    def set_back(self, step_ns: int) -> None:
        """Go on after the clock was set back; called by the scheduler."""
        if self._timer is not None:
            self._timer.set_back(step_ns)


class PluginScheduler:
    """The scheduler as one plugin sees it; plugins get theirs as `context.scheduler`."""

    def __init__(self, scheduler: Scheduler, plugin: str) -> None:
        self.plugin = plugin
        self._scheduler = scheduler
        self._closed = False

    @property
    def jobs(self) -> tuple[JobHandle, ...]:
        """The plugin's jobs, by name."""
        return tuple(one for one in self._scheduler.jobs if one.plugin == self.plugin)

    def add(self, job: Job) -> JobHandle:
        """Have a job run, from the moment on when all plugins are ready.

        Raises `UsageError` when the plugin has a job of that name or has been stopped, and
        `ConfigurationError` when the settings of the job do not fit it.
        """
        if self._closed:
            raise UsageError(f"plugin {self.plugin!r} has stopped and can add no job")
        return self._scheduler.add(self.plugin, job)

    async def close(self) -> None:
        """Remove all jobs of the plugin and wait for runs that are on, but not for ever."""
        self._closed = True
        handles = self.jobs
        for handle in handles:
            handle.remove("its plugin stopped")
        await asyncio.gather(*(handle.wait_stopped() for handle in handles))
        self._scheduler.forget_removed()


class Scheduler:
    """Everything that is due in one host.

    `bus_for(plugin)` answers the bus that speaks in a plugin's name, `publish` takes the events
    about jobs without waiting, `settings` are the `[jobs]` of the configuration by full name.
    `report_failure(plugin, what, error)` hears of every run that failed or had to be left behind.
    `redact` hides the secrets in what failed runs say. `state` remembers persistent jobs.
    """

    def __init__(
        self,
        clock: Clock,
        bus_for: Callable[[str], Subscriber],
        *,
        publish: Callable[[Event], object],
        report_failure: ReportFailure,
        settings: Mapping[str, JobSettings] | None = None,
        events_enabled: bool = True,
        redact: Callable[[str], str] = str,
        state: RunState | None = None,
    ) -> None:
        self.ledger = RunLedger()
        self._desk = Desk(clock, publish, report_failure, self.ledger, redact)
        self._alarms = Alarms(clock, self._set_back, self._failed)
        self._bus_for = bus_for
        self._settings = settings or {}
        self._events_enabled = events_enabled
        self._state = state
        self._jobs: dict[str, JobHandle] = {}
        self._known: set[str] = set()
        self._started = False

    @property
    def jobs(self) -> tuple[JobHandle, ...]:
        """Every job, by full name."""
        return tuple(self._jobs[name] for name in sorted(self._jobs))

    @property
    def known_jobs(self) -> frozenset[str]:
        """The full name of every job that was ever added, removed ones among them."""
        return frozenset(self._known)

    def job(self, full_name: str) -> JobHandle:
        """A job by its full name; raises `UsageError` with the nearest known name."""
        try:
            return self._jobs[full_name]
        except KeyError:
            known = ", ".join(sorted(self._jobs)) or "none"
            mend = suggest(full_name, self._jobs, f"These are known: {known}")
            raise UsageError(f"there is no job {full_name!r}. {mend}") from None

    def for_plugin(self, name: str) -> PluginScheduler:
        """The scheduler that speaks in a plugin's name."""
        return PluginScheduler(self, name)

    def add(self, plugin: str, job: Job) -> JobHandle:
        """Add a job in the name of a plugin; see `PluginScheduler.add`."""
        name = f"{plugin}.{job.name}"
        self.forget_removed()
        if name in self._jobs:
            raise UsageError(f"there is a job {name!r} already; give one of them another name")
        stands = standing(job, name, self._settings.get(name), events_enabled=self._events_enabled)
        handle = JobHandle(name, plugin, stands, self._desk, self._alarms)
        if self._started:
            handle.begin(self._bus_for(plugin), self._state)
        self._jobs[name] = handle
        self._known.add(name)
        return handle

    def start(self) -> None:
        """Arm the triggers of all jobs, once; intervals count from now.

        A job that cannot begin is disabled and reported, and the others go on.
        """
        if self._started:
            return
        self._started = True
        for handle in list(self._jobs.values()):
            try:
                handle.begin(self._bus_for(handle.plugin), self._state)
            except HookbusError as error:
                self._desk.report_failure(handle.plugin, f"job {handle.job.name}", error)
                handle.disable(str(error))

    async def close(self) -> None:
        """Remove all jobs and stop the timer task."""
        for plugin in sorted({handle.plugin for handle in self.jobs}):
            await self.for_plugin(plugin).close()
        self._alarms.close()
        await self._alarms.wait_closed()

    async def trigger_now(self, full_name: str, events: Iterable[Event] = ()) -> LedgerEntry:
        """Run a job by hand and return how that ended; raises `UsageError` for an unknown one."""
        return await self.job(full_name).run_now(events)

    async def settled(self) -> None:
        """Wait until no run is on, waiting or collecting events. Do not call it in a job."""
        await self._desk.settled()

    def check(self) -> list[str]:
        """What does not add up in the ledger; empty when every due run is accounted for."""
        return self.ledger.check({handle.name: handle.live for handle in self.jobs})

    def forget_removed(self) -> None:
        """Let go of jobs that have been removed and whose runs have ended."""
        self._jobs = {
            name: handle
            for name, handle in self._jobs.items()
            if not (handle.removed and handle.live == 0)
        }

    def _set_back(self, step_ns: int) -> None:
        for handle in self.jobs:
            handle.set_back(step_ns)

    def _failed(self, error: BaseException) -> None:
        self._desk.report_failure("hookbus", "scheduler", error)
