"""What `hookbus run` prints when it ends: side by side where the terminal is wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookbus.cli.output import make_console, print_trimmed

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from hookbus.host import Host
    from hookbus.plugins.plugin import Summary
    from hookbus.runreport import RunReport

GAP = 4
"""Blanks between two tables."""

MOST_COLUMNS = 4

LONGEST = 36
"""Characters of a value that stand on one line; longer ones are folded."""


def print_summary(host: Host, report: RunReport, seconds: float) -> None:
    """Print what the plugins say of the run, what failed, how fast it was, and the books."""
    console = make_console()
    if report.summaries:
        print_trimmed(_side_by_side(console, report.summaries))
        console.print()
    _print_failures(console, host, report)
    rate = report.ledger.published / seconds if seconds else 0
    console.print(f"{report.reason}, after {seconds:.2f} s, {rate:,.0f} events/s", markup=False)
    style = "bold red" if report.ledger.discrepancies else "bold green"
    console.print(report.ledger.line(), style=style, markup=False)


def _print_failures(console: Console, host: Host, report: RunReport) -> None:
    from rich.text import Text

    for name in report.failed_plugins:
        record = host.records[name]
        told = "mistakes in its settings" if record.problems else record.reason
        text = Text(f" {name} at {record.phase}: {told}")
        console.print(Text("failed", "red") + text, soft_wrap=True)
        for line in record.problems or filter(None, [record.mend]):
            console.print(Text(f"       {line}"), soft_wrap=True)
    for source in report.failed_sources:
        error = next(one.error for one in host.sources if one.full_name == source)
        console.print(Text("failed", "red") + Text(f" source {source}: {error}"), soft_wrap=True)
    if report.recording_error is not None:
        text = Text(f" recording: {report.recording_error}")
        console.print(Text("failed", "red") + text, soft_wrap=True)


def _side_by_side(console: Console, summaries: Sequence[Summary]) -> RenderableType:
    """The tables in as many columns as fit, each table in the column that is shortest so far."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    width = max(_width(summary) for summary in summaries)
    fitting = (console.width + GAP) // (width + GAP)
    columns: list[list[RenderableType]] = [[] for _ in range(_bounded(fitting, len(summaries)))]
    heights = [0] * len(columns)
    for summary in summaries:
        shortest = heights.index(min(heights))
        if columns[shortest]:
            columns[shortest].append(Text())
        columns[shortest].append(_table(summary, width))
        heights[shortest] += _height(summary)
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_row(*(Group(*column) for column in columns))
    return grid


def _height(summary: Summary) -> int:
    """Lines of a table with its title and the blank line before it, folded values included."""
    return 2 + sum(max(1, -(-len(str(value)) // LONGEST)) for _, value in summary.rows)


def _bounded(fitting: int, tables: int) -> int:
    return max(1, min(fitting, tables, MOST_COLUMNS))


def _width(summary: Summary) -> int:
    labels = max((len(str(label)) for label, _ in summary.rows), default=0)
    return max(len(summary.title), labels + 2 + _value_width(summary))


def _value_width(summary: Summary) -> int:
    longest = max((len(str(value)) for _, value in summary.rows), default=0)
    return min(longest, LONGEST)


def _table(summary: Summary, width: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(summary.title, "bold"),
        title_justify="left",
        box=None,
        show_header=False,
        pad_edge=False,
        padding=(0, 0, 0, 2),
    )
    values = _value_width(summary)
    table.add_column(width=width - 2 - values, overflow="fold")
    table.add_column(justify="right", width=values, overflow="fold")
    for label, value in summary.rows:
        table.add_row(Text(str(label)), Text(str(value)))
    return table
