"""Printing: tables for people, JSON for programs, problems on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stdout
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from hookbus.errors import Problem

PIPE_WIDTH = 1000
"""Columns of a table that goes into a pipe: one row, one line."""

STATE_STYLES = {
    "failed": "red",
    "problem": "red",
    "warning": "yellow",
    "disabled": "dim",
    "ok": "green",
    "loaded": "green",
    "started": "green",
}


def printing_to_stderr() -> AbstractContextManager[Any]:
    """Keep what plugins print out of standard output, which is for the command's own answer."""
    return redirect_stdout(sys.stderr)


def print_json(data: Any) -> None:
    """Print JSON."""
    click.echo(_printable(json.dumps(data, indent=2, ensure_ascii=False, default=str)))


def make_console() -> Console:
    """A console for tables on standard output."""
    from rich.console import Console

    sized = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if sized else PIPE_WIDTH, highlight=False)


def print_trimmed(what: RenderableType) -> None:
    """Print something of rich without the blanks that it fills its lines with."""
    console = make_console()
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        click.echo(_printable(line.rstrip()), color=True)


def _printable(text: str) -> str:
    """Text with halves of characters, which no stream takes, written as JSON escapes."""
    return text.encode(errors="backslashreplace").decode()


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    keep: Sequence[str] = (),
    right: Sequence[str] = (),
    style: str | None = None,
) -> None:
    """Print rows below headings; None is shown as a dash.

    `keep` are the columns that are never wrapped, `right` those of numbers, `style` the one whose
    values have colours.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=column in keep,
            overflow="ellipsis" if column in keep else "fold",
        )
    for row in rows:
        texts = ["-" if value is None else str(value) for value in row]
        table.add_row(
            *(
                Text(text, STATE_STYLES.get(text, "") if column == style else "")
                for column, text in zip(columns, texts, strict=True)
            )
        )
    print_trimmed(table)


def print_pairs(pairs: Mapping[str, Any]) -> None:
    """Print labels and values, one below the other; what is None or empty is left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in pairs.items():
        if value not in (None, "", ()):
            table.add_row(label, Text(str(value)))
    print_trimmed(table)


def fields_in_short(data: Mapping[str, Any]) -> str:
    """The fields of an event in one line: key=value, as JSON where a value is no plain word."""
    return " ".join(f"{key}={_in_short(value)}" for key, value in data.items())


def _in_short(value: Any) -> str:
    return value if isinstance(value, str) and " " not in value else json.dumps(value, default=str)


def print_problems(problems: Iterable[Problem]) -> None:
    """Print mistakes in the configuration on standard error, one on each line."""
    for problem in problems:
        click.echo(str(problem), err=True)


def problem_json(problem: Problem) -> dict[str, Any]:
    """A mistake in the configuration as JSON-like data."""
    return {
        "place": problem.place,
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "value": None if problem.value is None else str(problem.value),
        "reason": problem.reason,
        "mend": problem.mend,
    }
