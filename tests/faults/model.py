"""Model: a bus with a journal against what it promises, in random steps with crashes in between.

A crash is a copy of the journal's folder, as it is at that instant, with which another bus goes on.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from hookbus import Statement
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults.demonstration import Outcome, Progress
from tests.faults.records import Record, Tables, mistakes, unfinished, update
from tests.faults.world import CRASHES, FAILURES, Consumer, World

NAME = "model"
WANTED = "50 random steps with crashes: handled at least once, effects once, offsets and order kept"
ROUNDS = 2_000
FEW = 25
STEPS = 50
REPORT_EVERY = 50

CONSUMERS: tuple[Consumer, ...] = ("one", "two", "plain")
KEYS = st.sampled_from("abc")
HARM = st.sampled_from([0, 0, 0, 0, 1, FAILURES])
"""How often each consumer fails with an event before it can be handled."""

EVENTS = st.lists(st.tuples(KEYS, HARM), min_size=1, max_size=12)


class Machine(RuleBasedStateMachine):
    """Steps at random; after each of them the tables of the journal are compared.

    `found` is what went wrong. Threads may have it that the same steps go well when they are tried
    again, and then hypothesis tells of that instead.
    """

    found: ClassVar[list[str]] = []
    steps = crashes = runs = 0
    progress: ClassVar[Progress] = print

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="hookbus-model-"))
        self.runner = asyncio.Runner()
        self.record = Record()
        self.lives = self.events = 0
        self.world = self._begin(self.base / "0")

    def teardown(self) -> None:
        """End the bus, and remove all files."""
        self.world.abandon()
        self._do(self._tear_down(self.world))
        self.runner.close()
        shutil.rmtree(self.base)
        Machine.runs += 1
        if Machine.runs % REPORT_EVERY == 0:
            Machine.progress(f"{Machine.runs:,} runs, {Machine.crashes:,} crashes")

    def _begin(self, folder: Path) -> World:
        world = World(folder, self.lives, self.record)
        self.lives += 1
        self._do(world.start())
        return world

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        with _noted():
            return self.runner.run(work)

    # Consumers

    @rule(
        name=st.sampled_from(CONSUMERS),
        start=st.sampled_from(["now", "beginning"]),
        capacity=st.sampled_from([1, 3, 100]),
        concurrency=st.integers(1, 3),
    )
    def subscribe(self, name: Consumer, start: str, capacity: int, concurrency: int) -> None:
        """Open a consumer that is not open, or open it again with other options."""
        options = {"start": start, "capacity": capacity, "concurrency": concurrency}
        self._do(self._subscribe(name, options))

    async def _subscribe(self, name: Consumer, options: dict[str, Any]) -> None:
        full = f"test:{name}"
        if name in self.world.open:
            self.world.open.pop(name).close()
        elif full not in self.record.starts:
            await self.world.settled()
            tables = self._tables()
            head = max(self.record.events, default=0)
            first = min(tables.events, default=head + 1) - 1
            self.record.starts[full] = head if options["start"] == "now" else first
        self.world.subscribe(name, options)

    @precondition(lambda self: self.world.open)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        """Close a consumer, whatever it has in hand."""
        name = data.draw(st.sampled_from(sorted(self.world.open)))
        self._do(self._close(name))

    async def _close(self, name: Consumer) -> None:
        self.world.open.pop(name).close()

    # Events

    @rule(keys=EVENTS)
    def publish(self, keys: list[tuple[str, int]]) -> None:
        """Publish at once, and wait until all are acknowledged."""
        self._do(self._publish(keys))
        self.record.confirmed |= {f"test:{name}" for name in self.world.open}

    async def _publish(self, keys: list[tuple[str, int]]) -> None:
        await asyncio.gather(*(self.world.publish(*self._new(*one)) for one in keys))

    def _new(self, key: str, harm: int) -> tuple[str, str]:
        self.events += 1
        mark = f"event{self.events}"
        self.record.harm[mark] = harm
        return key, mark

    @rule(turns=st.integers(1, 20))
    def go_on(self, turns: int) -> None:
        """Let the consumers work for a moment."""
        self._do(_turns(turns))

    @rule()
    def settle(self) -> None:
        """Let the open consumers finish; then nothing is left for them."""
        self._do(self._settle())

    async def _settle(self) -> None:
        await self.world.settled()
        tables = self._tables()
        for name in self.world.open:
            left = unfinished(self.record, tables, f"test:{name}")
            assert not left, f"{name} has settled and not finished {left}"
        assert not (wrong := await self.world.check_order()), wrong
        pending = [one.stats().pending for one in self.world.open.values()]
        assert not any(pending), f"settled with {pending} pending"

    # Ends

    @rule(turns=st.integers(0, 20))
    def crash(self, turns: int) -> None:
        """Kill it while consumers work, and go on with what is on the disk."""
        self.crash_while_publishing([], turns)

    @rule(keys=EVENTS, turns=st.integers(0, 20))
    def crash_while_publishing(self, keys: list[tuple[str, int]], turns: int) -> None:
        """Kill it while more events are on their way."""
        Machine.crashes += 1
        self.world = self._begin(self._do(self._crash(keys, turns)))
        with _noted():
            self._forget_the_unconfirmed()

    def _forget_the_unconfirmed(self) -> None:
        for consumer in self.record.starts.keys() - self._tables().offsets.keys():
            assert consumer not in self.record.confirmed, f"{consumer} is forgotten"
            del self.record.starts[consumer]

    async def _crash(self, keys: list[tuple[str, int]], turns: int) -> Path:
        publishing = asyncio.ensure_future(self._publish(keys))
        await _turns(turns)
        self.world.abandon()
        copy = self.base / str(self.lives)
        copy.mkdir()
        for name in ("journal.db", "journal.db-wal"):
            if (self.world.folder / name).exists():
                shutil.copy(self.world.folder / name, copy / name)
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await self._tear_down(self.world)
        return copy

    async def _tear_down(self, world: World) -> None:
        world.bus.close()
        await world.session.close()

    @rule()
    def restart(self) -> None:
        """End it in order and begin again."""
        self._do(self.world.end())
        self.world = self._begin(self.world.folder)

    # The journal

    @rule()
    def prune(self) -> None:
        """Remove what nobody needs."""
        self._tables()
        self._do(self.world.prune())

    @rule(failing=st.booleans())
    def retry(self, failing: bool) -> None:
        """Have all dead letters tried again, with or without their cause."""
        self.record.failing = failing
        if not failing:
            self.record.failures.clear()
        self._do(self._retry())

    async def _retry(self) -> None:
        await self.world.session.journal.retry([number for number, *_ in await self._letters()])

    @rule()
    def discard(self) -> None:
        """Remove all dead letters for good."""
        self._do(self._discard())

    async def _discard(self) -> None:
        letters = await self._letters()
        self.record.discarded |= {(consumer, position) for _, consumer, position in letters}
        await self.world.session.journal.discard([number for number, *_ in letters])

    async def _letters(self) -> list[tuple[Any, ...]]:
        sql = "SELECT id, consumer, position FROM dead_letters"
        return await self.world.session.journal.query(Statement(sql))

    # Comparing

    def _tables(self) -> Tables:
        tables = Tables(self.world.session.path)
        update(self.record, tables)
        return tables

    @invariant()
    def adds_up(self) -> None:
        """What must be true at any moment."""
        Machine.steps += 1
        with _noted():
            found = [
                *mistakes(self.record, self._tables(), (FAILURES, CRASHES)),
                *self.world.mistakes(),
            ]
            assert not found, found


@contextmanager
def _noted() -> Iterator[None]:
    """Note what goes wrong, and let it go on."""
    try:
        yield
    except Exception as error:
        Machine.found.append(f"{type(error).__name__}: {error}")
        raise


async def _turns(number: int) -> None:
    """Let a few turns of the loop and of the writer pass."""
    for _ in range(number):
        await asyncio.sleep(0.0002)


def run_machine(machine: type[Machine], rounds: int, steps: int = STEPS) -> None:
    """Run the model; raises what it finds."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=rounds,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        ),
    )


def demonstrate(folder: Path, rounds: int, progress: Progress) -> Outcome:
    """Run the model `rounds` times."""
    tempfile.tempdir = str(folder)
    Machine.steps = Machine.crashes = Machine.runs = 0
    Machine.progress = progress
    Machine.found.clear()
    try:
        run_machine(Machine, rounds)
    except (AssertionError, Flaky):
        if not Machine.found:
            raise
    finally:
        tempfile.tempdir = None
    counted = {"steps": Machine.steps, "crashes": Machine.crashes}
    return Outcome(Machine.runs, counted, wrong=tuple(dict.fromkeys(Machine.found)))
