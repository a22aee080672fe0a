"""Listeners: which events each rule is fed with, inside publish, so that nothing is missed."""

from __future__ import annotations

from hookbus import Bus, Envelope, Lagged, Stream
from hookbus.operational import BackpressureWarning, HostStarted, LoopBlocked, PluginFailed
from hookbus_trading import Bar, PortfolioUpdated, TickReceived

from hookbus_health.drawdown import Drawdown
from hookbus_health.errors import ErrorRate
from hookbus_health.heartbeat import Heartbeat
from hookbus_health.hours import Always
from hookbus_health.levels import Finding
from hookbus_health.machine import LoopLag
from hookbus_health.monitor import Monitor
from hookbus_health.queues import QueueFill
from hookbus_health.settings import (
    DrawdownSettings,
    ErrorSettings,
    FailureSettings,
    HeartbeatSettings,
    LagSettings,
    QueueSettings,
)
from hookbus_health.status import Damping


def watch_drawdown(bus: Bus, monitor: Monitor, settings: DrawdownSettings) -> None:
    """Judge every portfolio of the book."""
    rule, damping = Drawdown(settings.thresholds), settings.damping

    def hear(event: PortfolioUpdated) -> None:
        if event.book == settings.book:
            monitor.report(rule.update(event.equity, monitor.now_ns()), damping)

    monitor.add(rule, damping)
    bus.subscribe(PortfolioUpdated, hear, mode="inline", name="drawdown")


def watch_heartbeat(bus: Bus, monitor: Monitor, settings: HeartbeatSettings) -> None:
    """Judge the silence of every symbol's bars and of its ticks."""
    bars, ticks = _make_heartbeat("bars", settings), _make_heartbeat("ticks", settings)
    damping = settings.damping

    def hear_bar(bar: Bar) -> None:
        finding = bars.seen(bar.symbol, monitor.now_ns(), bar.interval_seconds)
        if finding is not None:
            monitor.report(finding, damping)
        monitor.alarm.set(bars.due_ns)

    def hear_tick(tick: TickReceived) -> None:
        finding = ticks.seen(tick.symbol, monitor.now_ns())
        if finding is not None:
            monitor.report(finding, damping)
        monitor.alarm.set(ticks.due_ns)

    monitor.add(bars, damping)
    monitor.add(ticks, damping)
    bus.subscribe(Bar, hear_bar, mode="inline", name="bars")
    bus.subscribe(TickReceived, hear_tick, mode="inline", name="ticks")


def _make_heartbeat(kind: str, settings: HeartbeatSettings) -> Heartbeat:
    return Heartbeat(
        kind,
        settings.degraded,
        settings.critical,
        Always() if settings.hours is None else settings.hours.hours(),
        interval=settings.interval,
        shortest=settings.shortest,
    )


def watch_errors(bus: Bus, monitor: Monitor, settings: ErrorSettings) -> None:
    """Judge the rate of the events that count as failures."""
    rule, damping = ErrorRate(settings.thresholds, settings.window), settings.damping

    def hear(envelope: Envelope) -> None:
        monitor.report(rule.failed(envelope.type, monitor.now_ns()), damping)

    monitor.add(rule, damping)
    bus.subscribe(settings.events, hear, mode="inline", envelope=True, name="errors")


def watch_queues(bus: Bus, monitor: Monitor, settings: QueueSettings) -> None:
    """Judge every warning of backpressure."""
    rule, damping = QueueFill(settings.thresholds, settings.quiet), settings.damping

    def hear(event: BackpressureWarning) -> None:
        finding = rule.warned(event.name, event.size, event.capacity, monitor.now_ns())
        monitor.report(finding, damping)

    monitor.add(rule, damping)
    bus.subscribe(BackpressureWarning, hear, mode="inline", name="queues")


def watch_loop(bus: Bus, monitor: Monitor, settings: LagSettings) -> LoopLag:
    """Judge what the host tells of a blocked loop; returns the rule, to be given measurements."""
    rule, damping = LoopLag(settings.thresholds), settings.damping

    def hear(event: LoopBlocked) -> None:
        monitor.report(rule.blocked(event.seconds, event.plugin), damping)

    bus.subscribe(LoopBlocked, hear, mode="inline", name="event-loop")
    return rule


async def watch_plugins(
    stream: Stream, monitor: Monitor, settings: FailureSettings, run: str
) -> None:
    """Judge every plugin that fails, or had failed before anybody could hear of it.

    `stream` brings the envelopes of `PluginFailed`, from the recent past on, and `HostStarted`;
    those of other runs, which a journal has kept, say nothing of this `run`.
    """
    async for envelope in stream:
        if isinstance(envelope, Lagged) or envelope.run != run:
            continue
        event, failed = envelope.event, dict[str, str]()
        if isinstance(event, PluginFailed):
            failed = {event.plugin: f"failed at {event.phase}: {event.reason}"}
        elif isinstance(event, HostStarted):
            failed = dict.fromkeys(event.failed, "failed before the host had started")
        for name, reason in failed.items():
            component = f"plugin:{name}"
            if name not in settings.ignore and component not in monitor.board.components:
                monitor.report(Finding(component, "critical", reason, {}), Damping())
