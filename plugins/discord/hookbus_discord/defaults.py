"""The alerts that are sent where the settings name none."""

from __future__ import annotations

from typing import Final

from hookbus_discord.settings import AlertSettings, GroupBy, Severity


def _alert(
    pattern: str,
    severity: Severity,
    title: str,
    where: str | None = None,
    group_by: GroupBy = "key",
) -> AlertSettings:
    return AlertSettings(
        patterns=(pattern,), where=where, severity=severity, title=title, group_by=group_by
    )


DEFAULT_ALERTS: Final = (
    _alert("hookbus.host.started", "error", "Host started without all plugins", "len(failed) > 0"),
    _alert("hookbus.plugin.failed", "critical", "Plugin failed"),
    _alert("hookbus.event.dead-lettered", "error", "Event given up"),
    _alert("hookbus.event.loop-cut", "critical", "Event loop cut"),
    _alert("hookbus.handler.abandoned", "critical", "Handler abandoned"),
    _alert("hookbus.ledger.discrepancy", "critical", "The books do not balance"),
    _alert("hookbus.source.finished", "critical", "Source failed", "error is not None"),
    _alert("hookbus.job.failed", "error", "Job failed"),
    _alert("trading.order_rejected", "warning", "Order rejected"),
    _alert("control.trading_halted", "critical", "Trading halted"),
    _alert("control.trading_resumed", "info", "Trading resumed"),
    _alert("control.health", "critical", "Health: critical", "status == 'critical'"),
    _alert("control.health", "warning", "Health: degraded", "status == 'degraded'"),
    _alert("control.health", "info", "Health: recovered", "status == 'healthy'"),
    _alert("control.strategy_promoted", "info", "Strategy promoted"),
    _alert("control.model_promoted", "info", "Model promoted"),
    _alert("runner.failed", "critical", "Runner failed", "severity == 'critical'"),
    _alert("runner.failed", "error", "Runner failed", "severity != 'critical'"),
)
"""Failures are grouped by key, since each event that meets a broken handler is a cause of its own.

`hookbus.host.started` names the plugins that failed before this one could listen.
"""
