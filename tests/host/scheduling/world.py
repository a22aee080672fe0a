"""A small world for jobs: a bus, a scheduler and a clock that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

import structlog
from hookbus.bus.eventbus import EventBus
from hookbus.bus.voice import Bus
from hookbus.clock import SECOND, Clock, SimulatedClock, from_ns, to_ns
from hookbus.loop import run
from hookbus.operational import OperationalEvent
from hookbus.scheduler.jobs import JobRun
from hookbus.scheduler.scheduler import PluginScheduler, Scheduler

T = TypeVar("T")


class JumpingClock:
    """A machine's clock that can be set: it shows simulated time plus what it was set by."""

    simulated = False

    def __init__(self, steady: SimulatedClock) -> None:
        self.steady = steady
        self.set_by_ns = 0

    def set_by(self, seconds: float) -> None:
        """Set the clock forward, or back."""
        self.set_by_ns += round(seconds * SECOND)

    def now_ns(self) -> int:
        """What the clock shows."""
        return self.steady.now_ns() + self.set_by_ns

    def now(self) -> datetime:
        """The same as a datetime."""
        return from_ns(self.now_ns())

    async def sleep(self, seconds: float) -> None:
        """Sleep by a steady clock, as asyncio does."""
        await asyncio.sleep(seconds)

    async def sleep_until(self, time_ns: int) -> None:
        """Sleep as the system clock does, which looks again every minute."""
        while (left := time_ns - self.now_ns()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left / SECOND, 60.0))


@dataclass
class World:
    """What a scenario plays in."""

    clock: Any
    events: EventBus
    bus: Bus
    scheduler: Scheduler
    jobs: PluginScheduler
    told: list[OperationalEvent] = field(default_factory=list)
    failures: list[tuple[str, str, BaseException]] = field(default_factory=list)
    runs: list[JobRun] = field(default_factory=list)

    async def note(self, run: JobRun) -> None:
        """The run of a job that only remembers having run."""
        self.runs.append(run)

    @property
    def fired(self) -> list[str]:
        """When the noted runs began, as text."""
        return [run.fired.isoformat() for run in self.runs]

    @property
    def seconds(self) -> list[float]:
        """When the noted runs began, in seconds of simulated time since the start."""
        start = self.steady.start_ns
        return [(run.fired_ns - start) / SECOND for run in self.runs]

    @property
    def steady(self) -> SimulatedClock:
        """The clock that nobody sets."""
        clock: SimulatedClock = getattr(self.clock, "steady", self.clock)
        return clock

    def ends(self, job: str = "p.job") -> dict[str, int]:
        """The ways in which runs of a job have ended, with their counts."""
        account = self.scheduler.ledger.account(job)
        names = ("ran", "late", "failed", "coalesced", "skipped", "missed", "shadow", "disabled")
        return {name: getattr(account, name) for name in names if getattr(account, name)}

    def reasons(self, end: str) -> list[str]:
        """Why runs ended in one way."""
        return [entry.reason for entry in self.scheduler.ledger.entries if entry.end == end]


Scenario = Callable[[World], Awaitable[T]]


class Simulate(Protocol):
    """Plays a scenario in simulated time; see the fixture of that name."""

    def __call__(
        self,
        scenario: Scenario[T],
        start: str = "2026-01-01T00:00Z",
        *,
        can_be_set: bool = False,
        **scheduler_options: Any,
    ) -> T:
        """Answer what the scenario returns."""


def make_world(clock: Clock, options: dict[str, Any]) -> World:
    """Build a world on the running loop; options go to the scheduler."""
    events = EventBus(clock, structlog.get_logger())
    failures: list[tuple[str, str, BaseException]] = []
    settings: dict[str, Any] = {"publish": events.publish_forced, **options}
    scheduler = Scheduler(
        clock,
        lambda plugin: Bus(events, plugin),
        report_failure=lambda *report: failures.append(report),
        **settings,
    )
    world = World(
        clock, events, Bus(events, "p"), scheduler, scheduler.for_plugin("p"), failures=failures
    )
    world.bus.subscribe(OperationalEvent, world.told.append, mode="inline")
    return world


def play(
    scenario: Scenario[T],
    start: str = "2026-01-01T00:00Z",
    *,
    can_be_set: bool = False,
    **scheduler_options: Any,
) -> T:
    """Play a scenario; afterwards every due run is accounted for and no task is left behind."""
    steady = SimulatedClock(to_ns(datetime.fromisoformat(start)))
    clock: Any = JumpingClock(steady) if can_be_set else steady

    async def whole() -> T:
        world = make_world(clock, scheduler_options)
        result = await scenario(world)
        assert world.scheduler.check() == []
        await world.scheduler.close()
        assert world.scheduler.check() == []
        assert world.scheduler.ledger.pending == 0
        world.events.close()
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"left behind: {left}"
        return result

    return run(whole(), steady)
