"""The report of a run: why it ended, what it came to, and the books."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hookbus.bus.ledger import LedgerReport
from hookbus.errors import PluginError
from hookbus.plugins.assembly import Assembly
from hookbus.plugins.lifecycle import ask
from hookbus.plugins.plugin import PluginRecord, Summary


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run came to: why it ended, its books, what plugins say of it, what failed.

    `recording_error` says why the file of all events is not complete; None where it is.
    """

    reason: str
    ledger: LedgerReport
    summaries: tuple[Summary, ...]
    failed_sources: tuple[str, ...]
    failed_plugins: tuple[str, ...]
    recording_error: str | None

    @property
    def exit_code(self) -> int:
        """1 if a source failed, the books do not balance or the recording is not complete."""
        wrong = self.failed_sources or self.ledger.discrepancies or self.recording_error
        return 1 if wrong else 0


def gather_summaries(assembly: Assembly, limit: float, log: Any) -> tuple[Summary, ...]:
    """What each plugin that was started says of the run, by name of the plugin."""
    return tuple(_summaries(assembly, limit, log))


def _summaries(assembly: Assembly, limit: float, log: Any) -> Iterator[Summary]:
    for record in sorted(assembly.order, key=lambda one: one.name):
        if record.start_seconds is None:
            continue
        try:
            summary = ask(assembly.manager, record, "hookbus_summary", limit)
        except PluginError as error:
            log.error("summary failed", plugin=record.name, reason=error.reason)
            continue
        if isinstance(summary, Summary):
            yield _without_secrets(summary, record)


def _without_secrets(summary: Summary, record: PluginRecord) -> Summary:
    rows = ((record.redact(str(label)), record.redact(str(text))) for label, text in summary.rows)
    return Summary(record.redact(summary.title), tuple(rows))
