"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from .adapter import Hookbus, HookbusLossless, HookbusNowait
from .chart import write_chart
from .contenders import PEERS, BareLoop, Blinker, Contender, QueueEach, TaskEach
from .fastlane import measure as measure_fastlane
from .harness import Plan
from .installed import run_installed
from .journal import measure as measure_journal
from .latency import run_latency
from .loop import run_loop
from .memory import run_memory
from .report import print_report, write_json
from .results import Results
from .startup import run_startup
from .throughput import run_deliveries, run_pipeline
from .workload import Kind

LINEUP: tuple[type[Contender], ...] = (BareLoop, Hookbus, HookbusNowait, HookbusLossless, *PEERS)
PACED: tuple[tuple[type[Contender], Kind], ...] = (
    (Hookbus, "async"),
    (Hookbus, "inline"),
    (QueueEach, "async"),
    (Blinker, "async"),
    (TaskEach, "async"),
)
Say = Callable[[str], None]

QUICK = Plan(repeats=3, budget=0.01, slow=0.06, quick=True)


def main() -> int:
    """Measure, print and write; the exit code is 1 when hookbus lost a delivery."""
    options = _parse(sys.argv[1:])
    _silence()
    console = Console(width=None if sys.stdout.isatty() else 140)
    errors = Console(stderr=True)
    plan = QUICK if options.quick else Plan()
    if options.repeat:
        plan = Plan(options.repeat, plan.budget, plan.slow, plan.quick)
    results = _measure(options.only, plan, errors)
    print_report(results, console)
    if options.json:
        write_json(results, plan, options.json)
    if options.svg:
        write_chart(results.deliveries, options.svg)
    losses = results.losses("hookbus")
    for line in losses:
        errors.print(line, style="red")
    return 1 if losses else 0


def _throughput(results: Results, plan: Plan, say: Say) -> None:
    results.deliveries = run_deliveries(LINEUP, plan, say)


def _pipeline(results: Results, plan: Plan, say: Say) -> None:
    results.pipeline = run_pipeline(LINEUP, plan, say)


def _latency(results: Results, plan: Plan, say: Say) -> None:
    results.latency = run_latency(PACED, plan, say)


def _memory(results: Results, plan: Plan, say: Say) -> None:
    results.memory = run_memory(plan, say)


def _startup(results: Results, plan: Plan, say: Say) -> None:
    results.startup = run_startup(plan, say)
    results.installed = run_installed(say)


def _loop(results: Results, plan: Plan, say: Say) -> None:
    results.loop = run_loop(plan, say)


def _fastlane(results: Results, plan: Plan, say: Say) -> None:
    say("the fast lane")
    results.fastlane = measure_fastlane(plan.quick)


def _journal(results: Results, plan: Plan, say: Say) -> None:
    results.journal = measure_journal(plan, say)


MEASURES: dict[str, Callable[[Results, Plan, Say], None]] = {
    "throughput": _throughput,
    "pipeline": _pipeline,
    "latency": _latency,
    "memory": _memory,
    "startup": _startup,
    "loop": _loop,
    "fastlane": _fastlane,
    "journal": _journal,
}


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python tests/benchmarks", description="Measure hookbus beside other ways to do it."
    )
    parser.add_argument("--quick", action="store_true", help="a look of a minute")
    parser.add_argument("--repeat", type=int, metavar="N", help="measurements per row")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row here")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the deliveries here")
    parser.add_argument(
        "--only",
        type=_parts,
        default=tuple(MEASURES),
        metavar="PARTS",
        help=f"any of {','.join(MEASURES)}",
    )
    options = parser.parse_args(arguments)
    if options.svg and "throughput" not in options.only:
        parser.error("--svg draws the throughput; leave it in --only")
    return options


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    unknown = [part for part in parts if part not in MEASURES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(MEASURES)}")
    return tuple(part for part in MEASURES if part in parts)


def _silence() -> None:
    """Keep what the libraries say about themselves out of the tables."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def _measure(parts: Sequence[str], plan: Plan, errors: Console) -> Results:
    results = Results()
    with errors.status("measuring") as status:

        def say(text: str) -> None:
            status.update(text)
            if not errors.is_terminal:
                errors.print(text, style="dim")

        for part in parts:
            MEASURES[part](results, plan, say)
    return results
