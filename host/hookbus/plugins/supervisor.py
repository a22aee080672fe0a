"""The supervisor: starts plugins, fails them with all that depend on them, and stops them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookbus import operational
from hookbus.containment.ownership import Ownership, host_context
from hookbus.errors import HookbusError, PluginError, in_words
from hookbus.health import HealthProbe
from hookbus.operational import OperationalEvent
from hookbus.plugins.context import PluginContext
from hookbus.plugins.lifecycle import call_async_hook, start_plugin, undo_plugin
from hookbus.plugins.order import fail_dependents
from hookbus.plugins.plugin import PluginRecord, PluginState
from hookbus.scheduler.jobs import Job
from hookbus.settings.config import HostSettings

if TYPE_CHECKING:
    import pluggy


def note_failure(record: PluginRecord, error: HookbusError, phase: str = "events") -> None:
    """Write an error into a plugin's record; `phase` is where it came from if it does not say."""
    if isinstance(error, PluginError):
        record.fail(error.phase, error.reason, error.mend, record.traceback)
    else:
        record.fail(phase, str(error))


@dataclass(frozen=True)
class Surroundings:
    """What the supervisor needs of the host.

    `tell` publishes an operational event; `make_context` makes the context of a plugin;
    `stop_sources` cancels a plugin's sources; `settle` waits, not for ever, for the bus;
    `withdraw` takes back a plugin's services.
    """

    manager: pluggy.PluginManager
    limits: HostSettings
    log: Any
    ownership: Ownership
    tell: Callable[[OperationalEvent], object]
    make_context: Callable[[PluginRecord], PluginContext]
    stop_sources: Callable[[PluginContext], Awaitable[object]]
    settle: Callable[[], Awaitable[None]]
    withdraw: Callable[[str], None]


class Supervisor:
    """The plugins of one running host, in the order in which they start."""

    def __init__(self, records: Mapping[str, PluginRecord], around: Surroundings) -> None:
        self.records = records
        self.contexts: dict[str, PluginContext] = {}
        self._around = around
        self._probes: dict[str, tuple[HealthProbe, ...]] = {}
        self._failing: dict[asyncio.Task[None], None] = {}
        self._stopping = False

    @property
    def probes(self) -> tuple[HealthProbe, ...]:
        """The health checks of the plugins that are started now, in the order of starting."""
        started = (name for name in self._probes if self.records[name].state is PluginState.STARTED)
        return tuple(probe for name in started for probe in self._probes[name])

    def tell_failure(self, record: PluginRecord) -> None:
        """Log and publish that a plugin has failed."""
        self._around.log.error(
            "plugin failed",
            plugin=record.name,
            phase=record.phase,
            reason=record.reason,
            mend=record.mend,
        )
        reason = " ".join(part for part in (record.reason, record.mend) if part)
        self._around.tell(
            operational.PluginFailed(plugin=record.name, phase=record.phase or "", reason=reason)
        )

    async def start(self, record: PluginRecord, jobs: tuple[Job, ...]) -> None:
        """Start a loaded plugin with its declared jobs; what goes wrong fails only it."""
        if record.state is not PluginState.LOADED:
            return
        around = self._around
        context = self.contexts[record.name] = around.make_context(record)
        self._probes[record.name] = tuple(
            HealthProbe(record.name, check, simulated=context.clock.simulated, redact=record.redact)
            for check in record.health_checks
        )
        try:
            for job in jobs:
                context.scheduler.add(job)
            await start_plugin(
                around.manager, record, context, around.limits.start_timeout, around.ownership
            )
        except HookbusError as error:
            await self.fail(record, error)
        if not record.failed:
            around.tell(operational.PluginStarted(plugin=record.name, version=record.version))

    async def ready(self, record: PluginRecord) -> None:
        """Tell a started plugin that all are up."""
        if record.state is not PluginState.STARTED:
            return
        around, context = self._around, self.contexts[record.name]
        try:
            await call_async_hook(
                around.manager, record, "hookbus_ready", context, around.limits.start_timeout
            )
        except PluginError as error:
            await self.fail(record, error)

    def task_failed(self, record: PluginRecord, task: str, error: BaseException) -> None:
        """Fail a plugin because a task of it has failed."""
        if self._stopping or record.state not in (PluginState.STARTING, PluginState.STARTED):
            return
        failure = PluginError(record.name, "task", f"task {task}: {in_words(error)}")
        failing = asyncio.get_running_loop().create_task(
            self.fail(record, failure), context=host_context()
        )
        self._failing[failing] = None
        failing.add_done_callback(self._failing.pop)

    async def fail(self, record: PluginRecord, error: HookbusError) -> None:
        """Fail a plugin and all that require it: stop them and undo what they registered."""
        note_failure(record, error, "start")
        failed = [record, *fail_dependents(self.records, record.name)]
        for one in failed:
            self.tell_failure(one)
        for one in reversed(failed):
            if one.name in self.contexts:
                await self._undo(one)

    async def stop(self, record: PluginRecord) -> None:
        """Stop a started plugin and undo what it registered."""
        self._stopping = True
        if record.state is not PluginState.STARTED:
            return
        record.state = PluginState.STOPPING
        await self._undo(record)
        if record.state is PluginState.STOPPING:
            record.state = PluginState.STOPPED
            self._around.tell(operational.PluginStopped(plugin=record.name))

    async def _undo(self, record: PluginRecord) -> None:
        around, context = self._around, self.contexts[record.name]
        limit = around.limits.stop_timeout
        context.answers.clear()
        await around.stop_sources(context)
        try:
            await call_async_hook(around.manager, record, "hookbus_stop", context, limit)
        except PluginError as error:
            around.log.error("stop failed", plugin=record.name, reason=error.reason)
            if record.state is PluginState.STOPPING:
                note_failure(record, error)
                self.tell_failure(record)
        await around.settle()
        await context.scheduler.close()
        left = await undo_plugin(record, context, limit, around.ownership, around.withdraw)
        if left:
            around.log.error("left behind", plugin=record.name, what=left)
