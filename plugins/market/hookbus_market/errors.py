"""What can be wrong with a feed: a file as a whole, or one row of it."""

from collections.abc import Callable
from typing import Any

from hookbus import HookbusError

__all__ = ["BadRow", "FeedError", "OnBadRow", "SkippedRows", "ignore", "refuse"]

_LONGEST_VALUE = 60


class FeedError(HookbusError):
    """A file cannot be used at all; the text names the file, the reason and what to do."""

    def __init__(self, file: str, reason: str, mend: str) -> None:
        self.file = file
        self.reason = reason
        self.mend = mend
        super().__init__(f"{file}: {reason}; {mend}")


class BadRow(HookbusError):  # noqa: N818 - reads as what it is where it is collected, not raised
    """One row of a file is no bar, or is not later than the bar before it.

    `line` is the line of a text file, or the row of a Parquet file, counted from 1. `column` is the
    name in the file's header.
    """

    def __init__(self, file: str, line: int, column: str, value: Any, reason: str) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.value = _shortened(value)
        self.reason = reason
        super().__init__(f"{file}:{line}: column {column!r} is {self.value}: {reason}")


OnBadRow = Callable[[BadRow], None]
"""What to do with a bad row: raise it, or return to have it skipped."""


def refuse(bad: BadRow) -> None:
    """The policy `error`: raise the bad row."""
    raise bad


def ignore(bad: BadRow) -> None:
    """Skip the bad row without a word, where only its neighbours are wanted."""


class SkippedRows:
    """The policy `skip`: count the bad rows, and report the first of them in full.

    `report` gets the first `limit` bad rows, so that a file full of them floods no log.
    """

    def __init__(self, report: OnBadRow, limit: int = 10) -> None:
        self.count = 0
        self._report = report
        self._limit = limit

    def __call__(self, bad: BadRow) -> None:
        """Count one bad row."""
        self.count += 1
        if self.count <= self._limit:
            self._report(bad)

    @property
    def unreported(self) -> int:
        """How many bad rows were counted beyond the limit."""
        return max(0, self.count - self._limit)


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 4]}...{text[-1]}"
