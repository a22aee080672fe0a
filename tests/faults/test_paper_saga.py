"""Paper trading with sagas is killed at every edge; and the check notices what is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.faults.paper_edges import BUGS


def figures(*arguments: str) -> dict[str, Any]:
    """The figures of some rounds, in a process that has no threads when it forks."""
    command = [sys.executable, "-m", "tests.faults.paper_saga", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return found


def test_whatever_kills_it_the_books_balance_and_no_order_is_lost_or_placed_twice() -> None:
    """One SIGKILL at every edge: commits, calls of steps, events, the ledger, the way back.

    Each of three Pythons goes through a third of the edges.
    """
    third = str(sys.version_info.minor % 3)
    found = figures("1", "", "", third, "3")
    assert found["faults"] == []
    assert found["edges"] >= 16
    assert found["kills"] >= found["edges"]


TELLING = {
    "intent after the call": ("call of: execute", "placed 2 times"),
    "retry without asking": ("commit of: trading.order", "placed 2 times"),
    "settled outside the transaction": ("commit of: settle done", "is settled, its decision is"),
    "books not restored": ("dispatch of: trading.fill", "after the restart the cash is"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_check_notices_a_planted_bug(bug: str) -> None:
    """Each bug turns it red, at the edge where it matters."""
    edges, words = TELLING[bug]
    assert any(words in fault for fault in figures("1", bug, edges)["faults"])
