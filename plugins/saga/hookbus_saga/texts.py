"""Sagas as data for a command, and as tables for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hookbus import Saga, SagaStep, UsageError

__all__ = ["described", "unknown"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def described(saga: Saga, *, whole: bool = False) -> dict[str, Any]:
    """A saga as JSON-like data; `whole` has its data and its steps."""
    told: dict[str, Any] = {
        "id": saga.id,
        "name": saga.name,
        "state": str(saga.state),
        "step": next((one.name for one in saga.steps if one.state in _AT_WORK), None),
        "reason": saga.reason,
        "begun": _time(saga.begun_ns),
        "changed": _time(saga.changed_ns),
    }
    if whole:
        told["data"] = dict(saga.data)
        told["steps"] = [_step(step) for step in saga.steps]
    return told


def unknown(saga_id: str) -> UsageError:
    """The error for an id that no saga has."""
    return UsageError(f"there is no saga {saga_id!r}; `hookbus saga list` shows those there are")


_AT_WORK = ("begun", "undoing")


def _step(step: SagaStep) -> dict[str, Any]:
    return {
        "name": step.name,
        "state": str(step.state),
        "attempts": step.attempts,
        "reason": step.reason,
        "begun": _time(step.begun_ns),
        "ended": _time(step.ended_ns),
        "data": dict(step.data),
    }


def _time(time_ns: int | None) -> str | None:
    if time_ns is None:
        return None
    return (_EPOCH + timedelta(microseconds=time_ns // 1000)).isoformat()
