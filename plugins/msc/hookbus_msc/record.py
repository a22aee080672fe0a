"""The record of a run: how long each mode was in force, and how often the policy changed."""

from __future__ import annotations

from hookbus_trading.control import PolicyUpdated

from hookbus_msc.levels import MODES, level_of_mode

__all__ = ["Record"]

_SECOND = 1_000_000_000
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


class Record:
    """Follows the policies that were issued; times are nanoseconds of one clock."""

    def __init__(self) -> None:
        self._since_ns = 0
        self._spent_ns = [0, 0, 0]
        self.tightened = 0
        self.relaxed = 0
        self.last: PolicyUpdated | None = None

    def issued(self, policy: PolicyUpdated, now_ns: int) -> None:
        """Note a policy; the first one begins the account."""
        if self.last is None:
            self._since_ns = now_ns
        else:
            step = level_of_mode(policy.mode) - level_of_mode(self.last.mode)
            self.tightened += step > 0
            self.relaxed += step < 0
            self._spend(now_ns)
        self.last = policy

    def _spend(self, now_ns: int) -> None:
        if self.last is not None:
            spent = max(0, now_ns - self._since_ns)
            self._spent_ns[level_of_mode(self.last.mode)] += spent
            self._since_ns = now_ns

    def rows(self, now_ns: int) -> tuple[tuple[str, str], ...]:
        """Summary rows: the mode, its changes, the time in each mode, the last reasons."""
        if self.last is None:
            return (("Mode", "none: no policy was issued"),)
        self._spend(now_ns)
        whole = sum(self._spent_ns) or 1
        times = (
            (f"Time {mode}", f"{duration(spent / _SECOND)} ({spent / whole:.1%})")
            for mode, spent in zip(MODES, self._spent_ns, strict=True)
        )
        pinned = ", pinned" if self.last.pinned else ""
        return (
            ("Mode", f"{self.last.mode}{pinned}"),
            ("Changes of mode", f"{self.tightened:,} tightened, {self.relaxed:,} relaxed"),
            *times,
            *(("Reason of the last change", reason) for reason in self.last.reasons),
        )


def duration(seconds: float) -> str:
    """A duration for people to read, in its largest unit."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.0f} s"
