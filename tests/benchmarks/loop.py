"""The trading loop: time for each bar by stage, beside backtesting.py, over longer histories."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .harness import Plan, rotations

RUN = Path(__file__).with_name("loop_run.py")
GENUINE = Path(__file__).resolve().parents[3] / "shared" / "data" / "index-2006-1min.csv"
BARS = 30_889
REFERENCE = "backtesting.py"
REPEATS = 5
LOOP = "feed, strategy, risk, execution, portfolio"
RECORDED = "the same, with the record of all events"
EVERYTHING = "every plugin"

FEED = ("trading", "market")
STAGES = (*FEED, "strategy", "risk", "execution", "portfolio")
BESIDE = ("lifecycle", "msc", "opprank", "health", "discord", "fastpath", "report", "logging")


@dataclass(frozen=True)
class Row:
    """A run of a trading loop: how long for each bar, to backtesting.py, and the peak memory.

    `source` says where the bars come from, `genuine` or `made-up`.
    """

    contender: str
    bars: int
    source: str
    microseconds: float | None
    bars_per_second: float | None
    ratio: float | None
    memory: float | None
    verdict: str


@dataclass(frozen=True)
class Run:
    """What one run took: seconds, and the peak memory in bytes where the system tells."""

    seconds: float
    memory: float | None
    error: str = ""


@dataclass(frozen=True)
class _Case:
    name: str
    bars: int
    source: str
    wish: dict[str, Any]


def run_loop(plan: Plan, say: Callable[[str], None]) -> list[Row]:
    """Run every case in fresh processes, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(Path(folder), quick=plan.quick)
        if not GENUINE.exists():
            say(f"loop: {GENUINE.name} is not there, so all bars are made up")
        runs: dict[str, list[Run]] = {case.name: [] for case in cases}
        for turn in rotations(cases, 1 if plan.quick else REPEATS):
            for case in turn:
                say(f"loop: {case.name}")
                runs[case.name].append(_measure(case.wish))
    return [_row(case, runs[case.name], runs.get(REFERENCE, [])) for case in cases]


def _row(case: _Case, runs: list[Run], reference: list[Run]) -> Row:
    failed = [run.error for run in runs if run.error]
    if failed:
        return Row(case.name, case.bars, case.source, None, None, None, None, failed[0])
    seconds = statistics.median(run.seconds for run in runs)
    known = [run.memory for run in runs if run.memory is not None]
    memory = statistics.median(known) if known else None
    each, rate = seconds / case.bars * 1e6, case.bars / seconds
    ratio = _ratio(runs, reference) if case.bars == BARS else None
    return Row(case.name, case.bars, case.source, each, rate, ratio, memory, "ok")


def _ratio(runs: list[Run], reference: list[Run]) -> float | None:
    """Median of the ratios in the same turn, so that noise hits both alike."""
    pairs = zip(runs, reference, strict=False)
    ratios = [mine.seconds / its.seconds for mine, its in pairs if not its.error]
    return statistics.median(ratios) if ratios else None


def _measure(wish: dict[str, Any]) -> Run:
    command = [sys.executable, str(RUN), json.dumps(wish)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        complaint = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Run(0.0, None, f"FAILED: {complaint[-1][:200]}")
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def _cases(folder: Path, *, quick: bool) -> list[_Case]:
    genuine = GENUINE.exists()
    bars, source = (GENUINE, "genuine") if genuine else (_made_up(folder, BARS), "made-up")
    record = str(folder / "record.jsonl")
    installed = tuple(name for name in BESIDE if _is_installed(name))
    cases = []
    if find_spec("backtesting") is not None:
        cases.append(_Case(REFERENCE, BARS, source, {"bars": str(bars), "reference": True}))
    growing = {
        "feed": FEED,
        "feed, strategy": STAGES[:3],
        "feed, strategy, risk": STAGES[:4],
        "feed, strategy, risk, execution": STAGES[:5],
        LOOP: STAGES,
    }
    for name, plugins in growing.items():
        cases.append(_Case(name, BARS, source, _wish(bars, plugins)))
    cases.append(_Case(RECORDED, BARS, source, _wish(bars, STAGES, record)))
    cases.append(_Case(EVERYTHING, BARS, source, _wish(bars, (*STAGES, *installed))))
    for count in (1_000, 10_000, 100_000) if quick else (1_000, 10_000, 100_000, 1_000_000):
        wish = _wish(_made_up(folder, count), STAGES)
        cases.append(_Case(f"the loop over {count:,} made-up bars", count, "made-up", wish))
    return cases


def _wish(bars: Path, plugins: tuple[str, ...], record: str | None = None) -> dict[str, Any]:
    return {"bars": str(bars), "plugins": plugins, "record": record}


def _is_installed(plugin: str) -> bool:
    package = "hookbus_paper" if plugin == "lifecycle" else f"hookbus_{plugin}"
    return find_spec(package) is not None


def _made_up(folder: Path, count: int) -> Path:
    """A file of minutes like the genuine one: a random walk from a seed."""
    path = folder / f"made-up-{count}.csv"
    chance, price = random.Random(count), 3600.0
    time = datetime(2006, 1, 2, 9, 0)
    with path.open("w", encoding="utf-8") as file:
        file.write("Date,Open,High,Low,Close,Volume,OpenInterest\n")
        for _ in range(count):
            time += timedelta(minutes=1)
            last = max(1.0, round(price * (1 + chance.gauss(0, 0.0003)), 2))
            high, low = max(price, last) + 0.5, min(price, last) - 0.5
            moment = f"{time:%Y-%m-%d,%H:%M:%S}"
            file.write(f"{moment},{price:.2f},{high:.2f},{low:.2f},{last:.2f},100,0\n")
            price = last
    return path
