"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from . import installed, journal, latency, loop, memory, startup, throughput
from .harness import Plan
from .machine import describe_machine, package_versions
from .results import Results
from .targets import Target, judge
from .workload import KINDS

DASH = "-"


def print_report(results: Results, console: Console) -> None:
    """Print a table for each part that was measured, and the targets."""
    _print_machine(console)
    for table in _tables(results):
        console.print(table)
    targets = judge(results)
    if targets:
        console.print(_targets_table(targets))


def write_json(results: Results, plan: Plan, path: Path) -> None:
    """Write every row, with the machine, the versions and the targets, to a file."""
    document = {
        "machine": describe_machine(),
        "packages": package_versions(),
        "plan": asdict(plan),
        **asdict(results),
        "targets": [{**asdict(target), "met": target.met} for target in judge(results)],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _print_machine(console: Console) -> None:
    machine = describe_machine()
    console.print(
        f"{machine['python']} on {machine['system']}, {machine['cores']} x {machine['processor']}, "
        f"load {machine['load']}"
    )
    versions = (f"{name} {version or DASH}" for name, version in package_versions().items())
    console.print(" · ".join(versions))


def _tables(results: Results) -> Iterable[Table]:
    for burst in throughput.BURSTS:
        for kind in KINDS:
            rows = [r for r in results.deliveries if (r.kind, r.burst) == (kind, burst)]
            if rows:
                yield _deliveries_table(rows, f"{kind} handlers, bursts of {burst}")
    parts: tuple[tuple[Any, Callable[[Any], Table]], ...] = (
        (results.pipeline, _pipeline_table),
        (results.latency, _latency_table),
        (results.memory, _memory_table),
        (results.startup, _startup_table),
        (results.installed, _installed_table),
        (results.loop, _loop_table),
        (results.fastlane, _fastlane_table),
        (results.journal, _journal_table),
    )
    yield from (table(rows) for rows, table in parts if rows)


def _table(title: str, *columns: str, names: int = 1) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < names else "right", no_wrap=True)
    return table


def _add(table: Table, *cells: str) -> None:
    table.add_row(*cells, style="bold" if cells[0].startswith("hookbus") else "")


def _deliveries_table(rows: Sequence[throughput.Row], kind: str) -> Table:
    sizes = sorted({row.subscribers for row in rows})
    headings = [f"{size} sub" for size in sizes]
    pairs = [column for heading in headings for column in (heading, "x bare")]
    table = _table(f"Nanoseconds per delivery: {kind}", "", *pairs)
    table.add_column("deliveries")
    for name in dict.fromkeys(row.contender for row in rows):
        mine = {row.subscribers: row for row in rows if row.contender == name}
        cells = [
            text
            for size in sizes
            for text in (_number(mine[size].per_delivery), _ratio(mine[size].ratio_to_bare))
        ]
        _add(table, name, *cells, _verdicts(list(mine.values())))
    return table


def _verdicts(rows: Sequence[throughput.Row]) -> str:
    notes = list(dict.fromkeys(row.verdict for row in rows if row.verdict != "ok")) or ["exact"]
    if any(row.sent < row.burst for row in rows):
        notes.append("slow: bursts of " + ", ".join(str(row.sent) for row in rows))
    if any(row.refused for row in rows):
        notes.append("refuses events until it has caught up")
    return "; ".join(notes)


def _pipeline_table(rows: Sequence[throughput.Row]) -> Table:
    title = "Create a pydantic event, publish it, deliver it to 10 subscribers, bursts of 100"
    table = _table(title, "", "handlers", "events/s", "ns per event", "x bare", names=2)
    for row in rows:
        cells = _number(row.events_per_second), _number(row.per_event), _ratio(row.ratio_to_bare)
        _add(table, row.contender, row.kind, *cells)
    return table


def _latency_table(rows: Sequence[latency.Row]) -> Table:
    title = f"Microseconds from publish to handler: {latency.RATE:,} events/s, 10 subscribers"
    columns = ("", "handlers", "publisher", "p50", "p99", "p99.9", "deliveries")
    table = _table(title, *columns, names=3)
    for row in rows:
        cells = (_number(value, 1) for value in (row.p50, row.p99, row.p999))
        _add(table, row.contender, row.kind, row.pace, *cells, row.verdict)
    return table


