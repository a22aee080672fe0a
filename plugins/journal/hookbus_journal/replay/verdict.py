"""The verdict: the first output in which a replay differs from what was recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, Final

from hookbus import StoredEvent
from hookbus.commands import ABSENT, FieldDifference, RecordedEvent, Rules, differences

from hookbus_journal.replay.outputs import RECORDED, REPLAYED, Output, Outputs

NOW: Final = 1.0
"""Seconds around the time of an event within which a time in its data was read from the clock."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both runs are the same for `equal` outputs, then part with `recorded` and `replayed`.

    One of them is None where the other has an output more. `fields` are those that differ.
    `without_data` outputs were recorded without their fields, which are not compared.
    """

    equal: int
    recorded: Output | None = None
    replayed: Output | None = None
    fields: tuple[FieldDifference, ...] = ()
    without_data: int = 0

    @property
    def same(self) -> bool:
        """Whether no difference was found."""
        return self.recorded is None and self.replayed is None


class Side:
    """The outputs of one run, one after the other, and names for them that both runs share."""

    def __init__(self, outputs: Outputs, side: int, run: str) -> None:
        self._outputs = outputs.ordered(side)
        self._id = re.compile(rf'"{re.escape(json.dumps(run)[1:-1])}-(\d+)"')
        self._input = 0
        self._numbers: Iterator[int] = count(1)
        self._names: dict[int, str] = {}
        self.current: Output | None = None
        self.run = run

    def advance(self) -> None:
        """Go to the next output."""
        self.current = output = next(self._outputs, None)
        if output is None:
            return
        if output.input != self._input:
            self._input, self._numbers = output.input, count(1)
            self._names = {}
        self._names[output.sequence] = f"output {next(self._numbers)}"

    @property
    def input(self) -> float:
        """The input that the current output goes back to; infinite behind the last one."""
        return float("inf") if self.current is None else self.current.input

    def essence(self, output: Output, *, timed: bool) -> tuple[Any, ...]:
        """What is the same in both runs where they are."""
        return (
            output.type,
            output.source,
            output.key,
            output.version,
            output.time_ns if timed else 0,
            self._cause(output),
            self._data(output),
        )

    def _cause(self, output: Output) -> str | None:
        return None if output.cause is None else self._names.get(output.cause, "")

    def _data(self, output: Output) -> str:
        """The fields as JSON, in which ids of events are told by names that both runs share."""
        if self.run not in output.data:
            return output.data
        return self._id.sub(lambda found: f'"{self._names.get(int(found[1]), "")}"', output.data)

    def event(self, output: Output) -> RecordedEvent:
        """An output for a comparison field by field."""
        stored = StoredEvent(
            0, "run", 0, output.type, output.version, output.source, output.time_ns, output.key,
            "", self._cause(output), 0, self._data(output),
        )  # fmt: skip
        return RecordedEvent(json.loads(stored.to_json()))


def judge(
    outputs: Outputs, runs: tuple[str, str], ignored: tuple[str, ...], *, live: bool
) -> Verdict:
    """Find the first output that differs.

    `runs` are the names of the recorded and the replayed run. Of a `live` recording neither the
    times of events are compared nor what was read from the clock.
    """
    rules = Rules(ignored=(*ignored, *(("time",) if live else ())))
    ours, theirs = (
        Side(outputs, side, run) for side, run in zip((RECORDED, REPLAYED), runs, strict=True)
    )
    equal = without_data = 0
    while True:
        ours.advance()
        theirs.advance()
        a, b = ours.current, theirs.current
        if a is None and b is None:
            return Verdict(equal, without_data=without_data)
        if a is None or b is None or a.input != b.input:
            first, second = (a, None) if ours.input < theirs.input else (None, b)
            return Verdict(equal, first, second, (), without_data)
        if ours.essence(a, timed=not live) != theirs.essence(b, timed=not live):
            if _lacks_data(a):
                without_data += 1
            elif fields := _fields(ours.event(a), theirs.event(b), rules, live=live):
                return Verdict(equal, a, b, fields, without_data)
        equal += 1


def _lacks_data(output: Output) -> bool:
    return output.data.startswith(('{"omitted": ', '{"unwritable": '))


def _fields(
    a: RecordedEvent, b: RecordedEvent, rules: Rules, *, live: bool
) -> tuple[FieldDifference, ...]:
    found = differences(a, b, rules)
    return tuple(one for one in found if not (live and _both_now(one, a, b)))


def _both_now(one: FieldDifference, a: RecordedEvent, b: RecordedEvent) -> bool:
    """Whether a field tells in both runs when it was written."""
    return _is_now(one.a, a) and _is_now(one.b, b)


def _is_now(value: Any, event: RecordedEvent) -> bool:
    if value is ABSENT or not isinstance(value, str):
        return False
    try:
        since = datetime.fromisoformat(value) - datetime.fromisoformat(event.attributes["time"])
    except (ValueError, TypeError):
        return False
    return abs(since.total_seconds()) <= NOW
