"""A consumer's memory against a model of it, whatever is done with it and whenever it restarts."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookbus import Attempts, Delivery
from hookbus_journal.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.journal.samples import append, envelopes, opened

EVENTS = 6

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "failed", "released", "finish", "crash", "stop"]),
        st.integers(1, EVENTS),
    ),
    max_size=25,
)


@dataclass
class Model:
    """What a consumer must remember."""

    done: set[int] = field(default_factory=set)
    begun: set[int] = field(default_factory=set)
    failures: dict[int, int] = field(default_factory=dict)
    crashes: dict[int, int] = field(default_factory=dict)
    tried: set[int] = field(default_factory=set)

    @property
    def offset(self) -> int:
        """Up to where everything is finished."""
        return next(n for n in range(EVENTS + 1) if n + 1 not in self.done)

    def restart(self) -> None:
        """What had begun has crashed."""
        for position in self.begun:
            self.crashes[position] = self.crashes.get(position, 0) + 1
        self.begun.clear()

    def attempts(self) -> dict[int, Attempts]:
        """By position, for what was tried and is not finished."""
        return {
            position: Attempts(self.failures.get(position, 0), self.crashes.get(position, 0))
            for position in self.tried - self.done
        }


@given(STEPS)
@settings(max_examples=40, deadline=None)
def test_a_consumer_remembers_what_the_model_says(steps: list[tuple[str, int]]) -> None:
    """Offset, what is finished beyond it, failures and crashes, over any number of restarts."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), steps))


async def play(folder: Path, steps: list[tuple[str, int]]) -> None:
    """Carry out the steps, each life of the process in a session of its own."""
    model, lives = Model(), 0
    left = [*steps, ("stop", 1)]
    while left:
        lives += 1
        async with opened(folder, run=f"life-{lives}") as session:
            if lives == 1:
                await append(session, *envelopes(EVENTS))
            consumer = session.journal.consumer("a:b", ["*"], beginning=True)
            state = await consumer.opened()
            beyond = {n for n in model.done if n > model.offset}
            assert (state.head, state.offset) == (EVENTS, model.offset)
            assert set(state.finished) == beyond
            assert state.attempts == model.attempts()
            left = await live(session, consumer, model, left)


async def live(
    session: Session, consumer: Any, model: Model, steps: list[tuple[str, int]]
) -> list[tuple[str, int]]:
    """Carry out steps until the process ends; returns the others."""
    for number, (step, position) in enumerate(steps):
        if step in ("crash", "stop"):
            model.restart()
            return steps[number + 1 :]
        if position in model.done or (step != "begin" and position not in model.begun):
            continue
        if step == "begin":
            await consumer.begin(Delivery(position))
            model.begun.add(position)
            model.tried.add(position)
            continue
        model.begun.discard(position)
        if step == "failed":
            await consumer.failed(Delivery(position))
            model.failures[position] = model.failures.get(position, 0) + 1
        elif step == "released":
            await consumer.released(Delivery(position))
        else:
            model.done.add(position)
            await consumer.finish(Delivery(position), model.offset)
    return []
