"""Paper trading with sagas, killed at every edge: the figures of `paper_saga` for the table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.faults.demonstration import Outcome, Progress

NAME = "paper-sagas"
WANTED = "SIGKILL at every edge of paper trading: books balance, no order lost or placed twice"
ROUNDS = 25
FEW = 1


def demonstrate(folder: Path, rounds: int, progress: Progress) -> Outcome:
    """Kill at each edge `rounds` times, in a process that has no threads when it forks."""
    command = [sys.executable, "-m", "tests.faults.paper_saga", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return Outcome(0, {}, wrong=(f"it ended with {done.returncode}: {done.stderr[-2000:]}",))
    found = json.loads(done.stdout[done.stdout.index("{") :])
    counted = {name: found[name] for name in ("edges", "kills", "lives", "orders")}
    progress(f"{found['kills']} kills at {found['edges']} edges")
    return Outcome(found["rounds"], counted, wrong=tuple(found["faults"]))
