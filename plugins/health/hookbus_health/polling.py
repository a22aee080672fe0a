"""Polling: what tasks measure at intervals, on the system's clock alone."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from hookbus import HealthProbe, PluginContext

from hookbus_health.levels import SECOND, Finding
from hookbus_health.machine import LoopLag
from hookbus_health.monitor import Monitor
from hookbus_health.settings import CheckSettings, LagSettings
from hookbus_health.status import Damping
from hookbus_health.watchdog import Watchdog


class Polled(NamedTuple):
    """A check that is asked in every round, and how its component is called and damped."""

    component: str
    probe: HealthProbe
    damping: Damping


async def measure_lag(monitor: Monitor, rule: LoopLag, settings: LagSettings) -> None:
    """Ask the loop to come back after an interval, and see how late it is; for ever.

    This is the loop's own monotonic time: a clock that is set must not look like a lag.
    """
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + settings.interval
        await asyncio.sleep(settings.interval)
        monitor.report(rule.measured(loop.time() - due), settings.damping)


async def ask_checks(
    context: PluginContext, monitor: Monitor, own: list[Polled], settings: CheckSettings
) -> None:
    """Ask every check, all at once, round after round; for ever."""
    while True:
        polled = [*own, *(_of_plugins(context, settings.damping) if settings.enabled else ())]
        reports = await asyncio.gather(*(one.probe.ask() for one in polled))
        for one, report in zip(polled, reports, strict=True):
            finding = Finding(one.component, report.level, report.reason, report.metrics)
            monitor.report(finding, one.damping)
        await context.clock.sleep(settings.interval)


def _of_plugins(context: PluginContext, damping: Damping) -> list[Polled]:
    probes = context.health_checks()
    return [Polled(f"{probe.plugin}.{probe.name}", probe, damping) for probe in probes]


async def give_signs(
    context: PluginContext, monitor: Monitor, watchdog: Watchdog, recovery: float
) -> None:
    """Give a sign of life, interval after interval, and judge whether it got through; for ever."""
    damping = Damping(1, round(recovery * SECOND))
    while True:
        trouble = watchdog.beat(monitor.board, context.clock.now())
        reason = trouble or "signs of life are given"
        finding = Finding("watchdog", "degraded" if trouble else "healthy", reason, {})
        monitor.report(finding, damping)
        await context.clock.sleep(watchdog.interval)
