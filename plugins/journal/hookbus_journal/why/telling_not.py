"""An answer as text for people and as JSON for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from hookbus_journal.why.answer import Answer
from hookbus_journal.why.question import Question
from hookbus_journal.why.reader import event_id
from hookbus_journal.why.texts import moment, shortened

__all__ = ["answer_json", "print_answer"]

_IDS = 3
_WIDTH = 240


def print_answer(answer: Answer) -> None:
    """The causes, the most probable first; or what was looked at where there is none."""
    click.echo(_headline(answer))
    for number, cause in enumerate(answer.causes, 1):
        times = f", {cause.count:,} times" if cause.count > 1 else ""
        click.echo(f"\n{number}. {cause.certainty}: {cause.what}{times}")
        if cause.why:
            click.echo(f"   {shortened(cause.why, _WIDTH)}")
        if cause.evidence:
            *others, newest = cause.evidence
            also = f", also {', '.join(reversed(others))}" if others else ""
            click.echo(f"   hookbus why {newest}{also}")
    if answer.looked_at:
        click.echo("\nLooked at:")
    for line in answer.looked_at:
        click.echo(f"- {line}")
    if not answer.causes:
        click.echo("\nNot in the record:")
        for line in answer.not_recorded:
            click.echo(f"- {line}")


def _headline(answer: Answer) -> str:
    question, count = answer.question, len(answer.recorded)
    span = f"from {moment(question.since_ns)} to {moment(question.until_ns)}"
    if question.type is None:
        return f"What kept something from happening {span}{_at(question)}:"
    about = f"{question.type} of {question.key}" if question.key else question.type
    if not count:
        return f"No {about} was recorded {span}."
    newest = ", ".join(event_id(one) for one in answer.recorded[-_IDS:])
    return f"{count:,} {about} recorded {span}, the newest: {newest}.{_at(question)}"


def _at(question: Question) -> str:
    return f" At {question.to}:" if question.to else ""


def answer_json(answer: Answer) -> dict[str, Any]:
    """The same as plain data; times in nanoseconds since 1970."""
    return {
        "question": asdict(answer.question),
        "explained": answer.explains,
        "recorded": {
            "count": len(answer.recorded),
            "newest": [event_id(one) for one in answer.recorded[-_IDS:]],
        },
        "causes": [asdict(cause) for cause in answer.causes],
        "looked_at": answer.looked_at,
        "not_recorded": answer.not_recorded,
    }
