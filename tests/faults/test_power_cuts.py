"""Power cuts, a few: nothing that was acknowledged is lost, unless commits are not synced."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

from tests.faults import power_cuts
from tests.faults.losing_disk import Image, torn


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Events and rows that somebody was told of are there after the power has gone."""
    result = asyncio.run(power_cuts.run(power_cuts.FEW, tmp_path))
    assert result.lost == []
    assert result.damaged == []
    assert result.rounds == power_cuts.FEW
    assert result.acknowledged > 0
    assert result.syncs > result.rounds


def test_the_same_cuts_show_a_commit_that_is_not_synced(tmp_path: Path) -> None:
    """With a lower level of sync acknowledged events are lost, though the file is never damaged."""
    result = asyncio.run(power_cuts.run(power_cuts.FEW, tmp_path, level="NORMAL"))
    assert result.lost != []
    assert result.damaged == []


def test_what_is_not_synced_is_kept_in_part_at_most() -> None:
    """The disk itself: synced writes stay, of the others some stay and some are torn."""
    image = Image(bytearray())
    image.pending.append((0, b"a" * 4096))
    image.sync()
    image.pending += [(4096, b"b" * 4096), (8192, b"c" * 4096)]
    left = {image.after_a_cut(Random(seed)) for seed in range(50)}
    assert len(left) > 4
    assert all(one.startswith(b"a" * 4096) for one in left)
    assert {len(torn(b"d" * 4096, Random(seed))) % 512 for seed in range(50)} == {0}
