"""The host: puts bus, clock, scheduler and plugins together, runs them, and stops them.

The composition root: no other module imports all the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from hookbus import operational
from hookbus.bus.eventbus import EventBus
from hookbus.bus.voice import Bus
from hookbus.clock import Clock, SimulatedClock, from_ns, to_ns
from hookbus.containment.ownership import Ownership
from hookbus.contracts import Journal
from hookbus.errors import ConfigurationError, in_words
from hookbus.logs import hiding, make_logger
from hookbus.plugins.assembly import Assembly
from hookbus.plugins.context import PluginContext
from hookbus.plugins.discovery import PLUGIN_GROUP
from hookbus.plugins.plugin import Plugin, PluginRecord, PluginState
from hookbus.plugins.services import Services
from hookbus.plugins.source import Source, Sources, SourceState
from hookbus.plugins.supervisor import Supervisor, Surroundings
from hookbus.recorder import Recorder
from hookbus.runidentity import make_clock, make_run_id
from hookbus.runreport import RunReport, gather_summaries
from hookbus.scheduler.jobstate import FileRunState
from hookbus.scheduler.scheduler import Scheduler
from hookbus.settings.config import Config
from hookbus.settings.secrets import Redactor
from hookbus.settling import Settling
from hookbus.strays import log_strays
from hookbus.watchdog import Blockage, Watchdog, blame


class Host:
    """One host. Make it, then `await run()`; or use it as an async context manager.

    `config` is what `load_config` or `make_config` returns. `plugins` are classes to load besides
    the installed ones, which `group=None` leaves out. `record_to` is a file for all events.
    `strict` makes every plugin required; `safe_mode` loads none. `feed` names the only plugin whose
    sources are started, such as one that replays what was recorded. `load()` may be called first to
    look at the plugins without an event loop.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        plugins: Sequence[type[Plugin]] = (),
        group: str | None = PLUGIN_GROUP,
        clock: Clock | None = None,
        log: Any = None,
        record_to: Path | None = None,
        strict: bool = False,
        safe_mode: bool = False,
        feed: str | None = None,
    ) -> None:
        self.config = config or Config()
        self.redactor = Redactor()
        self.log = hiding(log or make_logger(), self.redactor)
        self.strict = strict
        self.feed = feed
        self.clock = clock or make_clock(self.config.clock)
        self.run_id = make_run_id(self.config.host.name, self.clock)
        self.services = Services(self._service_changed)
        self.ownership = Ownership()
        self.sources = Sources(self._source_ended)
        self.assembly: Assembly
        self.supervisor: Supervisor
        self.event_bus: EventBus
        self.bus: Bus
        self.scheduler: Scheduler
        self._wanted: Any = {"plugins": tuple(plugins), "group": group, "safe_mode": safe_mode}
        self._recorder = Recorder(record_to, self.log) if record_to is not None else None
        self._loaded = self._composed = self._stopped = False
        self._reason: asyncio.Future[str]
        self._watchdog: Watchdog
        self._settling: Settling

    def load(self) -> Self:
        """Find, import, configure and order the plugins; needs no event loop.

        What is wrong with a plugin is in its record. Raises `ConfigurationError`.
        """
        self.assembly = Assembly(self.config, **self._wanted, strict=self.strict)
        self.redactor.learn(text for record in self.records.values() for text in record.secrets)
        self._loaded = True
        return self

    @property
    def records(self) -> dict[str, PluginRecord]:
        """Every plugin that was found, by name."""
        return self.assembly.records

    # Starting

    async def start(self) -> Self:
        """Start every loaded plugin, in dependency order, then the jobs and the sources.

        Raises `ConfigurationError`, and `PluginError` when a required plugin failed.
        """
        if not self._loaded:
            self.load()
        self._set_simulation_start()
        self._compose()
        try:
            await self._start_plugins()
        except BaseException:
            await self.stop("a required plugin failed")
            raise
        self.scheduler.start()
        for problem in self.config.unknown_jobs(self.scheduler.known_jobs):
            self.log.warning("unknown job in the configuration", key=problem.key, mend=problem.mend)
        for record in self.assembly.order:
            for source in self._context_sources(record):
                self.sources.start(source)
        return self

    def _set_simulation_start(self) -> None:
        if isinstance(self.clock, SimulatedClock) and self.config.clock.start is None:
            start = None if self.feed else self.assembly.simulation_start_ns()
            if start is not None and self.clock.now_ns() == 0:
                self.clock.start_at(start)

    def _compose(self) -> None:
        loop = asyncio.get_running_loop()
        limits, rings = self.config.host, self.config.bus
        self.event_bus = EventBus(
            self.clock,
            self.log,
            run=self.run_id,
            registry=self.assembly.registry,
            capacity=rings.capacity,
            history=rings.history,
            max_depth=limits.max_depth,
            hold_limit=rings.hold_limit,
            ownership=self.ownership,
            redactor=self.redactor,
        )
        self.bus = Bus(self.event_bus, "hookbus")
        self._settling = Settling(self.event_bus, self.log)
        if self._recorder is not None:
            self._recorder.open(self.bus, self.clock)
        self.scheduler = self._make_scheduler()
        self.supervisor = Supervisor(self.records, self._surroundings())
        self._reason = loop.create_future()
        self._watchdog = Watchdog(
            loop, limits.block_warning, self._blame, self._on_blocked, self._on_released
        )
        self._watchdog.start()
        log_strays(loop, self.log)
        self._composed = True

    def _make_scheduler(self) -> Scheduler:
        return Scheduler(
            self.clock,
            lambda plugin: self.supervisor.contexts[plugin].bus,
            publish=self.bus.publish_forced,
            report_failure=lambda plugin, what, error: self.log.error(
                "job failed", plugin=plugin, what=what, error=in_words(error), exc_info=error
            ),
            settings=self.assembly.job_settings,
            events_enabled=self.config.events.enabled,
            redact=self.redactor,
            state=FileRunState(self.config.state_dir / "jobs.json", self.log),
        )

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            manager=self.assembly.manager,
            limits=self.config.host,
            log=self.log,
            ownership=self.ownership,
            tell=self.bus.publish_forced,
            make_context=self._make_context,
            stop_sources=lambda context: self._stop_sources(context.sources),
            settle=self._settling.settle,
            withdraw=self.services.withdraw,
        )

    def _make_context(self, record: PluginRecord) -> PluginContext:
        return PluginContext(
            name=record.name,
            settings=record.settings,
            log=self.log.bind(plugin=record.name),
            bus=Bus(self.event_bus, record.name),
            scheduler=self.scheduler.for_plugin(record.name),
            clock=self.clock,
            state_folder=self.config.state_dir / record.name,
            services=self.services,
            base=self.config.base,
            redact=record.redact,
            on_task_failure=lambda task, error: self.supervisor.task_failed(record, task, error),
            health_checks=lambda: self.supervisor.probes,
            ledger=self.event_bus.ledger.report,
        )

    async def _start_plugins(self) -> None:
        for name in sorted(self.records):
            for warning in self.records[name].warnings:
                self.log.warning(warning, plugin=name)
            if self.records[name].failed:
                self.supervisor.tell_failure(self.records[name])
        for record in self.assembly.order:
            await self.supervisor.start(record, self.assembly.jobs.get(record.name, ()))
        for record in self.assembly.order:
            await self.supervisor.ready(record)
        for name in self.failed:
            if self.strict or self.records[name].required:
                raise self.records[name].error()
        started = tuple(record.name for record in self.assembly.order if not record.failed)
        self.bus.publish_forced(
            operational.HostStarted(run=self.run_id, plugins=started, failed=self.failed)
        )

    # Running

    @property
    def running(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._composed and not self._stopped

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the plugins that have failed."""
        return tuple(name for name in sorted(self.records) if self.records[name].failed)

    def request_stop(self, reason: str) -> None:
        """Ask `run` to stop; the first reason counts."""
        if not self._reason.done():
            self._reason.set_result(reason)

    async def run(self) -> RunReport:
        """Start, wait for the end, stop, and report.

        The end comes when `request_stop` is called or, under the simulated clock, when all sources
        have finished and everything has settled, or at `[clock] end`. Raises what `start` raises.
        """
        await self.start()
        try:
            if self.clock.simulated:
                self._check_that_time_ends()
            reason = await self._wait_for_end()
        except BaseException:
            await self.stop("an error")
            raise
        return await self.stop(reason)

    def _check_that_time_ends(self) -> None:
        if len(self.sources) or self.config.clock.end is not None:
            return
        reason = "nothing says when the simulated time ends: no plugin feeds events"
        mend = "Set [clock] end, or enable a plugin with a source, such as market."
        if self.failed:
            mend = f"Mend what failed ({', '.join(self.failed)}), or set [clock] end."
        raise ConfigurationError([self.config.problem(("clock", "mode"), reason, mend)])

    async def _wait_for_end(self) -> str:
        loop = asyncio.get_running_loop()
        end = self.config.clock.end
        waiting = []
        if end is not None:
            waiting.append(loop.create_task(self._end_of_time(to_ns(end))))
        if self.clock.simulated and len(self.sources):
            waiting.append(loop.create_task(self._end_of_sources()))
        try:
            return await self._reason
        finally:
            for task in waiting:
                task.cancel()

    async def _end_of_time(self, end_ns: int) -> None:
        await self.clock.sleep_until(end_ns)
        self.request_stop(f"[clock] end, {from_ns(end_ns):%Y-%m-%d %H:%M:%S} UTC, has come")

    async def _end_of_sources(self) -> None:
        await self.sources.ended()
        await self.settled()
        self.request_stop("all sources have finished")

    async def settled(self) -> None:
        """Wait until the bus, the work queues and the running jobs have nothing left to do."""
        while True:
            await self.event_bus.settled()
            queues = [queue for one in self.supervisor.contexts.values() for queue in one.queues]
            for queue in queues:
                await queue.idle()
            await self.scheduler.settled()
            live = any(job.live for job in self.scheduler.jobs)
            if self.event_bus.idle and not live and all(queue.is_idle for queue in queues):
                return

    # Stopping

    async def stop(self, reason: str = "asked to") -> RunReport:
        """Stop in stages, each within its limit, and report. A second call reports again."""
        if not self._stopped:
            self._stopped = True
            self.bus.publish_forced(operational.HostStopping(reason=reason))
            self.event_bus.commits.begin_no_more()
            await self._settling.settle()
            await self._stop_sources(list(self.sources))
            await self._settling.settle()
            await self._stop_plugins(foundations=False)
            await self.scheduler.close()
            await self._settling.settle()
            self.check_books()
            await self._stop_plugins(foundations=True)
            self._close()
        return self._report(reason)

    async def _stop_plugins(self, *, foundations: bool) -> None:
        for record in reversed(self.assembly.order):
            if record.foundation is foundations:
                await self.supervisor.stop(record)

    async def _stop_sources(self, sources: Iterable[Source]) -> None:
        left = await self.sources.stop(sources, self.config.host.stop_timeout)
        if left:
            self.log.error("sources left behind", what=[source.full_name for source in left])

    def check_books(self) -> list[str]:
        """What does not add up in the books; it is logged and published, too."""
        wrong = [*self.event_bus.ledger.report().discrepancies, *self.scheduler.check()]
        for detail in wrong:
            self.log.error("the books do not balance", detail=detail)
            self.bus.publish_forced(operational.LedgerDiscrepancy(detail=detail))
        return wrong

    def _close(self) -> None:
        if self._recorder is not None:
            self._recorder.flush()
        self.event_bus.close()
        if self._recorder is not None:
            self._recorder.close()
        self._watchdog.stop()

    def _report(self, reason: str) -> RunReport:
        failed = tuple(one.full_name for one in self.sources if one.state is SourceState.FAILED)
        return RunReport(
            reason=reason,
            ledger=self.event_bus.ledger.report(),
            summaries=gather_summaries(self.assembly, self.config.host.stop_timeout, self.log),
            failed_sources=failed,
            failed_plugins=self.failed,
            recording_error=self._recorder.error if self._recorder else None,
        )

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # What the parts report

    def _service_changed(self, contract: Callable[..., Any], service: Any) -> None:
        if contract is Journal:
            self.event_bus.commits.attach(service)

    def _context_sources(self, record: PluginRecord) -> list[Source]:
        if record.state is not PluginState.STARTED or self.feed not in (None, record.name):
            return []
        return self.supervisor.contexts[record.name].sources

    def _source_ended(self, source: Source, error: BaseException | None) -> None:
        if error is not None:
            source.error = self.records[source.plugin].redact(in_words(error))
            self.log.error("source failed", source=source.full_name, error=source.error)
        self.bus.publish_forced(
            operational.SourceFinished(name=source.full_name, error=source.error)
        )

    def _blame(self, modules: list[str], task: asyncio.Task[object] | None) -> str:
        homes = {}
        for record in self.assembly.order:
            if record.plugin_class is not None:
                module = record.plugin_class.__module__
                homes[record.name] = module.rpartition(".")[0] or module
        label = task.get_name().partition(":")[0] if task is not None else ""
        owner = self.ownership.owner(task) or (label if label in homes else None)
        return blame(modules, homes, owner) or "host"

    def _on_blocked(self, blockage: Blockage) -> None:
        self.log.error("event loop blocked", plugin=blockage.plugin, stack=blockage.stack)

    def _on_released(self, blockage: Blockage) -> None:
        seconds = f"{blockage.seconds:.1f} s"
        self.log.warning("event loop runs again", plugin=blockage.plugin, blocked_for=seconds)
        if not self.clock.simulated:
            self.bus.publish_forced(
                operational.LoopBlocked(
                    plugin=blockage.plugin, seconds=blockage.seconds, stack=blockage.stack
                )
            )
