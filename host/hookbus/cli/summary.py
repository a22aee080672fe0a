"""What `hookbus run` prints when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookbus.host import Host
    from hookbus.plugin import Summary
    from hookbus.runreport import RunReport


def print_summary(host: Host, report: RunReport, seconds: float) -> None:
    """Print what the plugins say of the run, how fast it was, and the books."""
    from rich.console import Console

    console = Console(highlight=False)
    for summary in report.summaries:
        console.print(_table(summary))
    for name in report.failed_plugins:
        record = host.records[name]
        console.print(f"[red]failed[/red]  {name} at {record.phase}: ", end="")
        console.print(f"{record.reason} {record.mend or ''}", markup=False)
    for source in report.failed_sources:
        console.print(f"[red]failed[/red]  source {source}", highlight=False)
    rate = report.ledger.published / seconds if seconds else 0
    console.print(f"{report.reason}, after {seconds:.2f} s, {rate:,.0f} events/s", markup=False)
    style = "bold red" if report.ledger.discrepancies else "bold green"
    console.print(report.ledger.line(), style=style, markup=False)


def _table(summary: Summary) -> object:
    from rich import box
    from rich.table import Table

    table = Table(
        title=summary.title, box=box.SIMPLE, show_header=False, title_justify="left", min_width=48
    )
    table.add_column(ratio=1)
    table.add_column(justify="right")
    for label, value in summary.rows:
        table.add_row(label, value)
    return table
