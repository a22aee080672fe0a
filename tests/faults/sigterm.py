"""SIGTERM: `hookbus run` is asked to end under load, and begins again on its journal."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
from hookbus_journal.database import open_for_reading
from hookbus_journal.sql import value

from tests.faults import workload
from tests.faults.books import Books
from tests.faults.demonstration import Outcome, Progress
from tests.faults.kills import finish

NAME = "sigterm"
WANTED = "SIGTERM under load: exit code 0 within 15 s, nothing lost, the remainder counted"
ROUNDS = 100
FEW = 3

LIMIT = 15.0
"""Seconds from the signal to the end."""

LONGEST = 0.8
"""Seconds of load before the signal, at the most."""

FINISH_EVERY = 10
"""Signals after which consumers may finish."""

PUBLISHERS = 16

ROOT = Path(__file__).parents[2]

CONFIG = """
[host]
state = "state"

[plugins]
autoload = false

[plugins.journal]
enabled = true

[plugins.workload]
folder = {folder}
publishers = {publishers}
pause = 0.003
"""

TYPES = {
    "workload:effects": ("fault.happened",),
    "workload:keeper": ("fault.happened", "fault.answered"),
}

PLANTED = "import sys; from tests.faults import planted; getattr(planted, {bug!r})(); "
PLANTED += "from hookbus.cli import main; main()"


@dataclass(frozen=True)
class Ended:
    """How a run came to its end; `seconds` from the signal on."""

    code: int
    seconds: float
    report: dict[str, Any]


def demonstrate(
    folder: Path,
    rounds: int,
    progress: Progress,
    bug: str | None = None,
    longest: float = LONGEST,
) -> Outcome:
    """Send `rounds` signals; `bug` names one of `planted` that every run has."""
    books, chance, wrong = Books(folder), random.Random(rounds), list[str]()
    (folder / "hookbus.toml").write_text(_config(folder))
    times, left = [], 0
    for number in range(rounds):
        ended = _run(folder, number, chance.uniform(0.0, longest), bug)
        times.append(ended.seconds)
        books.read()
        waiting = _unfinished(books.journal)
        left += sum(waiting.values())
        wrong += [*_mistakes(ended, waiting, fresh=number % FINISH_EVERY == 0)]
        wrong += books.mistakes_so_far()
        if number % FINISH_EVERY == FINISH_EVERY - 1 or number == rounds - 1:
            wrong += finish(folder, books)
        progress(f"{number + 1} signals, the slowest end after {max(times):.2f} s")
    counted = {
        "acknowledged": len(books.acknowledged),
        "lost": len(books.lost),
        "doubled": len(books.doubled),
        "left for the next run": left,
    }
    figures = {"worst": f"{max(times):.2f} s", "mean": f"{sum(times) / len(times):.2f} s"}
    return Outcome(rounds, counted, figures, tuple(dict.fromkeys(wrong)))


def _config(folder: Path) -> str:
    return CONFIG.format(folder=json.dumps(str(folder)), publishers=PUBLISHERS)


def _run(folder: Path, life: int, load: float, bug: str | None) -> Ended:
    """Run the command under load for some seconds, then ask it to end."""
    known = _size(folder)
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [*_command(bug), "run", "--plugin", workload.__file__, "--json", "--no-progress",
             "--set", f"plugins.workload.life={life}"],
            cwd=folder, env={**os.environ, "PYTHONPATH": _path()}, stdout=subprocess.PIPE,
            stderr=log, text=True,
        )  # fmt: skip
    try:
        while _size(folder) == known and process.poll() is None:
            time.sleep(0.005)
        time.sleep(load)
        began = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=2 * LIMIT)
    finally:
        process.kill()
    seconds = time.perf_counter() - began
    return Ended(process.returncode, seconds, json.loads(output) if output else {})


def _command(bug: str | None) -> list[str]:
    if bug is None:
        return [sys.executable, "-m", "hookbus"]
    return [sys.executable, "-c", PLANTED.format(bug=bug)]


def _path() -> str:
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def _size(folder: Path) -> int:
    path = folder / "acknowledged"
    return path.stat().st_size if path.exists() else 0


def _unfinished(journal: Path) -> dict[str, int]:
    """How many events each consumer has not finished, read from the tables."""
    connection = open_for_reading(journal)
    try:
        return {name: _left(connection, name, types) for name, types in TYPES.items()}
    finally:
        connection.close()


def _left(connection: apsw.Connection, name: str, types: tuple[str, ...]) -> int:
    sql = (
        "SELECT count(*) FROM events JOIN types ON types.id = type WHERE types.name IN "
        "(SELECT value FROM json_each(?1)) AND position > "
        '(SELECT "offset" FROM consumers WHERE name = ?2) AND position NOT IN '
        "(SELECT position FROM finished WHERE consumer = ?2)"
    )
    left: int = value(connection, sql, (json.dumps(types), name))
    return left


def _mistakes(ended: Ended, waiting: dict[str, int], *, fresh: bool) -> list[str]:
    """What is wrong with an end; nothing waited at the beginning of a `fresh` run.

    An event that is being committed while the consumers are closed is not in their accounts.
    """
    report, found = ended.report, []
    if ended.code != 0 or not report:
        return [f"the run ended with {ended.code}"]
    if ended.seconds > LIMIT:
        found.append(f"the run ended {ended.seconds:.1f} s after the signal")
    found += [f"the ledger: {line}" for line in report["ledger"]["discrepancies"]]
    for name, left in waiting.items():
        told = report["summaries"].get("Journal", {}).get(f"Waiting for {name}")
        if told != f"{left:,}":
            found.append(f"{left:,} wait for {name}, and the summary says {told}")
        pending = _pending(report, name)
        if pending > left or (fresh and pending + PUBLISHERS < left):
            found.append(f"{left:,} wait for {name}, and the ledger has {pending:,}")
    return found


def _pending(report: dict[str, Any], consumer: str) -> int:
    accounts = report["ledger"]["accounts"]
    found = (one["pending"] for one in accounts if f"{one['plugin']}:{one['name']}" == consumer)
    return sum(found)
