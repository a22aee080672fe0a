"""What is told of sagas; whoever listens to all of them subscribes to `saga.*`."""

from __future__ import annotations

from hookbus import Event
from pydantic import Field

__all__ = [
    "SagaCompensated",
    "SagaCompensating",
    "SagaCompleted",
    "SagaEvent",
    "SagaParked",
    "SagaStarted",
    "SagaStepCompleted",
]


class SagaEvent(Event):
    """What the events of a saga have in common."""

    saga: str = Field(description="Identifier of the saga.")
    name: str = Field(description="Name of its definition.")


class SagaStarted(SagaEvent, type="saga.started", version=1, key="saga"):
    """A saga was begun, and its first step with it."""


class SagaStepCompleted(SagaEvent, type="saga.step_completed", version=1, key="saga"):
    """A step is done, and that is recorded."""

    step: str = Field(description="Name of the step.")
    attempts: int = Field(ge=1, description="How often it was tried, the last time included.")


class SagaCompensating(SagaEvent, type="saga.compensating", version=1, key="saga"):
    """A step cannot be done: what was done before is undone, the last first."""

    step: str = Field(description="Name of the step that cannot be done.")
    reason: str = Field(description="Why, for people to read.")


class SagaCompleted(SagaEvent, type="saga.completed", version=1, key="saga"):
    """Every step is done."""


class SagaCompensated(SagaEvent, type="saga.compensated", version=1, key="saga"):
    """Every step that was done is undone."""

    reason: str = Field(description="Why it turned back, for people to read.")


class SagaParked(SagaEvent, type="saga.parked", version=1, key="saga", critical=True):
    """A saga can neither finish nor be undone; somebody has to look: `hookbus saga resume ID`."""

    step: str = Field(description="Name of the step that cannot be undone.")
    reason: str = Field(description="Why, for people to read.")
