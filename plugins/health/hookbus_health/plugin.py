"""The plugin that watches how well everything works, and gives signs of life."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from hookbus import HealthCheck, HealthProbe, Plugin, PluginContext, Summary, hookimpl
from hookbus.operational import HostStarted, HostStopping, PluginFailed

from hookbus_health import listeners
from hookbus_health.machine import MIB, Disk, Memory
from hookbus_health.monitor import Monitor
from hookbus_health.polling import Polled, ask_checks, give_signs, measure_lag
from hookbus_health.report import summary_rows
from hookbus_health.settings import HealthSettings, WatchdogSettings
from hookbus_health.systemd import Notifier, watchdog_seconds
from hookbus_health.watchdog import Watchdog

HISTORY = 10_000
"""Failures of plugins that are asked for from before the start; the bus keeps fewer."""


class HealthPlugin(Plugin):
    """Says when a component, or the system, works better or worse, and gives signs of life."""

    name = "health"
    requires = ("trading",)
    Settings = HealthSettings

    settings: HealthSettings

    def __init__(self, settings: HealthSettings) -> None:
        super().__init__(settings)
        self._monitor: Monitor | None = None
        self._watchdog: Watchdog | None = None

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Begin to listen; nothing is told before all plugins are ready."""
        self._monitor = monitor = Monitor(context.bus, context.clock)
        bus, wanted = context.bus, self.settings
        if wanted.drawdown.enabled:
            listeners.watch_drawdown(bus, monitor, wanted.drawdown)
        if wanted.heartbeat.enabled:
            listeners.watch_heartbeat(bus, monitor, wanted.heartbeat)
        if wanted.errors.enabled:
            listeners.watch_errors(bus, monitor, wanted.errors)
        if wanted.queues.enabled:
            listeners.watch_queues(bus, monitor, wanted.queues)
        bus.subscribe(HostStopping, self._stopping, mode="inline", name="stopping")
        if not context.clock.simulated and wanted.watchdog.enabled:
            self._watchdog = _open_watchdog(wanted.watchdog, context)
            started = partial(_started, self._watchdog, context.log)
            bus.subscribe(HostStarted, started, mode="inline", name="started")

    @hookimpl
    async def hookbus_ready(self, context: PluginContext) -> None:
        """Begin to judge."""
        monitor, wanted = self._monitor, self.settings
        if monitor is None:
            return
        context.start_task(monitor.alarm.run(), "alarm")
        if wanted.plugins.enabled:
            stream = context.bus.stream((PluginFailed, HostStarted), history=HISTORY, envelope=True)
            following = listeners.watch_plugins(stream, monitor, wanted.plugins, context.bus.run)
            context.start_task(following, "plugins")
        if not context.clock.simulated:
            self._watch_machine(context, monitor)

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Leave word in the watchdog's file."""
        if self._watchdog is not None and self._monitor is not None:
            trouble = self._watchdog.stop(self._monitor.board, context.clock.now())
            if trouble:
                context.log.error("the watchdog's file is out of date", reason=trouble)

    @hookimpl
    def hookbus_summary(self) -> Summary | None:
        """The components with their worst status and the number of changes."""
        if self._monitor is None:
            return None
        return Summary("Health", summary_rows(self._monitor.board))

    def _watch_machine(self, context: PluginContext, monitor: Monitor) -> None:
        wanted = self.settings
        if wanted.event_loop.enabled:
            lag = listeners.watch_loop(context.bus, monitor, wanted.event_loop)
            context.start_task(measure_lag(monitor, lag, wanted.event_loop), "lag")
        own = _own_checks(wanted, context)
        context.start_task(ask_checks(context, monitor, own, wanted.checks), "checks")
        if self._watchdog is not None:
            signs = give_signs(context, monitor, self._watchdog, wanted.watchdog.recovery)
            context.start_task(signs, "watchdog")

    def _stopping(self, _: HostStopping) -> None:
        if self._monitor is not None:
            self._monitor.close()
        if self._watchdog is not None:
            self._watchdog.stopping()


def _started(watchdog: Watchdog, log: Any, _: HostStarted) -> None:
    trouble = watchdog.ready()
    if trouble:
        log.error("systemd does not know that the host is ready", reason=trouble)


def _own_checks(settings: HealthSettings, context: PluginContext) -> list[Polled]:
    """The memory and the disk, guarded like the checks of other plugins."""
    memory, disk, found = settings.memory, settings.disk, []
    if memory.enabled:
        limit = None if memory.limit is None else memory.limit * MIB
        check = HealthCheck("memory", Memory(memory.thresholds, limit).check)
        probe = HealthProbe("health", check, simulated=False)
        found.append(Polled("memory", probe, memory.damping))
    if disk.enabled:
        path = context.state_dir if disk.path is None else context.path(disk.path)
        check = HealthCheck("disk", Disk(disk.thresholds, path).check)
        probe = HealthProbe("health", check, simulated=False)
        found.append(Polled("disk", probe, disk.damping))
    return found


def _open_watchdog(settings: WatchdogSettings, context: PluginContext) -> Watchdog:
    file = settings.file
    path = context.state_dir / "watchdog.json" if file is None else context.path(file)
    notifier = Notifier.from_environment(os.environ) if settings.systemd else None
    return Watchdog(path, _watchdog_interval(settings), notifier)


def _watchdog_interval(settings: WatchdogSettings) -> float:
    """Seconds between two signs: as set, but twice as often as systemd wants them."""
    wanted = watchdog_seconds(os.environ) if settings.systemd else None
    return settings.interval if wanted is None else min(settings.interval, wanted / 2)
