"""The trial: one replay in a place of its own, from the configuration to the verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

from hookbus import Host, Plugin, SimulatedClock, StoredEvent, UsageError
from hookbus.commands import Given, load_host, plugin_settings, progress_bar

from hookbus_journal.replay.feed import Feed
from hookbus_journal.replay.outputs import (
    RECORDED,
    REPLAYED,
    Collector,
    Output,
    Outputs,
    collect_recorded,
)
from hookbus_journal.replay.playing import NAME, Played, play
from hookbus_journal.replay.recording import Recording
from hookbus_journal.replay.verdict import Verdict, judge
from hookbus_journal.settings import JournalSettings


@dataclass(frozen=True, slots=True)
class Trial:
    """What a replay came to.

    `left_out` are the plugins that reach outside. `unrecorded` counts the events of the run that
    are not in the journal, `elsewhere` those that go back to no input and are not compared. Without
    a `verdict` nothing was compared. `led_to` has what led to the first output that differs, in the
    record and in the replay; `input` is the event that both go back to.
    """

    played: Played
    left_out: tuple[str, ...]
    unrecorded: int
    elsewhere: int = 0
    verdict: Verdict | None = None
    input: StoredEvent | None = None
    led_to: tuple[list[Output], list[Output]] = ([], [])


def try_out(
    given: Given,
    recording: Recording,
    *,
    pace: float | None,
    kept: Iterable[str] = (),
    ignored: tuple[str, ...] = (),
    compare: bool = True,
    bar: bool = True,
) -> Trial:
    """Replay a recording on the configuration that is given, and compare the outputs.

    `kept` are plugins that reach outside and run nevertheless. Raises `UsageError`.
    """
    left_out = _outward(given, tuple(kept))
    for name in left_out:
        given = given.setting(f"plugins.{name}.enabled=false")
    with TemporaryDirectory(prefix="hookbus-replay-") as folder:
        given = given.setting(f"host.state={folder}/state")
        outputs = Outputs(Path(folder) / "outputs.db", _recorded_types(given))

        def make_host(plugin: type[Plugin], clock: SimulatedClock) -> Host:
            options = {"plugins": (plugin,), "clock": clock, "feed": NAME}
            return load_host(given, log_level="warning", **options)

        def collecting(feed: Feed) -> Collector:
            return Collector(outputs, feed, whole=recording.repeats_whole)

        with redirect_stdout(sys.stderr):
            played = play(
                recording,
                make_host,
                pace=pace,
                collecting=collecting if compare else None,
                silent=left_out,
                bar=bar,
            )
        outputs.flush()
        if not (compare and played.complete):
            return Trial(played, left_out, recording.unrecorded())
        return _judged(recording, outputs, played, left_out, ignored)


def _outward(given: Given, kept: tuple[str, ...]) -> tuple[str, ...]:
    """The plugins that would run and reach outside, but for those that are kept."""
    records = given.assembly().records.values()
    outward = [one.name for one in records if one.plugin_class and one.plugin_class.outward]
    for name in kept:
        if name not in outward:
            known = ", ".join(sorted(outward)) or "none at all"
            raise UsageError(
                f"--with {name}: no such plugin is left out; those that reach outside are {known}"
            )
    return tuple(sorted(name for name in outward if name not in kept))


def _recorded_types(given: Given) -> Callable[[str], bool]:
    """Says which types the journal records, by its settings."""
    settings = plugin_settings(given, "journal", JournalSettings)

    def records(name: str) -> bool:
        def fits(patterns: tuple[str, ...]) -> bool:
            return any(fnmatchcase(name, one) for one in patterns)

        return fits(settings.durable) or (fits(settings.record) and not fits(settings.exclude))

    return records


def _judged(
    recording: Recording,
    outputs: Outputs,
    played: Played,
    left_out: tuple[str, ...],
    ignored: tuple[str, ...],
) -> Trial:
    run = recording.run
    with progress_bar("comparing", total=run.last - run.first + 1) as done:
        elsewhere = collect_recorded(outputs, recording, played.feed, done)
    names, live = (run.name, played.run), not run.simulated
    verdict = judge(outputs, names, ignored, live=live)
    counts = recording.unrecorded(), elsewhere
    first = verdict.recorded or verdict.replayed
    if first is None:
        return Trial(played, left_out, *counts, verdict)
    ends = ((RECORDED, verdict.recorded), (REPLAYED, verdict.replayed))
    recorded, replayed = (outputs.chain(side, one) if one else [] for side, one in ends)
    fed = played.feed.fed
    came_from = recording.event_at(fed[first.input - 1]) if 0 < first.input <= len(fed) else None
    return Trial(played, left_out, *counts, verdict, came_from, (recorded, replayed))
