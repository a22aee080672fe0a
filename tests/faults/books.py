"""Books: what was acknowledged, kept, handled and answered over all lives of one journal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import apsw
from hookbus_journal.database import open_for_reading

EVENTS = """
SELECT position, types.name, key, json_extract(data, '$.mark') FROM events
JOIN types ON types.id = type
WHERE types.name IN ('fault.happened', 'fault.answered') AND position > ? ORDER BY position
"""


class Books:
    """Reads on in the journal and in the files beside it, and says what does not add up.

    By mark: `acknowledged` to a publisher, `kept` in the journal, `effects` of the consumer with a
    transaction, `answers` that it published, `handled` by the other consumer; `buried` by either.
    `harmed` tells of a mark whether it cannot be handled.
    """

    def __init__(self, folder: Path, harmed: Callable[[str], bool] = lambda mark: False) -> None:
        self._folder = folder
        self._harmed = harmed
        self._read: Counter[str] = Counter()
        self.acknowledged: set[str] = set()
        self.kept: dict[str, str] = {}
        self.doubled_kept = 0
        self.effects: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.handled: set[tuple[str, str]] = set()
        self.buried: set[tuple[str, str, str]] = set()
        self.order: dict[str, defaultdict[str, list[str]]] = {
            name: defaultdict(list)
            for name in ("kept", "effects", "happened", "answers", "answered")
        }

    @property
    def journal(self) -> Path:
        """The file of the journal."""
        return self._folder / "state" / "journal" / "journal.db"

    # Reading

    def read(self) -> None:
        """Read what has come since the last time."""
        self.acknowledged.update(self._lines("acknowledged"))
        connection = open_for_reading(self.journal)
        try:
            self._read_events(connection)
            self._read_effects(connection)
            self._read_letters(connection)
        finally:
            connection.close()
        for line in self._lines("handled"):
            kind, key, mark = line.split()
            if (kind, mark) not in self.handled:
                self.handled.add((kind, mark))
                self.order[kind][key].append(mark)

    def _lines(self, name: str) -> Iterator[str]:
        path = self._folder / name
        if not path.exists():
            return
        with path.open(encoding="ascii") as file:
            file.seek(self._read[name])
            whole, _, _ = file.read().rpartition("\n")
            self._read[name] += len(whole) + bool(whole)
        yield from whole.splitlines()

    def _read_events(self, connection: apsw.Connection) -> None:
        for position, name, key, mark in connection.execute(EVENTS, (self._read["events"],)):
            self._read["events"] = position
            if name == "fault.answered":
                self.answers[mark] += 1
                self.order["answers"][key].append(mark)
                continue
            self.doubled_kept += mark in self.kept
            self.kept[mark] = key
            self.order["kept"][key].append(mark)

    def _read_effects(self, connection: apsw.Connection) -> None:
        sql = "SELECT id, mark, key FROM effects WHERE id > ? ORDER BY id"
        for number, mark, key in connection.execute(sql, (self._read["effects"],)):
            self._read["effects"] = number
            self.effects[mark] += 1
            self.order["effects"][key].append(mark)

    def _read_letters(self, connection: apsw.Connection) -> None:
        sql = "SELECT consumer, type, json_extract(envelope, '$.data.mark') FROM dead_letters"
        self.buried = set(connection.execute(sql))

    # Judging

    @property
    def lost(self) -> list[str]:
        """What was acknowledged and is not kept."""
        return sorted(self.acknowledged - self.kept.keys())

    @property
    def doubled(self) -> list[str]:
        """What had its effect, or was answered, more than once."""
        counts = (self.effects, self.answers)
        return sorted({mark for one in counts for mark, times in one.items() if times > 1})

    def mistakes_so_far(self) -> list[str]:
        """What must never be, also while consumers have not finished."""
        found = [
            _told("acknowledged and not kept", self.lost),
            _told("with two effects or answers", self.doubled),
            _told("with an effect and no answer", self._differing(self.effects, self.answers)),
            _told("with an answer and no effect", self._differing(self.answers, self.effects)),
            _told(
                "given up without need", sorted(m for *_, m in self.buried if not self._harmed(m))
            ),
            f"{self.doubled_kept} events kept twice" if self.doubled_kept else "",
            *(f"the ledger: {line}" for line in self._lines("discrepancies")),
        ]
        return [line for line in found if line]

    def mistakes(self) -> list[str]:
        """What must not be when all consumers have finished."""
        given_up = {mark for consumer, _, mark in self.buried if consumer == "workload:effects"}
        unkept = {
            (kind, mark) for consumer, kind, mark in self.buried if consumer != "workload:effects"
        }
        missing = {("happened", mark) for mark in self.kept} | {
            ("answered", m) for m in self.answers
        }
        missing -= self.handled | {(kind.removeprefix("fault."), mark) for kind, mark in unkept}
        found = [
            *self.mistakes_so_far(),
            _told("kept, with neither an effect nor a dead letter",
                  sorted(self.kept.keys() - self.effects.keys() - given_up)),
            _told("with an effect and a dead letter", sorted(given_up & self.effects.keys())),
            _told("not handled by the keeper", sorted(f"{k} {m}" for k, m in missing)),
            *self._out_of_order("kept", "effects"),
            *self._out_of_order("kept", "happened"),
            *self._out_of_order("answers", "answered"),
        ]  # fmt: skip
        return [line for line in found if line]

    def _differing(self, one: Counter[str], other: Counter[str]) -> list[str]:
        return sorted(one.keys() - other.keys())

    def _out_of_order(self, journal: str, other: str) -> Iterator[str]:
        for key, marks in self.order[other].items():
            places = {mark: place for place, mark in enumerate(self.order[journal][key])}
            found = [places[mark] for mark in marks if mark in places]
            if any(later < earlier for earlier, later in pairwise(found)):
                yield f"{other} of key {key} out of the order of the journal"


def _told(what: str, marks: list[str]) -> str:
    return f"{len(marks)} {what}, such as {marks[0]}" if marks else ""
