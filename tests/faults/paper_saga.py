"""Kill a host that trades on paper at every edge of its sagas, and look at the books.

`python -m tests.faults.paper_saga 25` prints the figures of 25 kills at each edge. Every life is a
process of its own, forked from one that has imported everything, and ends by SIGKILL. What is
checked is read from the journal's file, with arithmetic of its own.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.faults.paper_edges import BUGS, Edges
from tests.faults.paper_host import CASH, survey

Row = dict[str, Any]
LIMIT = 15
"""Seconds that a life may take; without a kill it takes a fifth of one."""

KINDS = ("order", "fill", "order_cancelled", "order_rejected")
OPEN = ("running", "compensating", "parked")


class Stuck(Exception):  # noqa: N818
    """A host waits for something that never comes."""


@dataclass
class Figures:
    """What some rounds came to."""

    edges: int = 0
    rounds: int = 0
    kills: int = 0
    lives: int = 0
    orders: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class Record:
    """What the journal's file holds of orders, sagas and reservations."""

    events: dict[str, list[Row]]
    sagas: dict[str, Row]
    reservations: dict[str, str]
    entries: list[Row]

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Read it; the process that wrote it is dead."""
        database = sqlite3.connect(folder / "state" / "journal" / "journal.db")
        try:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            return cls(_events(database), *_own_tables(database, tables))
        finally:
            database.close()

    def of(self, kind: str) -> list[Row]:
        """The events of a type."""
        return self.events.get(f"trading.{kind}", [])


def _events(database: sqlite3.Connection) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    sql = (
        "SELECT types.name, events.data FROM events JOIN types ON types.id = events.type "
        "WHERE durable ORDER BY position"
    )
    for name, data in database.execute(sql):
        found[name].append(json.loads(data))
    return found


def _own_tables(
    database: sqlite3.Connection, tables: set[str]
) -> tuple[dict[str, Row], dict[str, str], list[Row]]:
    sagas: dict[str, Row] = {}
    reservations: dict[str, str] = {}
    entries: list[Row] = []
    if "saga_sagas" in tables:
        for saga, state in database.execute("SELECT id, state FROM saga_sagas"):
            sagas[saga] = {"state": state}
        for saga, name, state in database.execute("SELECT saga, name, state FROM saga_steps"):
            sagas[saga][name] = state
    if "paper_ledger" in tables:
        entries = [json.loads(one) for (one,) in database.execute("SELECT data FROM paper_ledger")]
    if "paper_reservations" in tables:
        sql = "SELECT order_id, state FROM paper_reservations"
        reservations = dict(database.execute(sql).fetchall())
    return sagas, reservations, entries


# What must hold at every moment


def faults_of(record: Record) -> Iterator[str]:
    """What is wrong in the record, whenever the process has died."""
    ids = Counter(order["order_id"] for order in record.of("order"))
    for order, count in ids.items():
        if count > 1:
            yield f"order {order} was placed {count} times"
        if order not in record.sagas:
            yield f"order {order} belongs to no decision"
    yield from _faults_of_fills(record)
    yield from _faults_of_reservations(record)


def _faults_of_fills(record: Record) -> Iterator[str]:
    ordered = {one["order_id"]: Fraction(one["quantity"]) for one in record.of("order")}
    filled: defaultdict[str, Fraction] = defaultdict(Fraction)
    for fill in record.of("fill"):
        filled[fill["order_id"]] += Fraction(fill["quantity"])
    for order, quantity in filled.items():
        if quantity > ordered.get(order, 0):
            yield f"order {order} of {ordered.get(order)} was filled with {quantity}"


def _faults_of_reservations(record: Record) -> Iterator[str]:
    """Open reservations are those of open decisions; the others are settled or released."""
    for order, state in record.reservations.items():
        saga = record.sagas.get(order, {"state": "missing"})
        undone = saga.get("reserve") == "undone"
        wanted = "released" if undone else "open" if saga["state"] in OPEN else "settled"
        if state != wanted:
            yield f"the reservation for {order} is {state}, its decision is {saga}"
    for order, saga in record.sagas.items():
        if saga.get("reserve") == "done" and order not in record.reservations:
            yield f"the decision {order} has lost its reservation"


# What must hold when the host has started, and when the plan is through


def faults_of_books(record: Record, books: Row, when: str) -> Iterator[str]:
    """Whether the books in memory are the sum of the fills that are committed."""
    cash, position = Fraction(CASH), Fraction(0)
    for fill in record.of("fill"):
        signed = Fraction(fill["quantity"]) * (1 if fill["side"] == "buy" else -1)
        position += signed
        cash -= signed * Fraction(fill["price"]) + Fraction(fill["commission"])
    for name, value in (("cash", cash), ("position", position)):
        if Fraction(books[name]) != value:
            yield f"{when} the {name} is {books[name]}, the fills come to {float(value)}"
    gained = Fraction(books["realised"]) - Fraction(books["commission"])
    if Fraction(books["cash"]) + Fraction(books["invested"]) != CASH + gained:
        yield f"{when} cash and positions at cost are not what was begun with and gained: {books}"


def faults_at_the_end(folder: Path, reference: Record) -> Iterator[str]:
    """Nothing is open, nothing is missing, and the same was traded as without a kill."""
    record = Record.read(folder)
    books = json.loads((folder / "books-at-end.json").read_text())
    yield from faults_of_books(record, books, "at the end")
    for order, saga in record.sagas.items():
        if saga["state"] in OPEN:
            yield f"the decision {order} is still {saga}"
    committed = [one for kind in KINDS for one in record.of(kind)]
    if Counter(map(str, record.entries)) != Counter(map(str, committed)):
        yield f"the ledger has {len(record.entries)} entries of {len(committed)}"
    for kind in ("order", "fill"):
        traded, wanted = traded_in(record, kind), traded_in(reference, kind)
        if traded != wanted:
            yield f"{kind}s are {traded}, without a kill they are {wanted}"


def traded_in(record: Record, kind: str) -> list[tuple[Any, ...]]:
    """What the orders or fills come to, whatever they are called."""
    wanted = ("time", "side", "quantity", "price")
    return sorted(tuple(map(str, (one[name] for name in wanted))) for one in record.of(kind))


# Lives


def spend_life(folder: Path, edges: Edges, bug: str | None) -> bool:
    """One life in a process of its own; False when it was killed.

    Raises `Stuck` when it did not get through its plan, `RuntimeError` when it ended otherwise.
    """
    child = os.fork()
    if child == 0:
        _be_the_host(folder, edges, bug)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        raise Stuck(f"the plan was not through after {LIMIT} seconds")
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status):
        raise RuntimeError(f"the host ended with {os.WEXITSTATUS(status)}; see above")
    return True


def _be_the_host(folder: Path, edges: Edges, bug: str | None) -> None:
    code = 1
    signal.alarm(LIMIT)
    try:
        if bug is not None:
            BUGS[bug]()
        edges.install()
        survey(folder, edges)
        code = 0
    except BaseException:  # noqa: BLE001 - the child must never return into the parent's code
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def spend_lives(
    folder: Path, kills: list[tuple[str, int]], reference: Record, bug: str | None, told: Figures
) -> None:
    """Kill the host at some edges, one life each, then let it finish; note what is wrong."""
    faults: list[str] = []
    finished = False
    try:
        for edge, ordinal in [*kills, ("", 0)]:
            if not finished:
                before = Record.read(folder) if (folder / "state").exists() else None
                try:
                    finished = spend_life(folder, Edges(edge, ordinal), bug)
                finally:
                    faults += faults_after(folder, before)
                told.lives += 1
                told.kills += not finished
        faults += faults_at_the_end(folder, reference)
    except Stuck as error:
        faults.append(str(error))
    told.rounds += 1
    told.orders += len(Record.read(folder).of("order"))
    told.faults += [f"{kills}: {fault}" for fault in faults]


def faults_after(folder: Path, before: Record | None) -> Iterator[str]:
    """What is wrong after a life: with the record, and with the books that it began with."""
    yield from faults_of(Record.read(folder))
    books = folder / "books-at-start.json"
    if before is not None and books.exists():
        yield from faults_of_books(before, json.loads(books.read_text()), "after the restart")
    books.unlink(missing_ok=True)


def run(
    rounds: int,
    seed: int = 1,
    bug: str | None = None,
    edges: str = "",
    part: tuple[int, int] = (0, 1),
) -> Figures:
    """`rounds` kills at every edge whose name contains `edges`, every second round two in a row.

    `part` is which of how many parts of these edges to go through.
    """
    chance, told = random.Random(seed), Figures()
    with tempfile.TemporaryDirectory() as folder:
        spend_life(Path(folder), Edges(), None)
        reference = Record.read(Path(folder))
        passed = json.loads((Path(folder) / "edges.json").read_text())
    found = sorted((name, count) for name, count in passed.items() if edges in name)
    wanted = dict(found[part[0] :: part[1]])
    told.edges = len(wanted)
    for name, count in wanted.items():
        for number in range(rounds):
            kills = [(name, chance.randint(1, count))]
            if number % 2:
                kills.append((chance.choice(list(passed)), 1))
            with tempfile.TemporaryDirectory() as folder:
                spend_lives(Path(folder), kills, reference, bug, told)
    return told


if __name__ == "__main__":
    arguments = dict(enumerate(sys.argv[1:]))
    part = int(arguments.get(3, "0")), int(arguments.get(4, "1"))
    bug = arguments.get(1) or None
    figures = run(int(arguments.get(0, "25")), bug=bug, edges=arguments.get(2, ""), part=part)
    print(json.dumps(figures.__dict__, indent=2))  # noqa: T201
