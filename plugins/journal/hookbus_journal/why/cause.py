"""Causes: what may have kept an event from happening, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["Cause", "Certainty", "rank"]

Certainty = Literal["certain", "likely", "possible"]
"""The record says so; it follows from what the record says; it fits in time and place."""

_ORDER: dict[Certainty, int] = {"certain": 0, "likely": 1, "possible": 2}
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason, told in `what` and `why`.

    `kind` is the sort of obstacle in a word, `count` how often it was met, `evidence` the ids of
    the newest events that say so, `steps` how far upstream of the event that was asked for it lies.
    """

    kind: str
    certainty: Certainty
    what: str
    why: str = ""
    count: int = 1
    evidence: tuple[str, ...] = ()
    steps: int = 0


def rank(causes: Sequence[Cause]) -> list[Cause]:
    """The most probable first: by certainty, then the nearest, then the most frequent."""
    trimmed = [replace(one, evidence=one.evidence[-_SHOWN:]) for one in causes]
    return sorted(trimmed, key=lambda one: (_ORDER[one.certainty], one.steps, -one.count))
