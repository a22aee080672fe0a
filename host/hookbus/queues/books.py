"""The books of a work queue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueStats:
    """The account of a work queue; `accepted` is the sum of where its items have gone.

    `pending` items wait in the queue, `running` ones are with a worker, `lanes` says how many wait
    in each lane. Outside the account: `rejected` were refused because the queue was full, `waiting`
    calls of `put` wait for room, `left_behind` workers go on although they were cancelled.
    """

    name: str
    capacity: int
    accepted: int
    done: int
    failed: int
    dropped: int
    coalesced: int
    abandoned: int
    pending: int
    running: int
    rejected: int
    waiting: int
    left_behind: int
    lanes: dict[str, int]

    @property
    def balanced(self) -> bool:
        """Whether every accepted item is accounted for."""
        return self.accepted == (
            self.done
            + self.failed
            + self.dropped
            + self.coalesced
            + self.abandoned
            + self.pending
            + self.running
        )
