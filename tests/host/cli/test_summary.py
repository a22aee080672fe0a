"""The tables at the end of a run: side by side, and nothing is too long for the terminal."""

from __future__ import annotations

import io

import pytest
from hookbus import Summary
from hookbus.cli.summary import LONGEST, _side_by_side
from rich.console import Console

LONG = "hit rate is 13 of 50 trades, between 17.2% and 37.2% (defensive below 30.0%)"


@pytest.mark.parametrize("width", [80, 100, 160, 240])
def test_a_long_value_is_folded_and_stretches_no_other_table(width: int) -> None:
    """Every word is there, and tables stand as close together as short ones do."""
    summaries = [Summary(name, (("Orders", "12"),)) for name in "ABC"]
    summaries.append(Summary("Long", (("Reason", LONG), ("Mode", "normal"))))
    console = Console(width=width, file=io.StringIO())
    console.print(_side_by_side(console, summaries))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    assert all(word in " ".join(lines) for word in LONG.split())
    tables = width // (len("Reason") + 2 + LONGEST + 4)
    assert lines[0].split()[: min(tables, 4)] == ["A", "B", "C", "Long"][: min(tables, 4)]
