"""How long `hookbus --help` takes to start, beside importing pydantic and nothing else."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .harness import Plan, rotations

HOOKBUS = (str(Path(sys.executable).with_name("hookbus")), "--help")
PYDANTIC = (sys.executable, "-c", "import pydantic")
NOTHING = (sys.executable, "-c", "pass")
COMMANDS = {"python -c pass": NOTHING, "import pydantic": PYDANTIC, "hookbus --help": HOOKBUS}


@dataclass(frozen=True)
class Row:
    """A command in a fresh process, in milliseconds, and its ratio to importing pydantic."""

    command: str
    milliseconds: float | None
    ratio: float | None
    verdict: str


def run_startup(plan: Plan, say: Callable[[str], None]) -> list[Row]:
    """Start each command again and again, interleaved."""
    say("start-up: fresh processes")
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    trouble: dict[str, str] = {}
    for turn in rotations(list(COMMANDS), 6 if plan.quick else 21):
        for name in turn:
            try:
                times[name].append(_milliseconds(COMMANDS[name]))
            except (OSError, subprocess.CalledProcessError) as error:
                trouble[name] = f"FAILED: {error}"
    return [_row(name, times, trouble) for name in COMMANDS]


def _milliseconds(command: tuple[str, ...]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def _row(name: str, times: dict[str, list[float]], trouble: dict[str, str]) -> Row:
    if name in trouble:
        return Row(name, None, None, trouble[name])
    ratios = [mine / its for mine, its in zip(times[name], times["import pydantic"], strict=True)]
    return Row(name, statistics.median(times[name]), statistics.median(ratios), "ok")
