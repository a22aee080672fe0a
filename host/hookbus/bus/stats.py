"""Statistics: the account of one subscription."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ENDS: Final = (
    "delivered",
    "filtered",
    "coalesced",
    "lagged",
    "dead_lettered",
    "pending",
    "abandoned",
)
"""What can become of an event that a subscription matches."""


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
        ended: int = sum(getattr(self, end) for end in ENDS)
        return self.matched - ended

    def line(self) -> str:
        """The account in one line, such as '3 matched: 2 delivered, 1 filtered'."""
        counts = [(end.replace("_", "-"), getattr(self, end)) for end in ENDS]
        ends = ", ".join(f"{count:,} {end}" for end, count in counts if count)
        return f"{self.matched:,} matched: {ends or 'nothing became of them'}"
