"""A flow: a saga that this process works on, and what it knows of it beyond the record."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hookbus import Saga, SagaState, Step

__all__ = ["Flow"]


class Flow:
    """`saga` is always what has been committed.

    `fresh` says that this process has recorded an intent and not acted on it yet; without it the
    outcome of what was intended is not known. `doubts` counts how often a step could not tell.
    """

    def __init__(self, saga: Saga, steps: Sequence[Step], *, fresh: bool = False) -> None:
        self.saga = saga
        self.steps = tuple(steps)
        self.fresh = fresh
        self.doubts = 0
        self.active = False
        self.awakened = False
        self.chance = random.Random(saga.id)

    @property
    def goes_on(self) -> bool:
        """Whether there is something to do."""
        return self.saga.state in (SagaState.RUNNING, SagaState.COMPENSATING)

    def take_fresh(self) -> bool:
        """Whether the intent is fresh; from now on it is not, for it is acted on."""
        fresh, self.fresh = self.fresh, False
        return fresh
