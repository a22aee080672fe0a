"""`python -m tests.faults`: run the demonstrations, print a table, exit with 1 for a failure."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path

from rich.console import Console

from tests.faults.demonstration import Demonstration, Outcome, demonstrations
from tests.faults.table import Row, as_json, make_table


def main() -> int:
    """Run what is asked for; the exit code is 1 when something was not as it must be."""
    known = demonstrations()
    options = _parse(list(known))
    errors = Console(stderr=True)
    rows = []
    for name in options.only or known:
        rounds = options.rounds or (known[name].ROUNDS if options.full else known[name].FEW)
        rows.append(run(name, known[name], rounds, errors))
    console = Console(width=None if sys.stdout.isatty() else 140)
    if options.json:
        console.print_json(data=as_json(rows))
    else:
        console.print(make_table(rows))
    for row in rows:
        for line in row.outcome.wrong:
            errors.print(f"{row.name}: {line}", style="red", markup=False)
    return 1 if any(row.outcome.wrong for row in rows) else 0


def _parse(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description="Show that durable delivery survives faults."
    )
    parser.add_argument("--full", action="store_true", help="the numbers that count: most of 1 h")
    parser.add_argument("--rounds", type=int, metavar="N", help="N rounds of each")
    parser.add_argument("--only", action="append", choices=names, help="may be repeated")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def run(name: str, one: Demonstration, rounds: int, errors: Console) -> Row:
    """Run one demonstration in a folder of its own; what it raises is a failure of it."""
    began = time.monotonic()
    errors.print(f"{_now()} {name}: {rounds} rounds", style="bold", highlight=False)

    def progress(text: str) -> None:
        errors.print(f"{_now()} {name}: {text}", style="dim", highlight=False)

    with tempfile.TemporaryDirectory(prefix="hookbus-faults-") as folder:
        try:
            outcome = one.demonstrate(Path(folder), rounds, progress)
        except Exception as error:  # noqa: BLE001 - the others are still to be shown
            errors.print(traceback.format_exc(), style="red", markup=False)
            outcome = Outcome(rounds, {}, wrong=(f"{type(error).__name__}: {error}",))
    return Row(name, one.WANTED, outcome, time.monotonic() - began)


def _now() -> str:
    return time.strftime("%H:%M:%S")


if __name__ == "__main__":
    sys.exit(main())
