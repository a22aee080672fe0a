"""Causes in the host: it did not run, or a plugin, a source, a job or the recording did not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from hookbus import StoredEvent

from hookbus_journal.why.cause import Cause, Certainty
from hookbus_journal.why.inquiry import Inquiry
from hookbus_journal.why.reader import event_id, fields_of
from hookbus_journal.why.texts import duration, moment

__all__ = ["ended_sources", "failed_plugins", "gaps", "jobs", "missing_host", "missing_plugins"]

_JOB = "hookbus.job."
_JOB_TYPES = ("hookbus.job.skipped", "hookbus.job.failed")


def missing_host(inquiry: Inquiry) -> Iterator[Cause]:
    """Times of the range in which no host ran."""
    begin, until = inquiry.question.since_ns, inquiry.question.until_ns
    whole, before, runs = not inquiry.runs(), "no host had run before", inquiry.all_runs()
    for run in runs:
        if run.started_ns > until:
            break
        if run.started_ns > begin:
            yield _down(begin, run.started_ns, before, whole=whole)
        how = "ended" if run.clean else "broke off"
        before = f"the run {run.name} {how} at {moment(run.ended_ns)}"
        begin = max(begin, run.ended_ns)
    if begin < until:
        yield _down(begin, until, before, whole=whole)


def _down(since_ns: int, until_ns: int, why: str, *, whole: bool) -> Cause:
    sure: Certainty = "certain" if whole else "possible"
    span = f"from {moment(since_ns)} to {moment(until_ns)} ({duration(until_ns - since_ns)})"
    return Cause("host", sure, f"no host was running {span}", why)


def failed_plugins(inquiry: Inquiry) -> Iterator[Cause]:
    """Plugins that would have published it, and failed in one of the runs."""
    for event in inquiry.events(["hookbus.plugin.failed"], inquiry.begin_ns()):
        if event.key in inquiry.plugins or not inquiry.plugins:
            data = fields_of(event)
            yield Cause(
                kind="plugin",
                certainty="certain" if event.key in inquiry.plugins else "possible",
                what=f"the plugin {event.key} failed at {data.get('phase')}",
                why=str(data.get("reason")),
                evidence=(event_id(event),),
            )


def missing_plugins(inquiry: Inquiry) -> Iterator[Cause]:
    """Plugins that would have published it, and were not started in a run."""
    for event in inquiry.events(["hookbus.host.started"], inquiry.begin_ns()):
        data = fields_of(event)
        started, failed = data.get("plugins", []), data.get("failed", [])
        for plugin in inquiry.plugins:
            if plugin not in started and plugin != "hookbus":
                state = "had failed" if plugin in failed else "was not loaded: disabled, or missing"
                what = f"the plugin {plugin} {state} in the run {event.run}"
                yield Cause("plugin", "certain", what, evidence=(event_id(event),))


def ended_sources(inquiry: Inquiry) -> Iterator[Cause]:
    """Sources of these plugins that had come to their end."""
    for event in inquiry.events(["hookbus.source.finished"], inquiry.begin_ns()):
        name, error = str(event.key), fields_of(event).get("error")
        if name.partition(".")[0] in inquiry.plugins:
            how = "failed" if error else "had finished"
            what = f"the source {name} {how} at {moment(event.time_ns)}"
            sure: Certainty = "likely" if error else "possible"
            yield Cause("source", sure, what, str(error or ""), evidence=(event_id(event),))


def jobs(inquiry: Inquiry) -> Iterator[Cause]:
    """Jobs that were skipped, missed, switched off or failed; the newest reason of each is told."""
    groups: dict[tuple[str, str], list[StoredEvent]] = defaultdict(list)
    for event in inquiry.events(_JOB_TYPES, inquiry.begin_ns()):
        name, outcome = str(event.key), str(fields_of(event).get("outcome", "failed"))
        in_time = outcome == "disabled" or event.time_ns >= inquiry.question.since_ns
        if in_time and _own_job(inquiry, name):
            groups[name, outcome].append(event)
    for (name, outcome), events in groups.items():
        yield Cause(
            kind="job",
            certainty=_job_certainty(inquiry, outcome),
            what=f"the job {name}: {outcome}",
            why=_reason(fields_of(events[-1])),
            count=len(events),
            evidence=tuple(map(event_id, events)),
        )


def _job_certainty(inquiry: Inquiry, outcome: str) -> Certainty:
    """A run that was coalesced has another that stands for it."""
    if outcome == "coalesced":
        return "possible"
    if (inquiry.question.type or "").startswith(_JOB):
        return "certain"
    return "likely" if inquiry.plugins else "possible"


def _own_job(inquiry: Inquiry, name: str) -> bool:
    if (inquiry.question.type or "").startswith(_JOB):
        return inquiry.question.key in (None, name)
    return name.partition(".")[0] in inquiry.plugins or not inquiry.plugins


def _reason(data: dict[str, object]) -> str:
    return str(data.get("reason") or data.get("error") or "")


def gaps(inquiry: Inquiry) -> Iterator[Cause]:
    """Events that happened and were not recorded."""
    rows = inquiry.reader.rows(
        "SELECT reason, sum(count), max(time_ns) FROM gaps WHERE time_ns BETWEEN ? AND ? "
        "GROUP BY reason ORDER BY 2 DESC",
        inquiry.question.since_ns,
        inquiry.question.until_ns,
    )
    for reason, count, time_ns in rows:
        what = f"{count:,} events were not recorded until {moment(time_ns)}; it may be one of them"
        yield Cause("gap", "possible", what, reason, count)
