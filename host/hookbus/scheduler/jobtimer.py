"""The timer of a job: ringing when it is due, and what to do about the runs that were missed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from hookbus.clock import SECOND, Clock, from_ns
from hookbus.scheduler.alarms import Alarm, Alarms
from hookbus.scheduler.jobrunner import JobRunner
from hookbus.scheduler.jobs import Misfire
from hookbus.scheduler.jobstate import RunState
from hookbus.scheduler.triggers import Interval, Once, Trigger


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What to do about due runs: those to run, and how many of the others end how."""

    run: tuple[int, ...]
    coalesced: int = 0
    missed: int = 0


def catch_up(
    timer: Trigger, first_ns: int, last_ns: int, misfire: Misfire, on_time_ns: int, limit: int
) -> CatchUp:
    """Decide about everything that was due from `first_ns` to `last_ns`, both of which were.

    "run_once" runs the last for all. "skip" does so with the runs due from `on_time_ns` on, and
    misses the others. "run_all" runs each, but no more than the last `limit`.
    """
    before = first_ns - 1
    total = 1 if first_ns == last_ns else timer.count(before, last_ns)
    if misfire == "run_all":
        run = timer.last(before, last_ns, limit) if total > 1 else [last_ns]
        return CatchUp(tuple(run), missed=total - len(run))
    if misfire == "run_once":
        return CatchUp((last_ns,), coalesced=total - 1)
    on_time = timer.count(max(before, on_time_ns - 1), last_ns)
    if not on_time:
        return CatchUp((), missed=total)
    return CatchUp((last_ns,), coalesced=on_time - 1, missed=total - on_time)


class Timer:
    """Hands the runner of a job what its timer makes due."""

    def __init__(
        self, runner: JobRunner, clock: Clock, alarms: Alarms, state: RunState | None
    ) -> None:
        self.next_due: int | None = None
        self._runner = runner
        self._job = runner.job
        self._clock = clock
        self._alarms = alarms
        self._state = state if runner.job.persistent else None
        self._cursor = 0
        self._trigger: Trigger = Once(0)
        self._alarm: Alarm | None = None

    def start(self) -> None:
        """Begin to wait for the next due run; intervals count from now."""
        now = self._clock.now_ns()
        self._cursor = now
        trigger = self._job.timer(now)
        if trigger is None:
            return
        self._trigger = trigger
        if isinstance(trigger, Once):
            self._cursor = min(now, trigger.at_ns - 1)
        if self._state is not None:
            self._remember(self._state, now)
        elif self._cursor < now - self._grace_ns:
            self._miss_past(trigger, now)
        self._arm()

    def stop(self) -> None:
        """Ring no more."""
        self.next_due = None
        if self._alarm is not None:
            self._alarm.cancel()

    def set_back(self, step_ns: int) -> None:
        """Go on after the clock was set back."""
        if self.next_due is not None:
            now = self._clock.now_ns()
            self._trigger, self._cursor = self._trigger.set_back(self._cursor, now, step_ns)
            self._arm()

    @property
    def _grace_ns(self) -> int:
        return round(self._job.grace * SECOND)

    def _remember(self, state: RunState, now: int) -> None:
        done = state.load(self._runner.name)
        if done is not None:
            self._cursor = min(done, now)
        if isinstance(self._trigger, Interval):
            self._trigger = Interval(self._trigger.every_ns, self._cursor)
        state.save(self._runner.name, self._cursor)
        self._runner.on_end = self._save

    def _save(self) -> None:
        """Remember how far the due runs are done with, none of those under way among them."""
        if self._state is not None:
            oldest = self._runner.oldest_due("timer")
            done = self._cursor if oldest is None else min(self._cursor, oldest - 1)
            self._state.save(self._runner.name, done)

    def _miss_past(self, trigger: Trigger, now: int) -> None:
        due = trigger.next_after(self._cursor)
        reason = "it was past when the job was added; a persistent job is made up for"
        self._runner.end_many(1, due or now, "missed", reason)
        self._cursor = now

    def _planned(self, due_ns: int) -> int:
        if not self._job.jitter:
            return due_ns
        chance = random.Random(f"{self._runner.name}@{due_ns}")
        return due_ns + round(chance.uniform(0, self._job.jitter) * SECOND)

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self.next_due = self._trigger.next_after(self._cursor)
        if self.next_due is not None:
            self._alarm = self._alarms.set(self._planned(self.next_due), self._ring)

    def _ring(self) -> None:
        first = self.next_due
        if first is None:
            return
        now, timer = self._clock.now_ns(), self._trigger
        last = self._last_outstanding(first, now)
        delay = self._planned(last) - last
        plan = catch_up(
            timer,
            first,
            last,
            self._job.misfire,
            now - delay - self._grace_ns,
            self._job.backlog,
        )
        self._cursor = last
        self._arm()
        self._carry_out(plan, last)

    def _last_outstanding(self, first: int, now: int) -> int:
        """The last run that should have begun by now, however long its jitter."""
        following = self._trigger.next_after(first)
        limit = now - round(self._job.jitter * SECOND)
        if following is None or following > limit:
            return first
        return self._trigger.latest(first, limit) or first

    def _carry_out(self, plan: CatchUp, last: int) -> None:
        end_many = self._runner.end_many
        if plan.missed:
            made_up = f"only the last {self._job.backlog} missed runs are made up for"
            too_late = f"nobody was there to begin it within {self._job.grace:g} s"
            reason = made_up if self._job.misfire == "run_all" else too_late
            end_many(plan.missed, last, "missed", reason)
        stands_for = f"the run due at {from_ns(last).isoformat()} stands for it"
        end_many(plan.coalesced, last, "coalesced", stands_for)
        for due_ns in plan.run:
            due = self._runner.open("timer", due_ns, self._runner.gather(), self._planned(due_ns))
            due.coalesced = plan.coalesced
            self._runner.submit(due, queue=len(plan.run) > 1)
        if not plan.run:
            self._save()
