"""Kills: SIGKILL to a host under load, at random moments, again and again on one journal."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.books import Books
from tests.faults.demonstration import Outcome, Progress
from tests.faults.life import Life, Plan

NAME = "kills"
WANTED = "SIGKILL under 2,000 durable events/s and more: none acknowledged lost, no effect twice"
ROUNDS = 200
FEW = 5

FINISH_EVERY = 10
"""Kills after which consumers may finish, so that they are not always far behind."""


@dataclass(frozen=True)
class Load:
    """What is published, and for how long: from the start to the kill, at least and at most.

    `pause` is in seconds between two events of a publisher, `lifetime` in seconds, `rate` in
    acknowledged events each second that there must be.
    """

    publishers: int = 48
    pause: float = 0.004
    lifetime: tuple[float, float] = (0.05, 0.8)
    rate: float = 2_000


def demonstrate(
    folder: Path,
    rounds: int,
    progress: Progress,
    before: tuple[Callable[[], None], ...] = (),
    load: Load = Load(),
) -> Outcome:
    """Kill `rounds` lives; `before` is called in each of them."""
    workload = {"publishers": load.publishers, "pause": load.pause}
    books, chance, seconds = Books(folder), random.Random(rounds), 0.0
    wrong: list[str] = []
    for number in range(rounds):
        life = Life(Plan(folder, {"life": number, **workload}, before))
        life.wait_until_ready()
        began = time.perf_counter()
        time.sleep(chance.uniform(*load.lifetime))
        life.kill()
        seconds += time.perf_counter() - began
        books.read()
        wrong += books.mistakes_so_far()
        if number % FINISH_EVERY == FINISH_EVERY - 1 or number == rounds - 1:
            wrong += finish(folder, books, before)
        progress(f"{number + 1} kills, {len(books.acknowledged):,} events acknowledged")
    rate = len(books.acknowledged) / seconds
    if rate < load.rate:
        wrong.append(f"only {rate:,.0f} events/s were acknowledged")
    return outcome(rounds, books, wrong, {"acknowledged/s": f"{rate:,.0f}"})


def finish(
    folder: Path, books: Books, before: tuple[Callable[[], None], ...] = (), crashes: int = 3
) -> list[str]:
    """Let the consumers finish in a life that ends as it should; returns what is wrong then.

    Events that were in hand in as many `crashes` are given up.
    """
    life = Life(Plan(folder, {"life": -1, "crashes": crashes}, before, ends=True))
    life.wait_until_ready()
    code = life.end(patience=600)
    books.read()
    ended = [] if code == 0 else [f"the host ended with {code}; see {folder}/log"]
    return [*ended, *books.mistakes()]


def outcome(kills: int, books: Books, wrong: list[str], figures: dict[str, str]) -> Outcome:
    """What the books say in the end."""
    counted = {
        "kills": kills,
        "acknowledged": len(books.acknowledged),
        "lost": len(books.lost),
        "effects": books.effects.total(),
        "doubled": len(books.doubled),
        "dead letters": len(books.buried),
    }
    return Outcome(kills, counted, figures, tuple(dict.fromkeys(wrong)))
