"""The table of the demonstrations, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from tests.faults.demonstration import Outcome


@dataclass(frozen=True)
class Row:
    """A demonstration that was run: its name and promise, what came of it, and how long it took."""

    name: str
    wanted: str
    outcome: Outcome
    seconds: float

    @property
    def verdict(self) -> str:
        """In one word."""
        return "FAILED" if self.outcome.wrong else "passed"


def make_table(rows: Sequence[Row]) -> Table:
    """One line for each demonstration."""
    table = Table(title="Faults", show_lines=True)
    for heading in ("demonstration", "rounds", "counted", "figures", "verdict", "seconds"):
        numeric = heading in ("rounds", "seconds")
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        outcome = row.outcome
        table.add_row(
            f"[bold]{row.name}[/]\n{row.wanted}",
            f"{outcome.rounds:,}",
            _lines({name: f"{number:,}" for name, number in outcome.counted.items()}),
            _lines(outcome.figures),
            row.verdict if row.verdict == "passed" else f"[red]{row.verdict}[/]",
            f"{row.seconds:,.0f}",
        )
    return table


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f"{name} {value}" for name, value in values.items())


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "name": row.name,
            "wanted": row.wanted,
            "rounds": row.outcome.rounds,
            "counted": dict(row.outcome.counted),
            "figures": dict(row.outcome.figures),
            "wrong": list(row.outcome.wrong),
            "passed": not row.outcome.wrong,
            "seconds": round(row.seconds, 1),
        }
        for row in rows
    ]
