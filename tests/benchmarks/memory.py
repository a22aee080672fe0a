"""What a stalled subscriber costs: memory, and the time of its neighbours.

Every run is a process of its own, because memory that was once used is seldom given back:
`python -m benchmarks.memory hookbus --stalled --events 1000000`, with `tests/` as the folder.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .adapter import Hookbus
from .contenders import Contender, QueueEach
from .harness import Plan, rotations
from .workload import Crowd, Handler, make_tick

TESTS = Path(__file__).resolve().parents[1]
CONTENDERS: dict[str, type[Contender]] = {"hookbus": Hookbus, "asyncio.Queue": QueueEach}
NEIGHBOURS = 9
BURST = 100
CAPACITY = 1024


@dataclass(frozen=True)
class Row:
    """A contender with nine busy subscribers, and one that hangs in its first event, or none.

    `resident` is what the process grew by under `events`, `traced` what Python objects grew by
    under `traced_events`, `ring` what the events of a full ring weigh without their envelopes, all
    in bytes. `per_event` is in nanoseconds, `slowdown` the ratio to the run with nobody stalled.
    """

    contender: str
    stalled: bool
    events: int
    resident: int
    traced_events: int
    traced: int
    ring: int
    per_event: float
    slowdown: float
    verdict: str
    exact: bool


def run_memory(plan: Plan, say: Callable[[str], None]) -> list[Row]:
    """Measure hookbus and the hand-written queues, each with and without the stalled subscriber."""
    events, traced_events = (100_000, 20_000) if plan.quick else (1_000_000, 100_000)
    cases = [(name, stalled) for name in CONTENDERS for stalled in (False, True)]
    timed: dict[tuple[str, bool], list[dict[str, Any]]] = {case: [] for case in cases}
    for turn in rotations(cases, 1 if plan.quick else 3):
        for name, stalled in turn:
            say(f"memory: {name}, {'one' if stalled else 'nobody'} stalled, {events:,} events")
            timed[name, stalled].append(_in_process(name, stalled, events, trace=False))
    rows = []
    for name, stalled in cases:
        say(f"memory: {name}, {'one' if stalled else 'nobody'} stalled, traced")
        traced = _in_process(name, stalled, traced_events, trace=True)
        rows.append(_row(name, stalled, timed, traced))
    return rows


def _row(
    name: str,
    stalled: bool,
    timed: dict[tuple[str, bool], list[dict[str, Any]]],
    traced: dict[str, Any],
) -> Row:
    runs, free = timed[name, stalled], timed[name, False]
    pairs = zip(runs, free, strict=True)
    slowdown = statistics.median(run["per_event"] / other["per_event"] for run, other in pairs)
    lost = sum(run["lost"] for run in [*runs, traced])
    return Row(
        contender=name,
        stalled=stalled,
        events=runs[0]["events"],
        resident=int(statistics.median(run["resident"] for run in runs)),
        traced_events=traced["events"],
        traced=traced["traced"],
        ring=traced["ring"],
        per_event=statistics.median(run["per_event"] for run in runs),
        slowdown=slowdown,
        verdict=f"FAILED: lost {lost}" if lost else "ok",
        exact=not lost,
    )


def _in_process(name: str, stalled: bool, events: int, *, trace: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.memory", name, "--events", str(events)]
    command += ["--stalled"] * stalled + ["--trace"] * trace
    done = subprocess.run(command, cwd=TESTS, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def resident_bytes() -> int:
    """Memory of this process now; where that is not to be had, the most it ever used."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


async def _measure(contender: Contender, *, stalled: bool, events: int) -> dict[str, Any]:
    ring = _weigh_ring()
    crowd = Crowd(NEIGHBOURS, "async")
    forever: list[Handler] = [_stall] if stalled else []
    await contender.open([*forever, *crowd.handlers])
    await _publish(contender, crowd, BURST)
    gc.collect()
    resident, traced = resident_bytes(), tracemalloc.get_traced_memory()[0]
    started = time.perf_counter_ns()
    await _publish(contender, crowd, events)
    spent = time.perf_counter_ns() - started
    gc.collect()
    result = {
        "events": events,
        "resident": resident_bytes() - resident,
        "traced": tracemalloc.get_traced_memory()[0] - traced,
        "ring": ring,
        "per_event": spent / events,
        "lost": sum(abs(BURST + events - count) for count in crowd.counts()),
    }
    await contender.close()
    return result


def _weigh_ring() -> int:
    before = tracemalloc.get_traced_memory()[0]
    events = list(map(make_tick, range(CAPACITY)))
    after = tracemalloc.get_traced_memory()[0]
    events.clear()
    return after - before


async def _publish(contender: Contender, crowd: Crowd, events: int) -> None:
    goal = crowd.counts()[0]
    for start in range(0, events, BURST):
        await contender.publish(map(make_tick, range(start, start + BURST)))
        goal += BURST
        await crowd.handled(goal)


async def _stall(event: object) -> None:
    await asyncio.get_running_loop().create_future()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--stalled", action="store_true")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--events", type=int, required=True)
    options = parser.parse_args()
    if options.trace:
        tracemalloc.start()
    contender = CONTENDERS[options.contender]("async")
    measured = asyncio.run(_measure(contender, stalled=options.stalled, events=options.events))
    print(json.dumps(measured))


if __name__ == "__main__":
    _main()
