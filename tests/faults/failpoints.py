"""Fail points: SIGKILL at every edge between the journal, the bus and a consumer's handler."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.books import Books
from tests.faults.demonstration import Outcome, Progress
from tests.faults.edges import EDGES, Death, Edge
from tests.faults.kills import finish, outcome
from tests.faults.life import Life, Plan
from tests.faults.workload import Harm

NAME = "fail-points"
WANTED = f"SIGKILL before and after each of {len(EDGES) // 2} steps: none lost, no effect twice"
ROUNDS = 25
FEW = 1

CRASHES = 1_000
"""No event is given up because it was in hand when others had the process killed."""

LOAD = {"publishers": 4, "pause": 0.002, "retry_delay": 0.001, "crashes": CRASHES}
PATIENCE = 30.0
"""Seconds until the edge must have been passed."""

HARMED_BEFORE = 60
LATEST = 40
"""Times that an edge is passed before the kill, at the most."""


def demonstrate(
    folder: Path,
    rounds: int,
    progress: Progress,
    edges: Sequence[Edge] = EDGES,
    before: tuple[Callable[[], None], ...] = (),
) -> Outcome:
    """Kill `rounds` lives at each edge; `before` is called in each of them."""
    books, chance = Books(folder, harmed), random.Random(rounds)
    wrong: list[str] = []
    life = 0
    for edge in edges:
        for _ in range(rounds):
            death = Death(edge, chance.randint(1, 1 if edge.rare else LATEST))
            wrong += _die(folder, life, (*before, death))
            books.read()
            wrong += [f"{edge.name}: {line}" for line in books.mistakes_so_far()]
            life += 1
        wrong += [f"{edge.name}: {line}" for line in finish(folder, books, before, CRASHES)]
        progress(f"{life} kills, last {edge.name}")
    return outcome(life, books, wrong, {"edges": f"{len(edges)}"})


def _die(folder: Path, life: int, before: tuple[Callable[[], None], ...]) -> list[str]:
    """A life that is to end at its edge; returns what is wrong if it does not."""
    plan = Plan(folder, {"life": life, **LOAD, "harm": _harm(life)}, before)
    try:
        code = Life(plan).end(PATIENCE)
    except RuntimeError as error:
        return [f"{before[-1]} did not come about: {error}"]
    return [] if code == -9 else [f"{before[-1]} did not come about: {code}"]


def harmed(mark: str) -> bool:
    """Whether the event of a mark cannot be handled: every third of each publisher, at first."""
    number = int(mark.rpartition("-")[2])
    return number % 3 == 0 and number < HARMED_BEFORE


def _harm(life: int) -> dict[str, Harm]:
    marks = (f"{life}-{one}-{n}" for one in range(4) for n in range(HARMED_BEFORE))
    return {mark: "raises" for mark in marks if harmed(mark)}
