"""A trial as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click
from hookbus import StoredEvent
from hookbus.commands import ABSENT, FieldDifference, print_table

from hookbus_journal.commands.texts import counted, fields, moment
from hookbus_journal.replay.outputs import Output
from hookbus_journal.replay.recording import Recording
from hookbus_journal.replay.trial import Trial
from hookbus_journal.replay.verdict import Verdict

_COLUMNS = ("Event", "Time", "Type", "Key", "Source", "Fields")


def print_trial(recording: Recording, trial: Trial) -> None:
    """Print what was fed, and what came of it."""
    _print_remarks(trial)
    feed = trial.played.feed
    fed = f"{counted(len(feed.fed), 'input')} of {recording.run.name} fed in"
    click.echo(f"{fed} {trial.played.seconds:,.1f} s ({trial.played.events_per_second:,.0f}/s).")
    if feed.finished and not feed.fed:
        click.echo("Nothing was fed, so nothing is compared.")
    elif not feed.finished:
        click.echo(f"It ended early, and nothing is compared: {trial.played.reason}.")
    elif trial.verdict is not None:
        _print_verdict(recording, trial, trial.verdict)


def _print_remarks(trial: Trial) -> None:
    feed = trial.played.feed
    for name, count in sorted(feed.unreadable.items()):
        click.echo(f"{counted(count, f'{name} event')} not fed: {feed.errors[name]}", err=True)
    for plugin, name in trial.played.doubled:
        text = f"{plugin} publishes {name} by itself, and such events were fed, too"
        click.echo(f"{text}: choose with --type what is fed.", err=True)
    if trial.unrecorded:
        text = f"{counted(trial.unrecorded, 'event')} of the run had not been recorded"
        click.echo(f"{text}, and may be missing here.", err=True)
    if trial.left_out:
        names = ", ".join(trial.left_out)
        click.echo(f"Left out, as they reach outside (--with runs one): {names}", err=True)
    for name in trial.played.failed:
        click.echo(f"The plugin {name} failed in the replay.", err=True)


def _print_verdict(recording: Recording, trial: Trial, verdict: Verdict) -> None:
    click.echo(_headline(recording, verdict))
    if trial.elsewhere:
        click.echo(f"Not compared, as no input led there: {counted(trial.elsewhere, 'event')}.")
    if verdict.without_data:
        text = counted(verdict.without_data, "event")
        click.echo(f"Recorded without fields, which are not compared: {text}.")
    if verdict.fields:
        click.echo()
        print_table(
            ("Field", "Recorded", "Replayed"), map(_field_row, verdict.fields), keep=("Field",)
        )
    for title, chain in zip(("record", "replay"), trial.led_to, strict=True):
        if chain:
            click.echo(f"\nHow it came about in the {title}:")
            print_table(_COLUMNS, _chain_rows(trial.input, chain), keep=_COLUMNS[:5])


def _headline(recording: Recording, verdict: Verdict) -> str:
    if verdict.same:
        return f"The same: {counted(verdict.equal, 'event')} came of it, as recorded."
    before = f"Not the same: {counted(verdict.equal, 'event')} came of it as recorded, then"
    ours, theirs = verdict.recorded, verdict.replayed
    if ours is None:
        return f"{before} the replay has one more {theirs.type if theirs else 'event'}."
    recorded = f"{ours.type} ({recording.run.name}-{ours.sequence})"
    if theirs is None:
        return f"{before} {recorded} of the record is missing."
    if ours.type != theirs.type:
        return f"{before} the record has {recorded}, and the replay {theirs.type}."
    names = ", ".join(one.path for one in verdict.fields)
    return f"{before} {recorded} of the record differs in {names}."


def _field_row(one: FieldDifference) -> tuple[str, str, str]:
    return one.path, _shown(one.a), _shown(one.b)


def _shown(value: Any) -> str:
    return "absent" if value is ABSENT else json.dumps(value, ensure_ascii=False)


def _chain_rows(came_from: StoredEvent | None, chain: list[Output]) -> Iterable[tuple[Any, ...]]:
    if came_from is not None and chain[0].cause is not None:
        yield _row("input", came_from)
    for one in chain:
        yield _row(one.sequence, one)


def _row(name: str | int, event: Output | StoredEvent) -> tuple[Any, ...]:
    time = moment(event.time_ns)
    return name, time, event.type, event.key, event.source, fields(event.data)


def trial_json(recording: Recording, trial: Trial) -> dict[str, Any]:
    """The same as plain data."""
    feed, verdict = trial.played.feed, trial.verdict
    return {
        "run": recording.run.name,
        "inputs": len(feed.fed),
        "unreadable": dict(sorted(feed.unreadable.items())),
        "fed_and_self_made": [list(one) for one in trial.played.doubled],
        "left_out": list(trial.left_out),
        "failed_plugins": list(trial.played.failed),
        "finished": feed.finished,
        "reason": trial.played.reason,
        "seconds": round(trial.played.seconds, 3),
        "inputs_per_second": round(trial.played.events_per_second),
        "same": None if verdict is None else verdict.same,
        "equal_events": None if verdict is None else verdict.equal,
        "not_compared": trial.elsewhere,
        "not_recorded": trial.unrecorded,
        "without_data": 0 if verdict is None else verdict.without_data,
        "divergence": None
        if verdict is None or verdict.same
        else _divergence(recording, trial, verdict),
    }


def _divergence(recording: Recording, trial: Trial, verdict: Verdict) -> dict[str, Any]:
    recorded, replayed = trial.led_to
    run = recording.run.name
    return {
        "recorded_id": None if verdict.recorded is None else f"{run}-{verdict.recorded.sequence}",
        "fields": [_field_json(one) for one in verdict.fields],
        "input": None if trial.input is None else json.loads(trial.input.to_json()),
        "recorded": [_output_json(one) for one in recorded],
        "replayed": [_output_json(one) for one in replayed],
    }


def _field_json(one: FieldDifference) -> dict[str, Any]:
    sides = {"recorded": one.a, "replayed": one.b}
    return {"path": one.path} | {k: v for k, v in sides.items() if v is not ABSENT}


def _output_json(one: Output) -> dict[str, Any]:
    return {
        "sequence": one.sequence,
        "time_ns": one.time_ns,
        "type": one.type,
        "key": one.key,
        "source": one.source,
        "data": json.loads(one.data),
    }
