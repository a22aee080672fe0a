"""The record of a saga: what each change makes of it, as plain functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hookbus import Saga, SagaState, SagaStep, Step, StepState

__all__ = [
    "begun",
    "current",
    "data_for",
    "fits",
    "key_of",
    "opened",
    "parked",
    "resumed",
    "step_done",
    "to_undo",
    "turned_back",
    "with_step",
]

_TO_UNDO = (StepState.BEGUN, StepState.DONE, StepState.UNDOING)


def opened(
    name: str, saga_id: str, data: Mapping[str, Any], steps: Sequence[Step], now: int
) -> Saga:
    """A saga as it is begun at a time in nanoseconds: the intent of its first step with it."""
    waiting = tuple(SagaStep(step.name) for step in steps)
    return begun(Saga(saga_id, name, data, waiting, now, now), 0, now)


def begun(saga: Saga, place: int, now: int, attempts: int = 1, reason: str = "") -> Saga:
    """The intent of a step: it is about to be tried for the n-th time."""
    since = saga.steps[place].begun_ns or now
    return with_step(
        saga, place, now, state=StepState.BEGUN, attempts=attempts, reason=reason, begun_ns=since
    )


def step_done(saga: Saga, place: int, now: int, data: Mapping[str, Any]) -> Saga:
    """A step is done: the next one is about to be tried, or the saga is complete."""
    after = with_step(
        saga, place, now, state=StepState.DONE, data=dict(data), reason="", ended_ns=now
    )
    if place + 1 == len(saga.steps):
        return replace(after, state=SagaState.COMPLETED)
    return begun(after, place + 1, now)


def turned_back(saga: Saga, place: int, now: int, reason: str, *, failed: bool) -> Saga:
    """A step cannot be done; unless it is known to have failed, it stays as it is."""
    state = StepState.FAILED if failed else saga.steps[place].state
    after = with_step(saga, place, now, state=state, reason=reason, ended_ns=now)
    return replace(
        after, state=SagaState.COMPENSATING, reason=f"{saga.steps[place].name}: {reason}"
    )


def parked(saga: Saga, place: int, now: int, reason: str) -> Saga:
    """A step cannot be undone either."""
    return replace(with_step(saga, place, now, reason=reason), state=SagaState.PARKED)


def resumed(saga: Saga, now: int) -> Saga:
    """A parked saga goes on undoing, and counts its attempts anew."""
    place = to_undo(saga)
    after = saga if place is None else with_step(saga, place, now, attempts=1)
    return replace(after, state=SagaState.COMPENSATING, changed_ns=now)


def with_step(saga: Saga, place: int, now: int, **changes: Any) -> Saga:
    """The saga with a step changed."""
    steps = list(saga.steps)
    steps[place] = replace(steps[place], **changes)
    return replace(saga, steps=tuple(steps), changed_ns=now)


def current(saga: Saga) -> int:
    """The place of the step that a running saga is at."""
    return next(n for n, step in enumerate(saga.steps) if step.state is StepState.BEGUN)


def to_undo(saga: Saga) -> int | None:
    """The place of the last step that is done, or may be; None where nothing is left of any."""
    places = (n for n, step in enumerate(saga.steps) if step.state in _TO_UNDO)
    return max(places, default=None)


def fits(saga: Saga, steps: Sequence[Step]) -> bool:
    """Whether a saga was begun with these steps."""
    return [step.name for step in saga.steps] == [step.name for step in steps]


def key_of(saga: Saga, place: int) -> str:
    """The idempotency key of a step: the same for every call of it, now and after a crash."""
    return f"{saga.id}/{saga.steps[place].name}"


def data_for(saga: Saga) -> dict[str, Any]:
    """What a step is told: the data of the saga, and by its name what each step recorded."""
    return {**saga.data, **{one.name: dict(one.data) for one in saga.steps if one.data}}
