"""Jobs: named work with triggers, the settings that override them, and what a run is told."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Hashable
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from hookbus.bus.filters import FilterLike, Predicate, make_filter, make_predicate
from hookbus.clock import SECOND, from_ns, to_ns
from hookbus.errors import ConfigurationError, Problem, UsageError
from hookbus.events import Event
from hookbus.scheduler.triggers import (
    Cron,
    Interval,
    Once,
    Trigger,
    TriggerError,
    instant_of,
    zone_of,
)
from hookbus.settings.settings import Settings

TriggerChoice = Literal["timer", "event", "shadow"]
Overlap = Literal["skip", "queue", "coalesce"]
Misfire = Literal["run_once", "skip", "run_all"]
Kind = Literal["timer", "event", "batch", "manual"]

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_CHOICES = {"trigger": TriggerChoice, "overlap": Overlap, "misfire": Misfire}
_LEAST = {"every": 0.001, "timeout": 0.001, "batch_window": 0.001, "grace": 0.0, "jitter": 0.0}


class JobError(UsageError):
    """A job that makes no sense: `key` and `value` say where, `reason` why, `mend` what to do."""

    def __init__(self, job: str, key: str, value: object, reason: str, mend: str) -> None:
        self.job = job
        self.key = key
        self.value = value
        self.reason = reason
        self.mend = mend
        super().__init__(f"job {job!r}: {key} = {value!r}: {reason}. {mend}")


@dataclass(frozen=True, slots=True)
class JobRun:
    """What a run of a job is told.

    `job` is the full name, `kind` what triggered it, `due_ns` when it was due and `fired_ns` when
    it began (nanoseconds since 1970). `events` are those that triggered it, oldest first: with a
    `batch_key` the latest of each key, in the order in which the keys came up. `dropped` counts
    events that were too many to keep, `coalesced` other due runs that this one stands for.
    """

    job: str
    kind: Kind
    due_ns: int
    fired_ns: int
    zone: ZoneInfo
    events: tuple[Event, ...] = ()
    dropped: int = 0
    coalesced: int = 0

    @property
    def due(self) -> datetime:
        """When it was due, in the job's time zone."""
        return from_ns(self.due_ns).astimezone(self.zone)

    @property
    def fired(self) -> datetime:
        """When it began, in the job's time zone."""
        return from_ns(self.fired_ns).astimezone(self.zone)