def _memory_table(rows: Sequence[memory.Row]) -> Table:
    events, traced = rows[0].events, rows[0].traced_events
    title = f"Ten subscribers, one of them stalled, {events:,} fresh events"
    columns = ("", "stalled", "process grew by", f"objects grew by ({traced:,} events)")
    table = _table(title, *columns, "ns per event", "x nobody stalled", names=2)
    for row in rows:
        _add(
            table,
            row.contender,
            "one" if row.stalled else "nobody",
            _bytes(row.resident),
            _bytes(row.traced),
            _number(row.per_event),
            _ratio(row.slowdown),
        )
    table.caption = f"The events of one full ring weigh {_bytes(rows[0].ring)}."
    return table


def _startup_table(rows: Sequence[startup.Row]) -> Table:
    table = _table("Start-up of a fresh process", "", "ms", "x pydantic", "")
    for row in rows:
        note = "" if row.verdict == "ok" else row.verdict
        _add(table, row.command, _number(row.milliseconds, 1), _ratio(row.ratio), note)
    return table


def _installed_table(rows: Sequence[installed.Row]) -> Table:
    columns = ("", "installed", "imported")
    table = _table("What a run imports", *columns)
    table.add_column("")
    for row in rows:
        disabled = row.installed - row.enabled
        note = "" if row.verdict == "ok" else row.verdict
        table.add_row("enabled plugins", str(row.enabled), str(row.enabled_imported), note)
        table.add_row("disabled plugins", str(disabled), str(row.disabled_imported), "")
    return table


def _loop_table(rows: Sequence[loop.Row]) -> Table:
    columns = ("", "bars", "µs per bar", "bars/s", f"x {loop.REFERENCE}", "peak memory")
    title = f"A trading run over {rows[0].source} minutes in a fresh process, reading included"
    table = _table(title, *columns)
    table.add_column("")
    for row in rows:
        table.add_row(
            row.contender,
            f"{row.bars:,}",
            _number(row.microseconds, 1),
            _number(row.bars_per_second),
            _ratio(row.ratio),
            DASH if row.memory is None else _bytes(round(row.memory)),
            "" if row.verdict == "ok" else row.verdict,
        )
    return table


def _fastlane_table(measured: dict[str, Any]) -> Table:
    title = "Microseconds from a trade to its tick on the fast lane"
    table = _table(title, "background lane", "p50", "p99", "p99 of CPU time")
    for name, waiting in (("idle", "empty"), ("loaded", f"{measured['waiting']:,} items")):
        row = measured[name]
        table.add_row(waiting, *(_number(row[key]) for key in ("p50", "p99", "cpu_p99")))
    return table


def _journal_table(figures: journal.Figures) -> Table:
    columns = ("publishers", "a commit", "bare rows/s", "events/s", "x bare", "p50", "p99", "p99.9")
    table = _table("Durable publishes, beside a bare SQLite loop with the same rows", *columns)
    for row in figures.publishing:
        speeds = _number(row.bare), _number(row.events_per_second), _ratio(row.ratio)
        delays = (f"{_number(value)} µs" for value in (row.p50, row.p99, row.p999))
        table.add_row(f"{row.publishers:,}", str(row.batch), *speeds, *delays)
    table.caption = (
        f"Recording every event adds {figures.recording:.2f} µs to a publish, and is done after "
        f"{figures.writing:.1f} µs per event; {figures.history:,.0f} events/s are read back, "
        f"and {figures.replay:,.0f} events/s fed into a fresh host."
    )
    return table


def _targets_table(targets: Sequence[Target]) -> Table:
    table = _table("Targets", "", "measured", "target", "")
    for target in targets:
        digits = target.digits
        table.add_row(
            target.figure,
            _number(target.measured, digits),
            f"{'≥' if target.least else '≤'} {target.limit:,.{digits}f} {target.unit}",
            _outcome(target),
        )
    return table


def _number(value: float | None, digits: int = 0) -> str:
    return DASH if value is None else f"{value:,.{digits}f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _bytes(count: int) -> str:
    for size, unit in ((1 << 20, "MB"), (1 << 10, "kB")):
        if abs(count) >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} B"


def _outcome(target: Target) -> str:
    if target.measured is None:
        return "[red]not measured[/red]"
    return "met" if target.met else "[red]missed[/red]"
