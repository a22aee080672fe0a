"""Statistics: the account of one subscription."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SubscriptionStats:
    """The account of a subscription; `matched` is the sum of where its events have gone.

    `condition` is the expression that decides which events it takes, or the name of the function
    with `()` behind it.
    """

    name: str
    plugin: str
    filter: str
    delivery: str
    matched: int
    delivered: int
    filtered: int
    coalesced: int
    lagged: int
    dead_lettered: int
    pending: int
    abandoned: int
    failures: int
    retries: int
    condition: str | None = None

    @property
    def balanced(self) -> bool:
        """Whether every matched event is accounted for."""
        return self.unaccounted == 0

    @property
    def unaccounted(self) -> int:
        """Matched events that nothing became of; below zero where some are counted twice."""
        return self.matched - (
            self.delivered
            + self.filtered
            + self.coalesced
            + self.lagged
            + self.dead_lettered
            + self.pending
            + self.abandoned
        )
