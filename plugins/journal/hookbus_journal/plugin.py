"""The plugin: opens the journal before everything else, and closes it after everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar

import hookbus
from hookbus import (
    Event,
    HealthCheck,
    HealthReport,
    InlineSubscription,
    Job,
    Journal,
    Plugin,
    PluginContext,
    SimulatedClock,
    Subscription,
    Summary,
    hookimpl,
)

from hookbus_journal.events import (
    OWN_EVENTS,
    JournalFailed,
    JournalRecovered,
    RecordingFellBehind,
)
from hookbus_journal.session import Session, Surroundings
from hookbus_journal.settings import JournalSettings


class JournalPlugin(Plugin):
    """Keeps every event in a file, durable ones before they are dispatched."""

    name = "journal"
    Settings = JournalSettings
    foundation: ClassVar[bool] = True

    settings: JournalSettings

    def __init__(self, settings: JournalSettings) -> None:
        super().__init__(settings)
        self._session: Session | None = None
        self._subscription: Subscription | InlineSubscription | None = None

    @hookimpl
    def hookbus_events(self) -> Iterable[type[Event]]:
        """What the journal says of itself."""
        return OWN_EVENTS

    @hookimpl
    def hookbus_health(self) -> Iterable[HealthCheck]:
        """Whether events can be stored."""
        return (HealthCheck("journal", self._health),)

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Open the journal, provide it, and record what is published from now on."""
        session = Session(context.state_dir, self.settings, self._surroundings(context))
        await session.open()
        self._session = session
        if session.last_run is not None and not session.last_run[1]:
            context.log.warning("the last run did not end as it should", run=session.last_run[0])
        context.provide(Journal, session.journal)
        self._subscription = context.bus.subscribe(
            "*", session.recorder.keep, name="recorder", mode="inline", envelope=True
        )
        if not context.clock.simulated:
            context.scheduler.add(Job("prune", session.prune, every=self.settings.prune_every))

    def _surroundings(self, context: PluginContext) -> Surroundings:
        loop, clock = asyncio.get_running_loop(), context.clock
        teller = Teller(context, loop)
        return Surroundings(
            run=context.bus.run,
            clock=clock,
            host_version=hookbus.__version__,
            tell_trouble=teller.trouble,
            tell_missed=teller.missed,
            paced=isinstance(clock, SimulatedClock) and clock.pace is not None,
        )

    @hookimpl
    async def hookbus_stop(self) -> None:
        """Store what is left, and note that the run has ended as it should."""
        if self._subscription is not None:
            self._subscription.close()
        if self._session is not None:
            await self._session.close()

    @hookimpl
    def hookbus_summary(self) -> Summary | None:
        """What is kept."""
        return None

    def _health(self) -> HealthReport:
        session = self._session
        if session is None:
            return HealthReport("critical", "the journal is not open")
        trouble = session.committer.trouble
        if trouble is not None:
            return HealthReport("critical", f"{session.path}: {trouble}")
        return HealthReport()


class Teller:
    """Says on the bus and in the log what goes wrong with the journal, and when it is over."""

    def __init__(self, context: PluginContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop
        self._missed = 0

    def trouble(self, reason: str | None) -> None:
        """Called by the writer when storing begins or ceases to fail."""
        self._loop.call_soon_threadsafe(self._tell, reason)

    def _tell(self, reason: str | None) -> None:
        context = self._context
        file = str(context.state_dir)
        if reason is None:
            context.log.warning("the journal stores events again", file=file)
            context.bus.publish_forced(JournalRecovered(file=file, missed=self._missed))
            self._missed = 0
        else:
            context.log.error("the journal cannot store anything", file=file, reason=reason)
            context.bus.publish_forced(JournalFailed(file=file, reason=reason))

    def missed(self, count: int) -> None:
        """Called by the recorder for what it cannot keep."""
        self._missed += count
        self._context.log.warning("events were not recorded", count=count)
        self._context.bus.publish_forced(RecordingFellBehind(count=count))
