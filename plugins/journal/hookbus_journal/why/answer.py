"""The answer: why something did not happen, the most probable cause first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from hookbus import StoredEvent

from hookbus_journal.why import books, declared, outages, troubles
from hookbus_journal.why.cause import Cause, rank
from hookbus_journal.why.explanations import Explanations, read_explanations
from hookbus_journal.why.fates import find_fates, instead
from hookbus_journal.why.inquiry import MOST, Inquiry
from hookbus_journal.why.question import Question
from hookbus_journal.why.reader import Reader
from hookbus_journal.why.texts import moment
from hookbus_journal.why.upstream import Upstream, learn

__all__ = ["Answer", "explain"]

_STEPS = 6

Collector = Callable[[Inquiry], Iterator[Cause]]

_ON_THE_WAY: tuple[Collector, ...] = (
    declared.refusals,
    declared.in_force,
    troubles.failures,
    troubles.letters,
    troubles.breakers,
    troubles.lost_handlers,
    troubles.lags,
    troubles.cut_loops,
    troubles.full_queues,
    books.accounts,
    outages.failed_plugins,
    outages.missing_plugins,
    outages.ended_sources,
    outages.jobs,
)
"""What is asked at every step upstream."""

_AT_A_SUBSCRIPTION: tuple[Collector, ...] = (
    books.wrong_filters,
    books.unknown_subscription,
    books.accounts,
    troubles.failures,
    troubles.letters,
    troubles.breakers,
    troubles.lost_handlers,
    troubles.lags,
    troubles.full_queues,
)
"""What is asked about one subscription."""

_ONCE: tuple[Collector, ...] = (outages.missing_host, outages.gaps)
"""What does not depend on the type."""


@dataclass
class Answer:
    """The causes that were found, and what was looked at.

    `recorded` are events of the type that did happen in the range; `not_recorded` says what the
    journal cannot tell.
    """

    question: Question
    recorded: list[StoredEvent]
    causes: list[Cause] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)
    not_recorded: list[str] = field(default_factory=list)

    @property
    def explains(self) -> bool:
        """Whether there is anything that explains it."""
        return bool(self.causes or (self.recorded and self.question.to is None))


def explain(reader: Reader, question: Question, *, running: bool = False) -> Answer:
    """Find what kept an event from happening, or from reaching a subscription.

    `running` says that the host of the newest run is still on.
    """
    explanations = read_explanations(reader)
    upstream = learn(reader, question.type, explanations)
    first = Inquiry(reader, question, explanations, upstream, running)
    recorded = [] if question.type is None else first.concerning([question.type])
    answer = Answer(question, recorded)
    causes = [cause for collect in _ONCE for cause in collect(first)]
    if question.to is not None:
        causes += [cause for collect in _AT_A_SUBSCRIPTION for cause in collect(first)]
    else:
        causes += _walk(first, answer)
    answer.causes = rank(
        list({(one.kind, one.what, one.why): one for one in reversed(causes)}.values())
    )
    if first.cut:
        types = ", ".join(sorted(first.cut))
        answer.looked_at.append(f"only the newest {MOST:,} were looked at, and counted, of {types}")
    answer.not_recorded += _limits(reader, question, explanations)
    return answer


def _walk(first: Inquiry, answer: Answer) -> list[Cause]:
    """Ask at the type itself and, where nothing came that leads to it, at what leads to that."""
    causes: list[Cause] = []
    waiting, seen = [(first, 0)], {first.question.type}
    while waiting:
        inquiry, steps = waiting.pop(0)
        found = [cause for collect in _ON_THE_WAY for cause in collect(inquiry)]
        fates = find_fates(inquiry)
        found += instead(inquiry, fates)
        causes += [replace(cause, steps=steps) for cause in found]
        answer.looked_at.append(_looked_at(inquiry, str(fates) if fates.looked_at else "none"))
        if not fates.looked_at and steps < _STEPS:
            further = [one for one in inquiry.upstream.causes if one not in seen]
            seen.update(further)
            waiting += [(_upstream(inquiry, one), steps + 1) for one in further]
    return causes


def _upstream(inquiry: Inquiry, type_: str) -> Inquiry:
    known = learn(inquiry.reader, type_, inquiry.explanations)
    return replace(inquiry, question=replace(inquiry.question, type=type_), upstream=known)


def _looked_at(inquiry: Inquiry, fates: str) -> str:
    type_, upstream = inquiry.question.type or "every type", inquiry.upstream
    if not upstream.learnt_from:
        return f"{type_}: nothing in the record says what leads to it"
    publishers = ", ".join(upstream.publishers)
    if not upstream.causes:
        return f"{type_}: {publishers} publishes it on its own"
    causes = ", ".join(upstream.causes)
    taught = _taught(type_, upstream)
    return f"{type_}: {publishers} publishes it after {causes}{taught}; in the range {fates}"


def _taught(type_: str, upstream: Upstream) -> str:
    others = [one for one in upstream.learnt_from if one != type_]
    return f" (learnt from {', '.join(others)})" if others else ""


def _limits(reader: Reader, question: Question, explanations: Explanations) -> Iterator[str]:
    """What the journal cannot tell about a question."""
    types = [name for (name,) in reader.rows("SELECT name FROM types ORDER BY id")]
    if question.type is not None and question.type not in types:
        near = get_close_matches(question.type, [*types, *explanations.stopped()], n=1)
        hint = f"; did you mean {near[0]}?" if near and near[0] != question.type else ""
        yield f"no event of the type {question.type} was ever recorded here{hint}"
    first_ns = reader.value("SELECT min(time_ns) FROM events")
    if first_ns is not None and first_ns > question.since_ns:
        yield f"nothing before {moment(first_ns)} is kept"
    if reader.value("SELECT count(*) FROM accounts") == 0:
        yield "the books of the subscriptions are not in the journal yet"
    yield "what a handler decides without publishing anything leaves no trace"
