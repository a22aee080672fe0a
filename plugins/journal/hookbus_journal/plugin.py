"""The plugin: opens the journal before everything else, and closes it after everything else."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar, Final

import hookbus
from hookbus import (
    Event,
    HealthCheck,
    HealthReport,
    Job,
    Journal,
    JournalError,
    Plugin,
    PluginContext,
    SimulatedClock,
    Summary,
    hookimpl,
)

from hookbus_journal.answers import answers
from hookbus_journal.events import OWN_EVENTS
from hookbus_journal.figures import Figures, summary_rows
from hookbus_journal.session import Session, Surroundings
from hookbus_journal.settings import JournalSettings

ACCOUNTS_EVERY: Final = 60.0
"""Seconds between two copies of the host's ledger; a simulation keeps the last one only."""


class JournalPlugin(Plugin):
    """Keeps every event in a file, durable ones before they are dispatched."""

    name = "journal"
    Settings = JournalSettings
    foundation: ClassVar[bool] = True

    settings: JournalSettings

    def __init__(self, settings: JournalSettings) -> None:
        super().__init__(settings)
        self._session: Session | None = None
        self._recording: Any = None
        self._figures: Figures | None = None

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
        session = Session(context.state_dir, self.settings, _surroundings(context))
        await session.open()
        self._session = session
        if session.last_run is not None and not session.last_run[1]:
            context.log.warning("the last run did not end as it should", run=session.last_run[0])
        context.provide(Journal, session.journal)
        for name, function in answers(session.journal).items():
            context.answer(name, function)
        self._recording = context.bus.subscribe(
            "*", session.recorder.keep, name="recorder", mode="inline", envelope=True
        )
        if not session.simulated:
            context.start_task(self._keep_accounts(context, session), "accounts")
            context.scheduler.add(Job("prune", session.prune, every=self.settings.prune_every))

    async def _keep_accounts(self, context: PluginContext, session: Session) -> None:
        while True:
            await context.clock.sleep(ACCOUNTS_EVERY)
            with suppress(JournalError):
                await session.note_accounts(context.ledger().accounts)

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Store what is left, and note that the run has ended as it should."""
        session = self._session
        if session is None:
            return
        if self._recording is not None:
            self._recording.close()
        with suppress(JournalError):
            await session.note_accounts(context.ledger().accounts)
            self._figures = await session.figures()
        await session.close()

    @hookimpl
    def hookbus_summary(self) -> Summary | None:
        """What is kept."""
        session, found = self._session, self._figures
        if session is None or found is None:
            return None
        recorder = session.recorder
        lines = summary_rows(found, session.journal.committed, recorder.missed, recorder.omitted)
        return Summary(title="Journal", rows=tuple(lines))

    def _health(self) -> HealthReport:
        session = self._session
        if session is None:
            return HealthReport("critical", "the journal is not open")
        recorder, trouble = session.recorder, session.committer.trouble
        metrics = {"waiting": recorder.waiting, "missed": recorder.missed}
        if trouble is not None:
            return HealthReport("critical", f"{session.path}: {trouble}", metrics)
        if recorder.behind:
            return HealthReport("degraded", f"{recorder.missed:,} events not recorded", metrics)
        return HealthReport(metrics=metrics)


def _surroundings(context: PluginContext) -> Surroundings:
    clock = context.clock
    return Surroundings(
        run=context.bus.run,
        host_version=hookbus.__version__,
        clock=clock,
        log=context.log,
        publish=context.bus.publish_forced,
        paced=isinstance(clock, SimulatedClock) and clock.pace is not None,
    )