@dataclass(frozen=True, slots=True)
class Job:
    """Named work with a timer, an event trigger, or both; durations in seconds.

    `run` is an async or a plain function (a plain one is called in a thread, under the simulated
    clock on the loop). It is given a `JobRun` where it has a required parameter for it.

    A timer is one of `every` (elapsed time), `cron` (a line of five or six fields, local to
    `timezone`) and `at` (one instant; a naive one is local to `timezone`). `on` names events as in
    `Bus.subscribe`, with `where` as condition. With `batch_window` the first event opens a window
    and one run, at its end, gets all events that came meanwhile; `batch_key`, a field or a
    function, keeps only the latest event of each key. A window closes early at `batch_limit`.

    `trigger` chooses between both: "timer", "event", or "shadow" (the timer runs the job, and
    each time the event would have, the ledger says so). By default the timer, if there is one.

    `overlap` says what becomes of a run that is due while another is running: "skip" it, "queue" it
    (at most `backlog`), or "coalesce" all of them into one that follows. By default a timer's runs
    are skipped, and those of events are coalesced so that no event is lost.

    `misfire` says what becomes of a timer's runs that nobody began in time, because the host was
    asleep or down: "run_once" runs the last for all, "run_all" each, at most `backlog`, and "skip"
    only the last of those that are up to `grace` late. An `at` that is further past than `grace`
    when the job is added does not run, unless it is `persistent`: that remembers over a restart
    when the timer was last due, and such a run may come twice when the host is killed in the middle
    of it. Whatever begins more than a second after it was due is noted as late.

    `jitter` delays each run by up to so much, `timeout` cancels it as failed after so much.

    Raises `JobError`, a `UsageError`, or `ExpressionError` for a bad `where`.
    """

    name: str
    run: Callable[..., Any]
    _: KW_ONLY
    every: float | None = None
    cron: str | None = None
    at: datetime | str | None = None
    timezone: str = "UTC"
    on: FilterLike | None = None
    where: str | Predicate | None = None
    batch_window: float | None = None
    batch_key: str | Callable[[Any], Hashable] | None = None
    batch_limit: int = 10_000
    trigger: TriggerChoice | None = None
    overlap: Overlap | None = None
    misfire: Misfire = "run_once"
    grace: float = 60.0
    backlog: int = 1000
    jitter: float = 0.0
    timeout: float | None = None
    persistent: bool = False

    def __post_init__(self) -> None:
        self._check_names()
        self._check_choices()
        self._check_numbers()
        self._check_timer()
        self._check_events()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its local times."""
        return zone_of(self.timezone)

    @property
    def has_timer(self) -> bool:
        """Whether a timer can run it."""
        return (self.every, self.cron, self.at) != (None, None, None)

    @property
    def choice(self) -> TriggerChoice:
        """The trigger in force: what was chosen, or the timer where there is one."""
        return self.trigger or ("timer" if self.has_timer else "event")

    @property
    def schedule(self) -> str:
        """Its triggers in words, such as `every 60 s` or `cron 0 9 * * 1-5 Europe/Berlin`."""
        parts = []
        if self.every is not None:
            parts.append(f"every {self.every:g} s")
        if self.cron is not None:
            parts.append(f"cron {self.cron} {self.timezone}")
        if self.at is not None:
            parts.append(f"at {self.at}")
        if self.on is not None:
            window = f" within {self.batch_window:g} s" if self.batch_window else ""
            parts.append(f"on {make_filter(self.on)}{window}")
        return ", ".join(parts)

    def timer(self, start_ns: int) -> Trigger | None:
        """When its timer is due, intervals counting from `start_ns`; None without a timer."""
        if self.every is not None:
            return Interval(round(self.every * SECOND), start_ns)
        if self.cron is not None:
            return Cron(self.cron, self.zone)
        if self.at is not None:
            return Once(instant_of(self.at, self.zone))
        return None

    def overlap_for(self, kind: Kind) -> Overlap:
        """The overlap policy in force for runs of one kind."""
        if self.overlap is not None:
            return self.overlap
        return "coalesce" if kind in ("event", "batch") else "skip"

    def _error(self, key: str, reason: str, mend: str) -> JobError:
        return JobError(str(self.name), key, getattr(self, key), reason, mend)

    def _check_names(self) -> None:
        if not (isinstance(self.name, str) and _NAME.fullmatch(self.name)):
            raise self._error("name", "no name of a job", "Write lower case, such as 'rebalance'")
        if not callable(self.run):
            raise self._error("run", "it cannot be called", "Name a function or a method")
        try:
            wants_run(self.run)
        except TypeError as error:
            raise self._error("run", str(error), "Let it take a JobRun, or nothing") from None

    def _check_choices(self) -> None:
        for key, choices in _CHOICES.items():
            value = getattr(self, key)
            if value not in get_args(choices) and (value is not None or key == "misfire"):
                known = ", ".join(map(repr, get_args(choices)))
                raise self._error(key, "there is no such choice", f"Use one of {known}")

    def _check_numbers(self) -> None:
        for key, least in _LEAST.items():
            value = getattr(self, key)
            if value is not None and not (is_number(value) and least <= value < math.inf):
                raise self._error(key, "no such duration", f"Use seconds, {least:g} or more")
        for key in ("backlog", "batch_limit"):
            if type(getattr(self, key)) is not int or getattr(self, key) < 1:
                raise self._error(key, "no such limit", "Use a whole number, 1 or more")
        if self.every is not None and self.jitter >= self.every:
            raise self._error("jitter", "longer than the interval", f"Stay below {self.every:g}")

    def _check_timer(self) -> None:
        given = [key for key in ("every", "cron", "at") if getattr(self, key) is not None]
        if len(given) > 1:
            raise self._error(given[1], f"{given[0]!r} is set as well", "Keep one of them")
        try:
            self.zone  # noqa: B018 - for its error
            self.timer(0)
        except TriggerError as error:
            raise JobError(self.name, error.key, error.value, error.reason, error.mend) from None
        if self.persistent and not given:
            raise self._error("persistent", "it has no timer", "Add every, cron or at")

    def _check_events(self) -> None:
        if self.on is None and not self.has_timer:
            raise self._error("every", "nothing triggers it", "Add every, cron, at or on")
        for key in ("where", "batch_window", "batch_key"):
            if self.on is None and getattr(self, key) is not None:
                raise self._error(key, "there are no events for it", "Say with on= which")
        if self.on is None and self.choice != "timer":
            raise self._error("trigger", "it has no event trigger", "Add on=, or use 'timer'")
        if not self.has_timer and self.choice != "event":
            raise self._error("trigger", "it has no timer", "Add every, cron or at, or use 'event'")
        if self.on is not None:
            self._check_filter(self.on)

    def _check_filter(self, on: FilterLike) -> None:
        try:
            wanted = make_filter(on)
            make_predicate(self.where, wanted)
        except UsageError as error:
            raise type(error)(f"job {self.name!r}: {error}") from None
        for cls in wanted.classes:
            if isinstance(self.batch_key, str) and self.batch_key not in cls.model_fields:
                fields = ", ".join(cls.model_fields) or "none"
                raise self._error("batch_key", f"no field of {cls.__name__}", f"It has: {fields}")


class JobSettings(Settings):
    """What `[jobs."plugin.name"]` may override; whatever is left out stays as the plugin set it."""

    enabled: bool = Field(True, description="whether the job runs at all")
    trigger: TriggerChoice | None = Field(
        None, description="what runs it: its timer, its events, or the timer with events in shadow"
    )
    every: float | None = Field(
        None, ge=0.001, allow_inf_nan=False, description="seconds of elapsed time between two runs"
    )
    cron: str | None = Field(None, description="cron line of five fields, or six with seconds")
    timezone: str | None = Field(None, description="IANA time zone of the cron line")
    overlap: Overlap | None = Field(
        None, description="what becomes of a run that is due while another one is running"
    )
    misfire: Misfire | None = Field(
        None, description="what becomes of runs missed while the host was asleep or down"
    )
    grace: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="seconds that a run may be late and still run with misfire = 'skip'",
    )
    backlog: int | None = Field(None, ge=1, description="most runs that wait or are made up for")
    jitter: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="each run is delayed by up to so many seconds"
    )
    timeout: float | None = Field(
        None, ge=0.001, allow_inf_nan=False, description="seconds after which a run is cancelled"
    )
    batch_window: float | None = Field(
        None, ge=0.001, allow_inf_nan=False, description="seconds for which events are collected"
    )

    @field_validator("cron")
    @classmethod
    def _check_cron(cls, value: str | None) -> str | None:
        if value is not None:
            _plainly(lambda: Cron(value, ZoneInfo("UTC")))
        return value

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, value: str | None) -> str | None:
        if value is not None:
            _plainly(lambda: zone_of(value))
        return value

    @model_validator(mode="after")
    def _check_timer(self) -> JobSettings:
        if self.every is not None and self.cron is not None:
            raise ValueError("every and cron are both set. Keep one of them")
        return self

    def applied_to(self, job: Job, full_name: str) -> Job:
        """The job with these overrides; raises `ConfigurationError` where they do not fit it."""
        changes = {
            key: value
            for key, value in self.model_dump(exclude={"enabled"}).items()
            if value is not None
        }
        if self.every is not None or self.cron is not None:
            changes = {"every": None, "cron": None, "at": None, **changes}
        try:
            return replace(job, **changes)
        except JobError as error:
            key = f'jobs."{full_name}".{error.key}'
            problem = Problem(None, key, error.value, error.reason, error.mend)
            raise ConfigurationError([problem]) from None


def _plainly(check: Callable[[], object]) -> None:
    try:
        check()
    except TriggerError as error:
        raise ValueError(f"{error.reason}. {error.mend}") from None


def is_number(value: object) -> bool:
    """Whether a value is a number of seconds; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def wants_run(run: Callable[..., Any]) -> bool:
    """Whether `run` must be given the `JobRun`; raises `TypeError` when it needs still more."""
    try:
        signature = inspect.signature(run)
    except ValueError:
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        return True
    try:
        signature.bind()
    except TypeError:
        signature.bind(None)
        return True
    return False


def preview(job: Job, count: int, start: datetime) -> list[datetime]:
    """The next runs of a job's timer after `start`, in its time zone, without jitter.

    Intervals count from `start`. Empty for a job that only events trigger. Raises `ValueError` when
    `start` has no time zone.
    """
    start_ns = to_ns(start)
    timer = job.timer(start_ns)
    if timer is None:
        return []
    return [from_ns(due).astimezone(job.zone) for due in islice(timer.walk(start_ns), count)]
