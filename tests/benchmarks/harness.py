"""Interleaved repeats: every contender takes its turn in every repeat, in rotating order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from .contenders import Contender
from .workload import Crowd, Kind, Tick

Item = TypeVar("Item")
MakeEvents = Callable[[int], Iterable[Tick]]

PATIENCE = 30.0
"""Seconds after which a measurement gives up and counts what is missing as lost."""
MOST_ROUNDS = 20_000
SLOW_REPEATS = 2
WARM_UP = 2048
"""Events, at most, before the clock starts: enough to fill a ring of the default size."""


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Each row gets `repeats` measurements of about `budget` seconds. A contender that needs more
    than `slow` seconds for a burst gets smaller bursts, and fewer repeats where one burst takes
    more than the budget.
    """

    repeats: int = 7
    budget: float = 0.08
    slow: float = 0.5
    quick: bool = False


@dataclass(frozen=True)
class Case:
    """What is measured: kind of handlers, number of subscribers, events per burst, their source."""

    kind: Kind
    subscribers: int
    burst: int
    make_events: MakeEvents


@dataclass(frozen=True)
class Measurement:
    """One run of one contender: nanoseconds per event, and what went missing or came twice."""

    nanoseconds: float
    lost: int
    surplus: int
    refused: int


@dataclass
class Series:
    """The measurements of one contender, in the order of the repeats."""

    contender: type[Contender]
    case: Case
    burst: int
    rounds: int = 1
    repeats: int = 0
    error: str = ""
    measurements: list[Measurement] = field(default_factory=list)

    @property
    def nanoseconds(self) -> float:
        """Median nanoseconds per event."""
        return statistics.median(one.nanoseconds for one in self.measurements)

    @property
    def lost(self) -> int:
        """Deliveries that never happened."""
        return sum(one.lost for one in self.measurements)

    @property
    def exact(self) -> bool:
        """Whether every subscriber got every event once."""
        return not self.error and not self.lost and not any(m.surplus for m in self.measurements)

    def ratio(self, other: Series) -> float:
        """Median of the ratios to `other` in the same repeat, so that noise hits both alike."""
        pairs = zip(self.measurements, other.measurements, strict=False)
        return statistics.median(mine.nanoseconds / its.nanoseconds for mine, its in pairs)

    @property
    def refused(self) -> int:
        """How often the contender took no event and had to be asked again."""
        return sum(one.refused for one in self.measurements)

    def verdict(self) -> str:
        """`ok`, or what became of the deliveries."""
        if self.error:
            return self.error
        if self.exact:
            return "ok"
        surplus = sum(one.surplus for one in self.measurements)
        return f"FAILED: lost {self.lost}" + (f", {surplus} too many" if surplus else "")


def rotations(items: Sequence[Item], repeats: int) -> Iterator[Sequence[Item]]:
    """The items once per repeat, each time beginning with the next one."""
    for repeat in range(repeats):
        start = repeat % len(items)
        yield [*items[start:], *items[:start]]


def compare(contenders: Sequence[type[Contender]], case: Case, plan: Plan) -> list[Series]:
    """Measure all contenders side by side, in the order given.

    Each measurement has an event loop of its own: what a contender changes there, such as the way
    tasks are made, is its own affair.
    """
    lineup = [_calibrated(contender, case, plan) for contender in contenders]
    gc.collect()
    gc.freeze()  # modules are there to stay: without this, looking through them takes most time
    for turn in rotations(lineup, plan.repeats):
        for series in turn:
            if len(series.measurements) < series.repeats:
                series.measurements.append(asyncio.run(_measure(series)))
    return lineup


def _calibrated(contender: type[Contender], case: Case, plan: Plan) -> Series:
    series = Series(contender, case, burst=1)
    try:
        once = asyncio.run(_measure(series)).nanoseconds / 1e9
        series.burst = max(1, min(case.burst, int(plan.slow / once)))
        spent = series.burst * asyncio.run(_measure(series)).nanoseconds / 1e9
    except ImportError:
        series.error = "not installed"
    except Exception as error:  # noqa: BLE001 - whatever a library does, it becomes its row
        series.error = f"FAILED: {type(error).__name__}: {error}"
    else:
        series.rounds = max(1, min(MOST_ROUNDS, int(plan.budget / spent)))
        series.repeats = plan.repeats if spent < plan.budget else min(plan.repeats, SLOW_REPEATS)
    return series


async def _measure(series: Series) -> Measurement:
    """Publish bursts, waiting after each until every subscriber has handled all of it."""
    case = series.case
    crowd = Crowd(case.subscribers, case.kind, series.contender.arguments)
    contender = series.contender(case.kind)
    await contender.open(crowd.handlers)
    try:
        warm_up = [1] + [series.burst] * min(series.rounds // 2, WARM_UP // series.burst)
        await _bursts(contender, crowd, case.make_events, warm_up)
        gc.collect()
        started = time.perf_counter_ns()
        await _bursts(contender, crowd, case.make_events, [series.burst] * series.rounds)
        spent = time.perf_counter_ns() - started
        await asyncio.sleep(0)
    finally:
        await contender.close()
    sent = series.burst * series.rounds
    counts = [count - sum(warm_up) - sent for count in crowd.counts()]
    return Measurement(
        nanoseconds=spent / sent,
        lost=-sum(count for count in counts if count < 0),
        surplus=sum(count for count in counts if count > 0),
        refused=contender.refused,
    )


async def _bursts(
    contender: Contender, crowd: Crowd, make_events: MakeEvents, bursts: Sequence[int]
) -> None:
    publish, handled = contender.publish, crowd.handled
    goal = crowd.counts()[0]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            for burst in bursts:
                await publish(make_events(burst))
                goal += burst
                await handled(goal)
