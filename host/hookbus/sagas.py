"""Sagas: flows of several steps, each with a way back, that go on where the process ended.

The contract between a plugin that defines one and the plugin that runs it. See Garcia-Molina and
Salem, Sagas (1987): every step is committed for itself, and what cannot go on is compensated, the
last step first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from hookbus.bus.delivery import Retry
from hookbus.contracts import Statement


class Standing(StrEnum):
    """How a step stands: what it was to do is done, is not done, goes on, or nobody can tell."""

    DONE = "done"
    NOT_DONE = "not done"
    UNDER_WAY = "under way"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call of a step.

    `data`, which must be fit for JSON, is recorded with the step; `statements`, on tables of the
    plugin's own, are committed together with the outcome, all or nothing. `final` forbids to try
    again. `reason` says why, for people to read.
    """

    standing: Standing
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    final: bool = False
    statements: tuple[Statement, ...] = ()

    @classmethod
    def done(cls, data: Mapping[str, Any] | None = None, *statements: Statement) -> Outcome:
        """It is done; by `compensate`: it is undone."""
        return cls(Standing.DONE, data or {}, statements=statements)

    @classmethod
    def not_done(cls, reason: str, *, final: bool = False) -> Outcome:
        """It is not done, and has no effect; it is tried again unless this is final."""
        return cls(Standing.NOT_DONE, reason=reason, final=final)

    @classmethod
    def under_way(cls) -> Outcome:
        """It has been begun, and its end is not known yet: `Sagas.awake` when there is news."""
        return cls(Standing.UNDER_WAY)

    @classmethod
    def unknown(cls, reason: str) -> Outcome:
        """Nobody can tell whether it is done: it is asked for before anything else is tried."""
        return cls(Standing.UNKNOWN, reason=reason)


StepCall = Callable[[str, Mapping[str, Any]], Outcome | Awaitable[Outcome]]
"""`call(key, data)`: a plain function that returns at once, or an async one, which is timed.

`key` is the same for every call of a step of a saga, so whoever is called can tell a repetition.
`data` is what the saga was begun with; under the name of a step stands what that step recorded.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a saga.

    `act` does it; one that raises, or is cancelled because it took longer than `timeout` seconds,
    may have done it or not. `ask` says whether it was done, and is called before anything is tried
    again. `compensate` undoes it, also when called twice; None where there is nothing to undo.
    `timeout` and `retry` are those of the plugin's settings where they are None.
    """

    name: str
    act: StepCall
    ask: StepCall
    compensate: StepCall | None = None
    timeout: float | None = None
    retry: Retry | None = None


class SagaState(StrEnum):
    """Where a saga stands; one that is parked waits for somebody to resume it."""

    RUNNING = "running"
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    COMPENSATED = "compensated"
    PARKED = "parked"

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to do."""
        return self in (SagaState.COMPLETED, SagaState.COMPENSATED)


class StepState(StrEnum):
    """Where a step stands in the record of its saga.

    Of one that is `begun`, or `undoing`, the intent is recorded and the outcome is not.
    """

    WAITING = "waiting"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class SagaStep:
    """A step as it is recorded: `attempts` of what it does now; times in nanoseconds since 1970."""

    name: str
    state: StepState = StepState.WAITING
    attempts: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    begun_ns: int | None = None
    ended_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Saga:
    """A saga as it is recorded: what it was begun with, and what became of each step."""

    id: str
    name: str
    data: Mapping[str, Any]
    steps: tuple[SagaStep, ...]
    begun_ns: int
    changed_ns: int
    state: SagaState = SagaState.RUNNING
    reason: str = ""


@runtime_checkable
class Sagas(Protocol):
    """Runs sagas, and remembers every step in the journal before and after it is taken."""

    def define(self, name: str, steps: Sequence[Step]) -> None:
        """Say what sagas of a name do, in `hookbus_start`.

        Those that an earlier run left go on once the host has started. Raises `UsageError` for a
        name that is defined already and for steps that make no sense.
        """

    def begin(self, name: str, id: str, data: Mapping[str, Any]) -> Awaitable[Saga]:  # noqa: A002
        """Begin a saga, and return when that is recorded; what it does goes on by itself.

        One that is known by this id is returned as it is, and nothing is begun. Under a simulated
        clock the saga has gone as far as it can without waiting when this returns. It need not be
        awaited. Raises `UsageError` for an unknown name, for data that is not fit for JSON and for
        an id that belongs to a saga of another name, and `JournalError` when it cannot be recorded.
        """

    def awake(self, id: str) -> None:  # noqa: A002
        """There is news of what a saga waits for: ask its step again. Others are left alone."""

    def find(self, id: str) -> Awaitable[Saga | None]:  # noqa: A002
        """A saga by its id, also one that has ended; None where there is none."""

    def open(self) -> Sequence[Saga]:
        """Those that have not ended, parked ones too, the oldest first."""
