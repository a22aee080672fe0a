"""The tables of measurements, made from docs/benchmarks.json for `generate.py`.

python tests/benchmarks --json docs/benchmarks.json --svg docs/pictures/benchmarks.svg
python docs/generate.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

SUBSCRIBERS = (1, 10, 100)
BURSTS = (100, 1)
PAGE = """\
# Measurements

{note}

{how}

Every delivery is counted, and hookbus runs with envelopes, causality, isolation and the ledger on.
To measure on your machine: `nox -s bench` (`nox -s bench -- --quick` for a short look).

![Nanoseconds per delivery](pictures/benchmarks.svg)

{tables}
"""


def page(data: dict[str, Any], note: str) -> str:
    """The page of all measurements."""
    tables = [
        *(_deliveries(data, kind, burst) for burst in BURSTS for kind in ("async", "inline")),
        _latency(data),
        _memory(data),
        *_loop(data),
        *_journal(data),
        _targets(data),
    ]
    return PAGE.format(note=note, how=how(data), tables="\n\n".join(tables))


def excerpt(data: dict[str, Any]) -> str:
    """The short table of the README: async handlers, bursts of 100."""
    return f"{_deliveries(data, 'async', 100, title='')}\n\n{how(data)}"


def how(data: dict[str, Any]) -> str:
    """On what, and with what, it was measured."""
    machine, packages = data["machine"], data["packages"]
    versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
    rounds = data["plan"]["repeats"]
    return "\n".join(
        [
            f"Medians of {rounds} rounds in which the contenders take turns, with",
            f"{machine['python']} on {machine['cores']} cores of {machine['processor']}.",
            "Other work on the machine makes all of them slower: compare them with one another.",
            f"Versions: {versions}.",
        ]
    )


def _deliveries(data: dict[str, Any], kind: str, burst: int, title: str | None = None) -> str:
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for row in data["deliveries"]:
        if (row["kind"], row["burst"]) == (kind, burst) and row["per_delivery"] is not None:
            rows.setdefault(row["contender"], {})[row["subscribers"]] = row
    whole = {name: found for name, found in rows.items() if set(found) == set(SUBSCRIBERS)}
    ordered = sorted(whole.items(), key=lambda item: item[1][100]["per_delivery"])
    cells = [
        [
            f"**{name}**" if name.startswith("hookbus") else name,
            *(f"{found[size]['per_delivery']:,.0f}" for size in SUBSCRIBERS),
            f"{found[100]['ratio_to_bare']:,.1f}",
        ]
        for name, found in ordered
    ]
    heads = [
        f"ns per delivery, {kind} handlers, bursts of {burst}",
        *(f"{size} subscriber{'s' * (size > 1)}" for size in SUBSCRIBERS),
        "times the bare loop, at 100",
    ]
    heading = f"## {kind.capitalize()} handlers, bursts of {burst}\n\n" if title is None else title
    return heading + _table(heads, cells)


def _latency(data: dict[str, Any]) -> str:
    cells = [
        [row["contender"], row["kind"], row["pace"], *_figures(row, "p50", "p99", "p999")]
        for row in data["latency"]
    ]
    heads = ["10,000 events/s to 10 subscribers, µs", "handlers", "pace", "p50", "p99", "p99.9"]
    return "## Latency\n\n" + _table(heads, cells)


def _memory(data: dict[str, Any]) -> str:
    cells = [
        [
            row["contender"],
            "yes" if row["stalled"] else "no",
            f"{row['resident'] / 1e6:,.1f}",
            f"{row['slowdown']:.2f}",
        ]
        for row in data["memory"]
    ]
    heads = [
        "1,000,000 events",
        "a subscriber is stalled",
        "memory gained, MB",
        "time, to without it",
    ]
    return "## A stalled subscriber\n\n" + _table(heads, cells)


def _loop(data: dict[str, Any]) -> Iterator[str]:
    """The trading loop, where it was measured."""
    if not data.get("loop"):
        return
    cells = [
        [
            row["contender"],
            f"{row['bars']:,}",
            *_figures(row, "microseconds", "bars_per_second"),
            "-" if row["ratio"] is None else f"{row['ratio']:.2f}",
            "-" if row["memory"] is None else f"{row['memory'] / 1e6:,.0f}",
        ]
        for row in data["loop"]
    ]
    source = data["loop"][0]["source"]
    heads = [
        f"a run over {source} bars in a fresh process",
        "bars",
        "µs per bar",
        "bars/s",
        "to backtesting.py",
        "MB",
    ]
    yield "## The trading loop\n\n" + _table(heads, cells)


def _journal(data: dict[str, Any]) -> Iterator[str]:
    """The journal, where it was measured."""
    journal = data.get("journal")
    if not journal:
        return
    cells = [
        [
            f"{row['publishers']:,}",
            *_figures(row, "batch", "bare", "events_per_second"),
            f"{row['ratio']:.2f}",
            *_figures(row, "p50", "p99", "p999"),
        ]
        for row in journal["publishing"]
    ]
    heads = [
        "durable publishers at once",
        "events a commit",
        "bare loop, rows/s",
        "events/s",
        "to bare",
        "p50, µs",
        "p99",
        "p99.9",
    ]
    yield f"""## The journal

A bare loop inserts the same rows into the same tables of SQLite, in batches of the same size, at
the same synchronous level.

{_table(heads, cells)}

Recording every event adds {journal["recording"]:.2f} µs to a publish; until everything is in the
file it takes {journal["writing"]:.1f} µs per event. {journal["history"]:,.0f} events/s are read
back, and {journal["replay"]:,.0f} events/s fed into a fresh host by `hookbus journal replay`."""


def _targets(data: dict[str, Any]) -> str:
    cells = [
        [
            target["figure"],
            f"{target['measured']:,.{target['digits']}f} {target['unit']}",
            f"{'at least' if target['least'] else 'at most'} {target['limit']:,g}",
            "yes" if target["met"] else "no",
        ]
        for target in data["targets"]
        if target["measured"] is not None
    ]
    return "## What was wanted\n\n" + _table(["figure", "measured", "wanted", "reached"], cells)


def _figures(row: dict[str, Any], *names: str) -> Iterator[str]:
    for name in names:
        yield f"{row[name]:,.0f}" if row[name] is not None else "-"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
