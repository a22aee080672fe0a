"""`python -m tests.faults`: every demonstration is found, and a failure is an exit code."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from tests.faults import model
from tests.faults.__main__ import run
from tests.faults.demonstration import Outcome, Progress, demonstrations
from tests.faults.table import as_json, make_table

ROOT = Path(__file__).parents[2]


def test_every_module_that_demonstrates_is_found() -> None:
    """The names are those that `--only` takes."""
    found = demonstrations()
    assert {"kills", "fail-points", "poison", "sigterm", "model"} <= found.keys()
    assert all(one.ROUNDS > one.FEW > 0 and one.WANTED for one in found.values())


def test_the_command_prints_json_and_succeeds() -> None:
    """One demonstration, from its name to its figures."""
    command = [sys.executable, "-m", "tests.faults", "--only", model.NAME, "--rounds", "2"]
    done = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["name"], row["passed"]) == ("model", True)
    assert row["rounds"] >= 2


class Broken:
    """A demonstration that cannot even be run."""

    NAME = "broken"
    WANTED = "nothing"
    ROUNDS = 2
    FEW = 1

    def demonstrate(self, folder: Path, rounds: int, progress: Progress) -> Outcome:
        """Fail."""
        raise RuntimeError("no such thing")


def test_a_demonstration_that_cannot_be_run_has_failed() -> None:
    """It is a row with its reason; the others are run all the same."""
    row = run("broken", Broken(), 1, Console(quiet=True))
    assert row.outcome.wrong == ("RuntimeError: no such thing",)
    assert as_json([row])[0]["passed"] is False
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(make_table([row]))
    assert "FAILED" in console.export_text()
