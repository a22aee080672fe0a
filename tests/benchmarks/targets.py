"""The figures that hookbus wants to reach, and whether this run has reached them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .loop import LOOP, RECORDED
from .results import Results

HOOKBUS = "hookbus"


@dataclass(frozen=True)
class Target:
    """One figure: met when it is at most `limit`, or at least, when `least`; None is never met."""

    figure: str
    measured: float | None
    limit: float
    unit: str
    least: bool = False
    digits: int = 2

    @property
    def met(self) -> bool:
        """Whether the figure is reached."""
        if self.measured is None:
            return False
        return self.measured >= self.limit if self.least else self.measured <= self.limit


BARE_LIMITS = (("async", 10, 3.0), ("async", 100, 2.3), ("inline", 10, 2.5), ("inline", 100, 1.7))
QUEUE_LIMIT = 1.1
PIPELINE_LEAST = 300_000
NEIGHBOUR_LIMIT = 1.05
STARTUP_LIMIT = 3.0
LOOP_LIMITS = ((LOOP, 1.0), (RECORDED, 3.0))
FLAT_LIMIT = 1.2
BARE_SHARE = 0.5
RECORDING_LIMIT = 2.0
REPLAY_LEAST = 100_000
FLAT_FROM = 10_000
"""Bars of the run that longer ones are compared with; a shorter one is mostly start and end."""


def judge(results: Results) -> list[Target]:
    """Every target for which this run has a figure."""
    return [
        *_bare(results),
        *_queues(results),
        *_memory(results),
        *_pipeline(results),
        *_startup(results),
        *_loop(results),
        *_fastlane(results),
        *_journal(results),
    ]


def _bare(results: Results) -> Iterator[Target]:
    for kind, subscribers, limit in BARE_LIMITS:
        row = results.delivery(HOOKBUS, kind, subscribers, 100)
        if row is not None:
            figure = f"bursts of 100, {kind} handlers, {subscribers} subscribers, to the bare loop"
            yield Target(figure, row.ratio_to_bare, limit, "times")


def _queues(results: Results) -> Iterator[Target]:
    for subscribers in (1, 10, 100):
        row = results.delivery(HOOKBUS, "async", subscribers, 1)
        if row is not None:
            figure = f"bursts of 1, async handlers, {subscribers} subscribers, to the queues"
            yield Target(figure, row.ratio_to_queue, QUEUE_LIMIT, "times")


def _memory(results: Results) -> Iterator[Target]:
    rows = {row.stalled: row for row in results.memory if row.contender == HOOKBUS}
    if len(rows) == 2:
        free, stalled = rows[False], rows[True]
        more = (stalled.traced - free.traced) / stalled.ring
        figure = "memory that a stalled subscriber adds, to what its ring holds"
        yield Target(figure, more, 1.0, "times")
        figure = "time per event of the others beside a stalled subscriber, to without it"
        yield Target(figure, stalled.slowdown, NEIGHBOUR_LIMIT, "times")


def _pipeline(results: Results) -> Iterator[Target]:
    for row in results.pipeline:
        if row.contender == HOOKBUS:
            figure = f"create, publish and deliver to 10 {row.kind} handlers"
            yield Target(figure, row.events_per_second, PIPELINE_LEAST, "events/s", True, digits=0)


def _startup(results: Results) -> Iterator[Target]:
    for row in results.startup:
        if row.command == "hookbus --help":
            yield Target("hookbus --help, to import pydantic", row.ratio, STARTUP_LIMIT, "times")
    for run in results.installed:
        works = run.enabled_imported == run.enabled
        figure = f"disabled plugins that are imported, of {run.installed - run.enabled}"
        measured = run.disabled_imported if works else None
        yield Target(figure, measured, 0.0, "plugins", digits=0)


def _loop(results: Results) -> Iterator[Target]:
    rows = {row.contender: row for row in results.loop}
    for name, limit in LOOP_LIMITS:
        if name in rows and rows[name].ratio is not None:
            yield Target(
                f"trading loop ({name}), to backtesting.py", rows[name].ratio, limit, "times"
            )
    made_up = {row.bars: row.microseconds for row in results.loop if "made-up" in row.contender}
    first, longest = made_up.get(FLAT_FROM), max(made_up, default=0)
    last = made_up.get(longest)
    if first and last:
        figure = f"time per bar over {longest:,} bars, to {FLAT_FROM:,}"
        yield Target(figure, last / first, FLAT_LIMIT, "times")


def _fastlane(results: Results) -> Iterator[Target]:
    lane = results.fastlane
    if lane:
        figure = "p99 of the fast lane beside 100,000 background items, to idle"
        yield Target(figure, lane["ratio_p99"], lane["most"], "times")


def _journal(results: Results) -> Iterator[Target]:
    figures = results.journal
    if figures is None:
        return
    for row in figures.publishing:
        figure = f"durable publishes/s of {row.publishers:,} publishers, to a bare SQLite loop"
        yield Target(figure, row.ratio, BARE_SHARE, "times", least=True)
    figure = "what recording everything adds to a publish"
    yield Target(figure, figures.recording, RECORDING_LIMIT, "µs")
    yield Target("events that were not recorded", figures.unrecorded, 0.0, "events", digits=0)
    figure = "events fed from the journal into a fresh host"
    yield Target(figure, figures.replay, REPLAY_LEAST, "events/s", least=True, digits=0)
