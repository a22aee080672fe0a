"""Cancelled readers, a few: none keeps the write-ahead log from beginning anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults import cancelled_readers
from tests.faults.cancelled_readers import FEW

DUE = 60
"""Pages after which the log is carried over here: the limit is lower in proportion."""


def test_readers_that_are_cancelled_do_not_hold_up_the_log(tmp_path: Path) -> None:
    """Whatever is cancelled at whatever moment, the log stays below its limit."""
    result = asyncio.run(cancelled_readers.run(FEW, tmp_path, due=DUE))
    assert result.largest < result.limit
    assert result.cancelled > FEW // 2
    assert result.written * cancelled_readers.SIZE >= 2 * result.limit


def test_the_same_readers_show_one_that_holds_on(tmp_path: Path) -> None:
    """Readers that keep their transaction have the log grow beyond the limit."""
    result = asyncio.run(cancelled_readers.run(FEW, tmp_path, due=DUE, holding=True))
    assert result.largest > result.limit
