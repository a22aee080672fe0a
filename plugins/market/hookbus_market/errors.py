"""What can be wrong with a feed: a file as a whole, or one row of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hookbus import HookbusError
from hookbus_trading.fields import DataDoubt

__all__ = ["BadRow", "FeedError", "OnBadRow", "ignore", "refuse"]

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
    name in the file's header. `symbol` and `time` are known where these could be read.
    """

    def __init__(
        self,
        file: str,
        line: int,
        column: str,
        value: Any,
        reason: str,
        kind: DataDoubt = "bad_row",
        symbol: str | None = None,
        time: datetime | None = None,
    ) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.value = _shortened(value)
        self.reason = reason
        self.kind = kind
        self.symbol = symbol
        self.time = time
        super().__init__(f"{file}:{line}: column {column!r} is {self.value}: {reason}")


OnBadRow = Callable[[BadRow], None]
"""What to do with a bad row: raise it, or return to have it skipped."""


def refuse(bad: BadRow) -> None:
    """The policy `error`: raise the bad row."""
    raise bad


def ignore(bad: BadRow) -> None:
    """Skip the bad row without a word, where only its neighbours are wanted."""


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 4]}...{text[-1]}"
