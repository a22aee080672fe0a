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
LOOP = "feed, strategy, risk, execution, portfolio"
RECORDED = "the same, with the record of all events"
EVERYTHING = "every plugin"

FEED = ("trading", "market")
STAGES = (*FEED, "strategy", "risk", "execution", "portfolio")
BESIDE = ("lifecycle", "msc", "opprank", "health", "discord", "fastpath", "report", "logging")


@dataclass(frozen=True)
class Row:
    """A run of a trading loop: how long for each bar, to backtesting.py, and the peak memory."""

    contender: str
    bars: int
    microseconds: float | None
    bars_per_second: float | None
    ratio: float | None
    memory: float | None
    verdict: str


@dataclass(frozen=True)
class _Case:
    name: str
    bars: int
    wish: dict[str, Any]


def run_loop(plan: Plan, say: Callable[[str], None]) -> list[Row]:
    """Run every case in fresh processes, in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = _cases(folder, quick=plan.quick)
        found: dict[str, list[dict[str, float]]] = {case.name: [] for case in cases}
        trouble: dict[str, str] = {}
        for turn in rotations(cases, 1 if plan.quick else 5):
            for case in turn:
                say(f"loop: {case.name}")
                try:
                    found[case.name].append(_measure(case.wish))
                except subprocess.CalledProcessError as error:
                    trouble[case.name] = f"FAILED: {error.stderr.strip()[-200:]}"
        return _rows(cases, found, trouble)


def _rows(
    cases: list[_Case], found: dict[str, list[dict[str, float]]], trouble: dict[str, str]
) -> list[Row]:
    reference = _median(found.get(REFERENCE, []), "seconds")
    rows = []
    for case in cases:
        seconds = _median(found[case.name], "seconds")
        if case.name in trouble or seconds is None:
            verdict = trouble.get(case.name, "not measured")
            rows.append(Row(case.name, case.bars, None, None, None, None, verdict))
            continue
        ratio = None if reference is None or case.bars != BARS else seconds / reference
        each, rate = seconds / case.bars * 1e6, case.bars / seconds
        memory = _median(found[case.name], "memory")
        rows.append(Row(case.name, case.bars, each, rate, ratio, memory, "ok"))
    return rows


def _median(runs: list[dict[str, float]], figure: str) -> float | None:
    known = [run[figure] for run in runs if run[figure] is not None]
    return statistics.median(known) if known else None


def _measure(wish: dict[str, Any]) -> dict[str, float]:
    command = [sys.executable, str(RUN), json.dumps(wish)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _cases(folder: Path, *, quick: bool) -> list[_Case]:
    bars = GENUINE if GENUINE.exists() else _made_up(folder, BARS)
    record = str(folder / "record.jsonl")
    installed = tuple(name for name in BESIDE if _is_installed(name))
    cases = []
    if find_spec("backtesting") is not None:
        cases.append(_Case(REFERENCE, BARS, {"bars": str(bars), "reference": True}))
    growing = {
        "feed": FEED,
        "feed, strategy": STAGES[:3],
        "feed, strategy, risk": STAGES[:4],
        "feed, strategy, risk, execution": STAGES[:5],
        LOOP: STAGES,
    }
    for name, plugins in growing.items():
        cases.append(_Case(name, BARS, _wish(bars, plugins)))
    cases.append(_Case(RECORDED, BARS, _wish(bars, STAGES, record)))
    cases.append(_Case(EVERYTHING, BARS, _wish(bars, (*STAGES, *installed), None)))
    for count in (1_000, 10_000, 100_000) if quick else (1_000, 10_000, 100_000, 1_000_000):
        wish = _wish(_made_up(folder, count), STAGES)
        cases.append(_Case(f"the loop over {count:,} made-up bars", count, wish))
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
