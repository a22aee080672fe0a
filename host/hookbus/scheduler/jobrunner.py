"""Running a job: what happens when runs overlap, take too long, fail, or cannot be stopped."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from hookbus.bus.options import is_coroutine_function
from hookbus.clock import SECOND, Clock, from_ns
from hookbus.containment.contained import FAILURES
from hookbus.containment.limits import GRACE
from hookbus.containment.ownership import current_plugin
from hookbus.containment.threadcalls import ThreadCall
from hookbus.envelope import current_envelope, handled_envelope
from hookbus.errors import HookbusError, error_text
from hookbus.events import Event
from hookbus.operational import JobCompleted, JobFailed, JobSkipped, JobStarted
from hookbus.scheduler.gathering import Gathered, key_function
from hookbus.scheduler.jobs import Job, JobRun, Kind, wants_run
from hookbus.scheduler.runledger import End, LedgerEntry, RunLedger

LATE_AFTER = SECOND
"""Nanoseconds after its due time at which a run may begin and still count as on time."""

ReportFailure = Callable[[str, str, BaseException], object]

_RAN: tuple[End, ...] = ("ran", "late", "failed")


class JobAbandoned(HookbusError):  # noqa: N818
    """A run of a job went on after it was cancelled; it has been left behind."""


class JobCancelled(HookbusError):  # noqa: N818
    """A run of a job was cancelled because the job was removed."""


@dataclass(slots=True, eq=False)
class DueRun:
    """One due run from the moment it is due; `planned_ns` is its due time with jitter."""

    kind: Kind
    due_ns: int
    planned_ns: int
    events: Gathered
    context: Context = field(default_factory=Context)
    coalesced: int = 0
    answer: asyncio.Future[LedgerEntry] | None = None


class Desk:
    """What all jobs of a scheduler share: the clock, the books, and whom to tell."""

    def __init__(
        self,
        clock: Clock,
        publish: Callable[[Event], object],
        report_failure: ReportFailure,
        ledger: RunLedger,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.clock = clock
        self.redact = redact
        self.report_failure = report_failure
        self.ledger = ledger
        self._publish = publish
        self._waiters: list[asyncio.Future[None]] = []

    def tell(self, event: Event, context: Context | None = None) -> None:
        """Publish an event about a job, as caused by what the context holds."""
        try:
            (context or Context()).run(self._publish, event)
        except HookbusError as error:
            self.report_failure("hookbus", "publish", error)

    def close(self, entry: LedgerEntry, context: Context | None = None) -> None:
        """Enter the end of runs into the books, and tell of those that did not take place."""
        self.ledger.close(entry)
        if entry.end not in _RAN:
            several = f"{entry.count} runs: " if entry.count > 1 else ""
            skipped = JobSkipped(job=entry.job, outcome=entry.end, reason=several + entry.reason)
            self.tell(skipped, context)
        if self.ledger.pending == 0:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def settled(self) -> None:
        """Wait until no run is pending."""
        while self.ledger.pending:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter


@dataclass(slots=True, eq=False)
class _Active:
    due: DueRun
    fired_ns: int
    began: float
    task: asyncio.Task[BaseException | None]
    limit: asyncio.TimerHandle | None = None
    stopped: BaseException | None = None
    ended: bool = False

    @property
    def duration(self) -> float:
        """Seconds since it began."""
        return asyncio.get_running_loop().time() - self.began


class JobRunner:
    """Runs one job, one run at a time, and ends every due run in the ledger exactly once."""

    def __init__(self, name: str, plugin: str, job: Job, desk: Desk) -> None:
        self.name = name
        self.plugin = plugin
        self.job = job
        self.waiting: deque[DueRun] = deque()
        self.on_end: Callable[[], None] | None = None
        self.closed = False
        self._desk = desk
        self._key = key_function(job.batch_key)
        self._wants_run = wants_run(job.run)
        self._active: _Active | None = None
        self._thread: ThreadCall | None = None

    @property
    def running(self) -> bool:
        """Whether a run is on."""
        return self._active is not None and not self._active.ended

    @property
    def live(self) -> int:
        """How many due runs are on or waiting."""
        return len(self.waiting) + self.running

    def oldest_due(self, kind: Kind) -> int | None:
        """When the oldest run of a kind was due that is on or waiting, None without one."""
        active = [self._active.due] if self._active is not None and self.running else []
        times = [due.due_ns for due in (*active, *self.waiting) if due.kind == kind]
        return min(times, default=None)

    def gather(self, *events: Event) -> Gathered:
        """Collect events as the job wants them; raises what its `batch_key` raises."""
        gathered = Gathered(self._key, self.job.batch_limit)
        for event in events:
            gathered.add(event)
        return gathered

    def open(
        self, kind: Kind, due_ns: int, events: Gathered, planned_ns: int | None = None
    ) -> DueRun:
        """Enter a due run into the books; hand it to `submit` or to `end`.

        What it publishes will name the event that is being handled now as its cause.
        """
        self._desk.ledger.open(self.name)
        due = DueRun(kind, due_ns, due_ns if planned_ns is None else planned_ns, events)
        due.context.run(current_envelope.set, handled_envelope())
        return due

    def submit(self, due: DueRun, *, queue: bool = False) -> None:
        """Begin a due run, or do what the overlap policy says; `queue` lets it wait in any case."""
        overlap = "queue" if queue else self.job.overlap_for(due.kind)
        if self.closed:
            self.end(due, "skipped", "its job was removed")
        elif self._hangs():
            self.end(due, "skipped", "the thread of an earlier run still hangs")
        elif self._active is None:
            self._start(due)
        elif overlap == "coalesce":
            self._coalesce(due)
        elif overlap == "skip":
            still_on = from_ns(self._active.due.due_ns).isoformat()
            self.end(due, "skipped", f"the run due at {still_on} was still on")
        elif len(self.waiting) >= self.job.backlog:
            self.end(due, "skipped", f"{self.job.backlog} runs were waiting already")
        else:
            self.waiting.append(due)

    def end(self, due: DueRun, end: End, reason: str = "", active: _Active | None = None) -> None:
        """Enter how a due run ended."""
        entry = LedgerEntry(self.name, due.kind, due.due_ns, end, reason, events=len(due.events))
        if active is not None:
            entry = replace(entry, fired_ns=active.fired_ns, duration=active.duration)
            active.ended = True
        self._desk.close(entry, due.context)
        if self.on_end is not None:
            self.on_end()
        if due.answer is not None and not due.answer.done():
            due.answer.set_result(entry)

    def end_many(self, count: int, due_ns: int, end: End, reason: str) -> None:
        """Enter timer runs that were due and have ended alike, the last of them at `due_ns`."""
        if count:
            self._desk.ledger.open(self.name, count)
            self._desk.close(LedgerEntry(self.name, "timer", due_ns, end, reason, count))

    def stop(self, reason: str) -> None:
        """Run nothing more: drop what waits and cancel what is on, unless that is the caller."""
        self.closed = True
        while self.waiting:
            self.end(self.waiting.popleft(), "skipped", reason)
        active = self._active
        if active is not None and active.task is not asyncio.current_task():
            _cancel(active, JobCancelled(reason))

    async def wait_stopped(self) -> None:
        """Give a cancelled run a moment to end; leave it behind when it does not."""
        active = self._active
        if active is None or active.task is asyncio.current_task():
            return
        await asyncio.wait({active.task}, timeout=GRACE)
        self._abandon(active)

    def _coalesce(self, due: DueRun) -> None:
        if self.waiting:
            older = self.waiting.pop()
            older.events.absorb(due.events)
            due.events, due.coalesced = older.events, older.coalesced + 1
            later = from_ns(due.due_ns).isoformat()
            self.end(older, "coalesced", f"the run due at {later} stands for it")
        self.waiting.append(due)

    def _hangs(self) -> bool:
        return self._active is None and self._thread is not None and not self._thread.returned

    def _start(self, due: DueRun) -> None:
        loop = asyncio.get_running_loop()
        fired_ns = self._desk.clock.now_ns()
        task = loop.create_task(
            self._call(self._describe(due, fired_ns)),
            name=f"{self.plugin}:{self.job.name}",
            context=due.context,
        )
        self._active = active = _Active(due, fired_ns, loop.time(), task)
        task.add_done_callback(partial(self._done, active), context=Context())
        if self.job.timeout is not None:
            active.limit = loop.call_later(
                self.job.timeout, self._time_out, active, context=Context()
            )
        started = JobStarted(job=self.name, trigger=due.kind, due_ns=due.due_ns)
        self._desk.tell(started, due.context)

    def _describe(self, due: DueRun, fired_ns: int) -> JobRun:
        return JobRun(
            self.name,
            due.kind,
            due.due_ns,
            fired_ns,
            self.job.zone,
            due.events.events,
            due.events.dropped,
            due.coalesced,
        )

    async def _call(self, run: JobRun) -> BaseException | None:
        current_plugin.set(self.plugin)
        try:
            await self._invoke(partial(self.job.run, run) if self._wants_run else self.job.run)
        except FAILURES as error:
            return error
        return None

    async def _invoke(self, call: Callable[[], Any]) -> None:
        if self._desk.clock.simulated or is_coroutine_function(self.job.run):
            result = call()
        else:
            self._thread = ThreadCall(call, f"{self.plugin}:{self.job.name}")
            result = await self._thread.result()
        if inspect.isawaitable(result):
            await result

    def _time_out(self, active: _Active) -> None:
        _cancel(active, TimeoutError(f"took longer than {self.job.timeout:g} s"))
        loop = asyncio.get_running_loop()
        active.limit = loop.call_later(GRACE, self._abandon, active, context=Context())

    def _abandon(self, active: _Active) -> None:
        if self._active is active:
            error = JobAbandoned(f"{active.stopped}, and went on after it was cancelled")
            self._finish(active, error)

    def _done(self, active: _Active, task: asyncio.Task[BaseException | None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception() or task.result()
        if self._active is active:
            self._finish(active, active.stopped or error)

    def _finish(self, active: _Active, error: BaseException | None) -> None:
        if active.limit is not None:
            active.limit.cancel()
        if error is not None:
            self._fail(active, error)
        else:
            self._succeed(active)
        self._active = None
        self._start_next()

    def _fail(self, active: _Active, error: BaseException) -> None:
        text = self._desk.redact(error_text(error))
        self.end(active.due, "failed", text, active)
        self._desk.tell(JobFailed(job=self.name, error=text), active.due.context)
        if not isinstance(error, JobCancelled):
            self._desk.report_failure(self.plugin, f"job {self.job.name}", error)

    def _succeed(self, active: _Active) -> None:
        late_ns = active.fired_ns - active.due.planned_ns
        if late_ns > LATE_AFTER:
            reason = f"began {late_ns / SECOND:g} s after it was due"
            self.end(active.due, "late", reason, active)
        else:
            self.end(active.due, "ran", "", active)
        completed = JobCompleted(job=self.name, duration=active.duration)
        self._desk.tell(completed, active.due.context)

    def _start_next(self) -> None:
        while self.waiting and self._active is None:
            due = self.waiting.popleft()
            if self._hangs():
                self.end(due, "skipped", "the thread of an earlier run still hangs")
            else:
                self._start(due)


def _cancel(active: _Active, why: BaseException) -> None:
    if active.stopped is None:
        active.stopped = why
    if active.limit is not None:
        active.limit.cancel()
    active.task.cancel()
