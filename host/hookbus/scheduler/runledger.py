"""The ledger of due runs: what became of every run that was due.

A run is due when its timer's instant has come, when an event triggers it, when an event opens
its batch window, or when somebody asks for it by hand. From then on it is pending, until it ends in
exactly one of these ways:

- `ran`: it began on time and returned;
- `late`: it returned, but began more than a second after it was due;
- `failed`: it raised, took too long, or was cancelled because its plugin stopped;
- `coalesced`: another run, which had the same to do, stands for it;
- `skipped`: it never began, because another run was on or its job was removed;
- `missed`: it never began, because nobody was there to begin it in time;
- `shadow`: the event trigger would have run it, had it been chosen;
- `disabled`: its job is switched off; noted once when the job is added.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from hookbus.scheduler.jobs import Kind

End = Literal["ran", "late", "failed", "coalesced", "skipped", "missed", "shadow", "disabled"]
ENDS: tuple[End, ...] = get_args(End)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """How one due run ended, or `count` runs that ended alike.

    `due_ns` is when the run, or the last of them, was due; `fired_ns` when it began, None when it
    never did; `duration` in seconds; `events` how many triggered it.
    """

    job: str
    kind: Kind
    due_ns: int
    end: End
    reason: str = ""
    count: int = 1
    fired_ns: int | None = None
    duration: float | None = None
    events: int = 0


@dataclass(frozen=True, slots=True)
class RunAccount:
    """The counts of one job: `due` runs, and how many ended in which way."""

    job: str
    due: int = 0
    ran: int = 0
    late: int = 0
    failed: int = 0
    coalesced: int = 0
    skipped: int = 0
    missed: int = 0
    shadow: int = 0
    disabled: int = 0

    @property
    def ended(self) -> int:
        """How many have ended."""
        return sum(getattr(self, end) for end in ENDS)

    @property
    def pending(self) -> int:
        """How many have not ended yet."""
        return self.due - self.ended


class RunLedger:
    """The books of one scheduler. Counts are kept for ever, the last `keep` entries in full."""

    def __init__(self, keep: int = 1000) -> None:
        self.entries: deque[LedgerEntry] = deque(maxlen=keep)
        self._due: Counter[str] = Counter()
        self._ends: dict[str, Counter[End]] = {}
        self.pending = 0

    def open(self, job: str, count: int = 1) -> None:
        """Note that runs of a job are due."""
        self._due[job] += count
        self.pending += count

    def close(self, entry: LedgerEntry) -> None:
        """Note how they ended."""
        self._ends.setdefault(entry.job, Counter())[entry.end] += entry.count
        self.pending -= entry.count
        self.entries.append(entry)

    def account(self, job: str) -> RunAccount:
        """The counts of one job; all zero when it never was due."""
        ends = self._ends.get(job, Counter())
        return RunAccount(job, self._due[job], **{end: ends[end] for end in ENDS})

    def accounts(self) -> tuple[RunAccount, ...]:
        """The counts of every job that was ever due, by name."""
        return tuple(self.account(job) for job in sorted(self._due))

    def check(self, live: Mapping[str, int]) -> list[str]:
        """What does not add up, given how many runs of each job are under way or waiting.

        Empty when for every job the due runs are those that ended and those that are live.
        """
        wrong = []
        for job in sorted({*self._due, *live}):
            account = self.account(job)
            if account.pending != live.get(job, 0):
                wrong.append(
                    f"job {job!r}: {account.due} due, but {account.ended} ended and "
                    f"{live.get(job, 0)} under way"
                )
        return wrong

    def line(self) -> str:
        """The books in one line, such as '12 runs due: 11 ran, 1 skipped'."""
        totals = {end: sum(ends[end] for ends in self._ends.values()) for end in ENDS}
        parts = [f"{count:,} {end}" for end, count in totals.items() if count]
        if self.pending:
            parts.append(f"{self.pending:,} pending")
        due = self._due.total()
        return f"{due:,} runs due: {', '.join(parts)}" if due else "no run was due"
