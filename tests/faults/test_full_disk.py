"""Full disks, a few times: events are refused by name, the rest goes on, and it ends by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults import full_disk


def test_a_full_disk_refuses_events_and_nothing_else(tmp_path: Path) -> None:
    """Publishers get `JournalFull`; consumers store, readers read, and room ends it."""
    result = asyncio.run(full_disk.run(full_disk.FEW, tmp_path))
    assert result.wrong == []
    assert result.refused == result.rounds == full_disk.FEW
    assert result.finished == full_disk.FEW * full_disk.FINISHED


def test_the_same_rounds_show_a_reserve_that_is_not_given_back(tmp_path: Path) -> None:
    """Without the reserve consumers cannot store what they have finished."""
    result = asyncio.run(full_disk.run(full_disk.FEW, tmp_path, reserve=full_disk.NoReserve))
    assert any("finish on the full disk" in one for one in result.wrong)
