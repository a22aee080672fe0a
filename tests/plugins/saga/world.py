"""A world for sagas: a journal that keeps what is committed, steps with effects, and crashes.

A crash is a call that never returns, after which nothing is heard of the process any more: whoever
wants to live on makes a new keeper on the same journal.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hookbus import (
    Envelope,
    Outcome,
    SagaState,
    SimulatedClock,
    Statement,
    Step,
    TransactionRefused,
)
from hookbus.logs import make_logger
from hookbus_saga.keeper import Keeper
from hookbus_saga.runner import Runner
from hookbus_saga.settings import SagaSettings
from hookbus_saga.store import Store

QUICK = SagaSettings(attempts=3, compensation_attempts=3, delay=1.0, timeout=5.0)


class Crashes:
    """Counts the edges of a life, and ends it at one of them; none: it lives on."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.passed = 0
        self.dead = asyncio.Event()

    async def edge(self) -> None:
        """A point at which the process may die."""
        self.passed += 1
        if self.dead.is_set() or self.passed == self.at:
            self.dead.set()
            await asyncio.get_running_loop().create_future()


class Memory:
    """A journal's tables: what `transact` and `query` of the contract promise, and no more."""

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.crashes: Crashes | None = None
        self.commits = 0

    def __del__(self) -> None:
        self.database.close()

    async def transact(
        self, statements: Sequence[Statement], envelopes: Sequence[Envelope] = ()
    ) -> list[int]:
        """Commit all statements or none."""
        assert not envelopes
        if self.crashes is not None:
            await self.crashes.edge()
        self._commit(statements)
        if self.crashes is not None:
            await self.crashes.edge()
        return []

    def _commit(self, statements: Sequence[Statement]) -> None:
        self.commits += 1
        self.database.execute("BEGIN")
        try:
            for statement in statements:
                self.database.execute(*statement)
        except sqlite3.Error as error:
            self.database.execute("ROLLBACK")
            raise TransactionRefused(str(error)) from error
        self.database.execute("COMMIT")

    async def query(self, statement: Statement) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        return self.database.execute(*statement).fetchall()


@dataclass(frozen=True)
class Plan:
    """What a step does: how often each call fails before it works, and how.

    `refused`: `act` says that it is not done. `lost`: `act` does it, and raises. `mute`: `ask` does
    not know. `stuck`: `compensate` fails. `slow`: it is done, and `ask` says that it is under way.
    """

    refused: int = 0
    lost: int = 0
    mute: int = 0
    stuck: int = 0
    slow: int = 0


class World:
    """What steps do to the outside: `done` and `undone` count it by key."""

    def __init__(self) -> None:
        self.crashes: Crashes | None = None
        self.done: Counter[str] = Counter()
        self.undone: Counter[str] = Counter()
        self.calls: list[str] = []
        self._left: dict[tuple[str, str], int] = {}

    def step(self, name: str, plan: Plan) -> Step:
        """A step that follows a plan."""

        async def act(key: str, data: Mapping[str, Any]) -> Outcome:
            await self._edge(f"act {key}")
            if self._fails(key, "refused", plan.refused):
                return Outcome.not_done("refused")
            self.done[key] += 1
            await self._edge(f"did {key}")
            if self._fails(key, "lost", plan.lost):
                raise OSError("the answer was lost")
            return Outcome.under_way() if plan.slow else Outcome.done({"key": key})

        async def ask(key: str, data: Mapping[str, Any]) -> Outcome:
            await self._edge(f"ask {key}")
            if self._fails(key, "mute", plan.mute):
                return Outcome.unknown("no answer")
            held = self.done[key] > self.undone[key]
            if held and self._fails(key, "slow", plan.slow):
                return Outcome.under_way()
            return Outcome.done({"key": key}) if held else Outcome.not_done("not there")

        async def compensate(key: str, data: Mapping[str, Any]) -> Outcome:
            await self._edge(f"undo {key}")
            if self._fails(key, "stuck", plan.stuck):
                return Outcome.not_done("stuck")
            self.undone[key] += 1
            await self._edge(f"undid {key}")
            return Outcome.done()

        return Step(name, act, ask, compensate)

    async def _edge(self, call: str) -> None:
        self.calls.append(call)
        if self.crashes is not None:
            await self.crashes.edge()

    def _fails(self, key: str, how: str, times: int) -> bool:
        left = self._left.setdefault((key, how), times)
        self._left[key, how] = max(0, left - 1)
        return left > 0


class QuickClock(SimulatedClock):
    """A clock on which every sleep is over at once."""

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.move_to(self.now_ns() + round(seconds * 1_000_000_000))
        await asyncio.sleep(0)


@dataclass
class Life:
    """One life of the process: its keeper, what it told, and its tasks."""

    keeper: Keeper
    told: list[Any]
    tasks: list[asyncio.Task[None]]

    async def end(self) -> None:
        """Nothing of it goes on."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def live(
    journal: Memory,
    steps: Mapping[str, Sequence[Step]],
    settings: SagaSettings,
    clock: SimulatedClock | None = None,
) -> Life:
    """Begin a life on a journal, as the plugin does."""
    clock = clock or QuickClock()
    told: list[Any] = []
    tasks: list[asyncio.Task[None]] = []
    store = Store(journal)  # type: ignore[arg-type]
    await store.prepare()
    runner = Runner(store, clock, settings, told.append, make_logger())
    loop = asyncio.get_running_loop()
    keeper = Keeper(
        store, runner, clock, lambda coro, _: tasks.append(loop.create_task(coro)), make_logger()
    )
    await keeper.load()
    for name, those in steps.items():
        keeper.define(name, those)
    keeper.start()
    return Life(keeper, told, tasks)


async def run_until_ended(life: Life, crashes: Crashes) -> None:
    """Wait until nothing goes on any more, or the process died."""
    died = asyncio.ensure_future(crashes.dead.wait())
    while True:
        going = [task for task in life.tasks if not task.done()]
        waiting = [saga for saga in life.keeper.open() if saga.state is not SagaState.PARKED]
        if died.done() or not (going or waiting):
            break
        if not going:
            for saga in waiting:
                life.keeper.awake(saga.id)
            continue
        await asyncio.wait([died, *going], return_when=asyncio.FIRST_COMPLETED)
    died.cancel()
    for task in life.tasks:
        if task.done() and not task.cancelled():
            task.result()


async def finish(life: Life) -> None:
    """Wait until nothing goes on."""
    while going := [task for task in life.tasks if not task.done()]:
        await asyncio.gather(*going)


def names(life: Life) -> list[str]:
    """The types of what was told."""
    return [type(event).__name__ for event in life.told]
