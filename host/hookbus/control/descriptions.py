"""Descriptions of plugins, jobs, event types and books as JSON-like data, for programs to read."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hookbus.bus.stats import ENDS
from hookbus.events import Event, EventRegistry, event_type
from hookbus.scheduler.jobs import Job

if TYPE_CHECKING:
    from hookbus.bus.ledger import LedgerReport
    from hookbus.plugins.plugin import PluginRecord
    from hookbus.scheduler.runledger import LedgerEntry
    from hookbus.scheduler.scheduler import JobHandle, Standing


def describe_plugin(record: PluginRecord) -> dict[str, Any]:
    """A plugin's record without what is long: settings and traceback."""
    return {
        "name": record.name,
        "state": record.state.value,
        "version": record.version,
        "distribution": record.distribution,
        "description": record.description,
        "origin": record.origin,
        "required": record.required,
        "requires": list(record.requires),
        "after": list(record.after),
        "phase": record.phase,
        "reason": record.reason,
        "mend": record.mend,
        "warnings": list(record.warnings),
        "import_seconds": record.import_seconds,
        "start_seconds": record.start_seconds,
    }


def describe_job(name: str, plugin: str, stands: Standing) -> dict[str, Any]:
    """A declared job as its settings have it, before it is added to a scheduler."""
    job = stands.job
    return {
        "name": name,
        "plugin": plugin,
        "mode": stands.mode,
        "reason": stands.reason,
        "schedule": job.schedule,
        "timezone": job.timezone,
        "overlap": job.overlap,
        "misfire": job.misfire,
        "timeout": job.timeout,
        "next_due": _next_due(job) if stands.mode in ("timer", "shadow") else None,
    }


def _next_due(job: Job) -> str | None:
    """The next run of a timer that does not depend on when the host is started."""
    from hookbus.clock import SystemClock
    from hookbus.scheduler.jobs import preview

    if job.every is not None:
        return None
    runs = preview(job, 1, SystemClock().now())
    return runs[0].isoformat() if runs else None


def describe_handle(handle: JobHandle) -> dict[str, Any]:
    """A job of a running host, with what became of its runs so far."""
    from hookbus.scheduler.scheduler import Standing

    due = handle.next_due
    stands = Standing(handle.job, handle.mode, handle.reason)
    return {
        **describe_job(handle.name, handle.plugin, stands),
        "next_due": None if due is None else due.isoformat(),
        "running": handle.running,
        "account": {key: value for key, value in asdict(handle.account).items() if key != "job"},
    }


def describe_entry(entry: LedgerEntry) -> dict[str, Any]:
    """How a run of a job ended; `duration` is in seconds."""
    return {
        "job": entry.job,
        "end": entry.end,
        "reason": entry.reason,
        "duration": entry.duration,
    }


def describe_event_type(cls: type[Event], registry: EventRegistry) -> dict[str, Any]:
    """An event type with its JSON schema."""
    declared = event_type(cls)
    flags = {"high-frequency": declared.high_frequency, "critical": declared.critical}
    return {
        "type": declared.name,
        "version": declared.version,
        "key": declared.key,
        "owner": registry.owner(declared.name),
        "flags": [flag for flag, is_set in flags.items() if is_set],
        "description": (inspect.getdoc(cls) or "").partition("\n")[0],
        "schema": cls.model_json_schema(),
    }


def describe_books(report: LedgerReport) -> dict[str, Any]:
    """The books of a run: how many events, and what became of them, for each subscription, too."""
    totals: Mapping[str, int] = {end: report.total(end) for end in ENDS}
    return {
        "published": report.published,
        "accounted_for": not report.discrepancies,
        "discrepancies": list(report.discrepancies),
        "by_type": report.by_type,
        **totals,
        "cut": report.cut,
        "accounts": [{**asdict(one), "unaccounted": one.unaccounted} for one in report.accounts],
    }
