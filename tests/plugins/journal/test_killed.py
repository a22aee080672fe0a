"""A process that is killed: its journal opens, and has all that was acknowledged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hookbus_journal.sql import row, rows

from tests.plugins.journal import killed
from tests.plugins.journal.samples import opened

ROOT = Path(killed.__file__).parents[3]


def kill_one(folder: Path, run: str, lines: int) -> set[int]:
    """Start a process, read some positions, kill it; returns all positions that it told."""
    command = [sys.executable, "-m", "tests.plugins.journal.killed", str(folder), run]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = {int(process.stdout.readline()) for _ in range(lines)}
        process.kill()
        rest = process.stdout.read().splitlines(keepends=True)
    return told | {int(line) for line in rest if line.endswith("\n")}


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """Three times in a row on one journal; the run is known not to have ended as it should."""
    told: set[int] = set()
    for life in range(3):
        fresh = kill_one(tmp_path, f"life-{life}", 100 + 150 * life)
        assert not fresh & told, "a position was used twice"
        told |= fresh
        async with opened(tmp_path, run=f"look-{life}") as session:
            assert session.last_run == (f"life-{life}", False)
            connection = session.committer.store.connection
            found = {position for (position,) in rows(connection, "SELECT position FROM events")}
            assert told <= found
            assert row(connection, "PRAGMA integrity_check") == ("ok",)
        told = set(found)
    async with opened(tmp_path, run="last") as session:
        assert session.last_run == ("look-2", True)
