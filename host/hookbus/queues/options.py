"""The options of a work queue, and which of them go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

WhenFull: TypeAlias = Literal["wait", "reject", "drop_oldest", "coalesce"]
"""What happens to an item for which there is no room."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """The options of a work queue, as `WorkQueue` takes them; `keyed` when it has a key."""

    capacity: int
    lanes: tuple[str, ...]
    workers: int
    fast_workers: int
    when_full: WhenFull
    keyed: bool
    high_water: float
    reserve: float
    timeout: float | None

    def problem(self) -> str | None:
        """What makes no sense, None when all is well."""
        if self.capacity < 1 or self.workers < 1:
            return f"capacity={self.capacity} and workers={self.workers} must be 1 or more"
        if not 0 <= self.fast_workers < self.workers:
            return (
                f"fast_workers={self.fast_workers} must be 0 or more and less than "
                f"workers={self.workers}: somebody must take what is not in the first lane"
            )
        if not self.lanes or len(set(self.lanes)) < len(self.lanes):
            return f"lanes={self.lanes} must be different names, at least one"
        if self.when_full not in get_args(WhenFull):
            return f"when_full={self.when_full!r} must be one of {', '.join(get_args(WhenFull))}"
        if self.keyed != (self.when_full == "coalesce"):
            return "when_full='coalesce' needs key=, a function of the item; nothing else takes it"
        if not 0 < self.high_water <= 1 or not 0 <= self.reserve < 1:
            return f"high_water={self.high_water} and reserve={self.reserve} are shares of 1"
        if self.timeout is not None and self.timeout <= 0:
            return f"timeout={self.timeout} must be more than 0 seconds"
        return None
