"""Poison: one event that kills the process, hangs or raises, whenever it is handled."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import apsw
from hookbus_journal.database import open_for_reading

from tests.faults.books import Books
from tests.faults.demonstration import Outcome, Progress
from tests.faults.life import Life, Plan
from tests.faults.workload import Harm

NAME = "poison"
WANTED = "an event that kills is given up after 3 crashes, one that fails after 5 attempts"
ROUNDS = 25
FEW = 1

PUBLISHERS = 4
EVENTS = 30
LOAD = {"publishers": PUBLISHERS, "events": EVENTS, "linger": 0.002}
TIMEOUT = 0.2
"""Seconds that a handler gets which hangs."""

CRASHES = 3
FAILURES = 5
MOST_LIVES = 8
"""Lives after which the process counts as dying for ever."""


class Expected(NamedTuple):
    """What a poison leads to: how a life ends, and what its dead letter says."""

    code: int
    failures: int
    crashes: int


EXPECTED: dict[Harm, Expected] = {
    "kills": Expected(-signal.SIGKILL, 0, CRASHES),
    "exits": Expected(70, 0, CRASHES),
    "hangs": Expected(0, FAILURES, 0),
    "raises": Expected(0, FAILURES, 0),
}


def demonstrate(
    folder: Path,
    rounds: int,
    progress: Progress,
    before: tuple[Callable[[], None], ...] = (),
    harms: Collection[Harm] = EXPECTED.keys(),
) -> Outcome:
    """Poison `rounds` hosts with each harm; `before` is called in every life."""
    chance, wrong = random.Random(rounds), list[str]()
    counted = dict.fromkeys(("deaths", "letters", "handled", "given up without need"), 0)
    for number in range(rounds):
        for harm in harms:
            mark = f"0-{chance.randrange(PUBLISHERS)}-{chance.randrange(EVENTS // 2)}"
            case = Case(folder / f"{number}-{harm}", harm, mark, before)
            wrong += [f"{harm}: {line}" for line in case.run()]
            counted["deaths"] += case.deaths
            counted["letters"] += len(case.books.buried)
            counted["handled"] += len(case.books.effects)
            counted["given up without need"] += len(case.needless)
        progress(f"{number + 1} hosts poisoned in each way")
    return Outcome(rounds * len(harms), counted, {}, tuple(dict.fromkeys(wrong)))


class Case:
    """One poisoned event on one journal, with neighbours in flight."""

    def __init__(
        self, folder: Path, harm: Harm, mark: str, before: tuple[Callable[[], None], ...]
    ) -> None:
        folder.mkdir()
        self.folder = folder
        self.harm = harm
        self.mark = mark
        self.deaths = 0
        self.books = Books(folder, lambda other: other == mark)
        self._before = before

    @property
    def needless(self) -> set[tuple[str, str, str]]:
        """What was given up besides the poison."""
        return {one for one in self.books.buried if one[2] != self.mark}

    def run(self) -> list[str]:
        """Live until the poison is a dead letter, twice; returns what is wrong."""
        wrong = [*self._live(LOAD), *self._judge()]
        if not wrong:
            wrong = [*self._live({"retry_letters": True}), *self._judge()]
        return wrong

    def _live(self, first: Mapping[str, object]) -> list[str]:
        """Live again and again until a life ends as it should."""
        expected, load, died = EXPECTED[self.harm], first, 0
        harm = {"harm": {self.mark: self.harm}, "timeout": TIMEOUT, "linger": 0.002}
        for life in range(MOST_LIVES):
            plan = Plan(self.folder, {"life": life, **load, **harm}, self._before, ends=True)
            code = Life(plan).end()
            if code == 0:
                break
            died += 1
            if code != expected.code:
                return [f"a life ended with {code}; see {self.folder}/log"]
            load = {}
        self.deaths += died
        return [] if died == expected.crashes else [f"{died} deaths instead of {expected.crashes}"]

    def _judge(self) -> list[str]:
        self.books.read()
        expected = EXPECTED[self.harm]
        wanted = [("workload:effects", self.mark, expected.failures, expected.crashes)]
        letters = _letters(self.books.journal)
        wrong = [] if letters == wanted else [f"dead letters {letters} instead of {wanted}"]
        return [*wrong, *self.books.mistakes()]


def _letters(journal: Path) -> list[tuple[apsw.SQLiteValue, ...]]:
    connection = open_for_reading(journal)
    sql = "SELECT consumer, json_extract(envelope, '$.data.mark'), failures, crashes "
    try:
        return connection.execute(f"{sql} FROM dead_letters ORDER BY id").fetchall()
    finally:
        connection.close()
