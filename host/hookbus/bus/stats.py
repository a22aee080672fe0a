"""Statistics: the account of one subscription."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SubscriptionStats:
    """The account of a subscription; `matched` is the sum of where its events have gone."""

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
