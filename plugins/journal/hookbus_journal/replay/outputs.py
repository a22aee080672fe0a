"""The outputs of a run: what followed from its inputs, kept in a file until both can be compared.

An output belongs to the input that it goes back to. Inputs are fed in one order, but what several
of them lead to may be interleaved in ever new ways; so outputs are compared input by input.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
from hookbus import Envelope, Event, JournalError

from hookbus_journal.replay.feed import Feed
from hookbus_journal.replay.recording import OWN, Recorded, Recording
from hookbus_journal.rows import Form, data_of, form_of
from hookbus_journal.sql import rows

RECORDED: Final = 0
REPLAYED: Final = 1

NOWHERE: Final = -1
"""The group of what goes back to no input."""

_UNSEEN: Final = -2

_BATCH = 500

_TABLE = """
CREATE TABLE outputs (side INTEGER, input INTEGER, sequence INTEGER, cause INTEGER,
    compared INTEGER, type TEXT, source TEXT, time_ns INTEGER, key TEXT, version INTEGER, data TEXT)
"""

_SELECT = """
SELECT input, sequence, cause, type, source, time_ns, key, version, data FROM outputs
WHERE side = ? AND
"""


class Output(NamedTuple):
    """An event that goes back to an input, the first of which is number 1."""

    input: int
    sequence: int
    cause: int | None
    type: str
    source: str
    time_ns: int
    key: str | None
    version: int
    data: str


class Outputs:
    """The outputs of both runs, in a file of their own.

    Compared are those of types that `records` says the journal records, and that are not the
    host's own; the others are kept only to tell how these came about.
    """

    def __init__(self, path: Path, records: Callable[[str], bool]) -> None:
        self._records = records
        self._compared: dict[str, bool] = {}
        self._connection = apsw.Connection(str(path))
        self._connection.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")
        self._connection.execute(_TABLE)
        self._waiting: list[tuple[Any, ...]] = []

    def add(self, side: int, output: Output) -> None:
        """Keep an output."""
        compared = self._compared.get(output.type)
        if compared is None:
            compared = self._records(output.type) and not is_own(output.type)
            self._compared[output.type] = compared
        place, rest = output[:3], output[3:]
        self._waiting.append((side, *place, compared, *rest))
        if len(self._waiting) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        with self._connection:
            self._connection.executemany(
                f"INSERT INTO outputs VALUES ({','.join('?' * 11)})", waiting
            )

    def ordered(self, side: int) -> Iterator[Output]:
        """Those to be compared, input by input, each time in the order of their sequence."""
        sql = f"{_SELECT} compared ORDER BY input, sequence"
        return map(Output._make, self._connection.execute(sql, (side,)))

    def chain(self, side: int, output: Output) -> list[Output]:
        """What led to an output, after its input, and the output itself."""
        sql, chain = f"{_SELECT} input = ? AND sequence = ?", [output]
        while found := rows(self._connection, sql, (side, output.input, chain[0].cause)):
            chain.insert(0, Output._make(found[0]))
        return chain

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()


class Groups:
    """To which input each event of a run goes back, by its sequence.

    With `whole`, what plugins publish by themselves goes with the last input before it.
    """

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._of = array("q")

    def put(self, sequence: int, number: int) -> None:
        """An event goes back to an input."""
        missing = sequence + 1 - len(self._of)
        if missing > 0:
            self._of.extend([_UNSEEN] * missing)
        self._of[sequence] = number

    def find(self, sequence: int, cause: int | None, root: int, latest: int) -> int:
        """The input that an event goes back to, which is noted.

        Where its cause was not seen, as it is not recorded, it goes with the root of its chain.
        """
        if cause is None:
            number = latest if self._whole else NOWHERE
        else:
            number = self._seen(cause)
            number = max(NOWHERE, self._seen(root)) if number == _UNSEEN else number
        self.put(sequence, number)
        return number

    def _seen(self, sequence: int) -> int:
        return self._of[sequence] if 0 < sequence < len(self._of) else _UNSEEN


class Collector:
    """Keeps the outputs of the replayed run while it goes on.

    `self_made` are the plugins and types of what came from no other event and was not fed.
    """

    def __init__(self, outputs: Outputs, feed: Feed, *, whole: bool) -> None:
        self._outputs = outputs
        self._feed = feed
        self._groups = Groups(whole=whole)
        self._forms: dict[type[Event], Form] = {}
        self.self_made: set[tuple[str, str]] = set()

    def keep(self, envelope: Envelope) -> None:
        """Take an event that is being dispatched."""
        feed, sequence = self._feed, envelope.sequence
        if envelope.event is feed.current:
            self._groups.put(sequence, len(feed.fed) + 1)
            return
        root, cause = envelope.links
        if cause is None:
            self.self_made.add((envelope.source, envelope.type))
        elif not isinstance(cause, int):
            cause = 0
        root = root if isinstance(root, int) else 0
        number = self._groups.find(sequence, cause, root, len(feed.fed))
        if number != NOWHERE:
            self._outputs.add(REPLAYED, self._output(envelope, number, cause))

    def _output(self, envelope: Envelope, number: int, cause: int | None) -> Output:
        cls = type(envelope.event)
        form = self._forms.get(cls) or self._forms.setdefault(cls, form_of(cls, 0))
        try:
            data = data_of(envelope, form)
        except JournalError as error:
            data = f'{{"unwritable":"{type(error).__name__}"}}'
        return Output(
            number, envelope.sequence, cause, envelope.type, envelope.source, envelope.time_ns,
            envelope.key, form.version, data,
        )  # fmt: skip


def collect_recorded(
    outputs: Outputs, recording: Recording, feed: Feed, done: Callable[[int], None]
) -> int:
    """Keep the outputs of the recorded run; returns how many events go back to no input.

    The host's own events are not counted.
    """
    groups = Groups(whole=recording.repeats_whole)
    fed, unfed = iter(feed.fed), set(feed.unfed)
    next_fed, latest, elsewhere = next(fed, None), 0, 0
    for read, one in enumerate(recording.events()):
        if one.position == next_fed:
            latest += 1
            groups.put(one.sequence, latest)
            next_fed = next(fed, None)
        elif one.position in unfed:
            groups.put(one.sequence, NOWHERE)
        elif (number := groups.find(one.sequence, one.cause, one.root, latest)) != NOWHERE:
            outputs.add(RECORDED, _output_of(one, number))
        else:
            elsewhere += not is_own(one.type)
        if read % 1_000 == 0:
            done(read)
    outputs.flush()
    return elsewhere


def _output_of(one: Recorded, number: int) -> Output:
    return Output(
        number, one.sequence, one.cause, one.type, one.source, one.time_ns, one.key, one.version,
        one.data,
    )  # fmt: skip


def is_own(name: str) -> bool:
    """Whether events of that type are the host's own."""
    return fnmatchcase(name, OWN)
