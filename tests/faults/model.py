"""Model: a bus with a journal against what it promises, in random steps with crashes in between.

A crash is a copy of the journal's folder, as it is at that instant, with which another bus goes on.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from hookbus import Bus, Envelope, Retry, Statement, SystemClock, Transaction
from hookbus.bus.durable.subscription import DurableSubscription
from hookbus.bus.eventbus import EventBus
from hookbus.logs import make_logger
from hookbus_journal import retention
from hookbus_journal.session import Session, Surroundings
from hookbus_journal.settings import JournalSettings
from hookbus_journal.tasks import Note
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults.demonstration import Outcome, Progress
from tests.faults.records import Record, Tables, mistakes, unfinished, update
from tests.faults.workload import Answered, Happened

NAME = "model"
WANTED = "50 random steps with crashes: handled at least once, effects once, offsets and order kept"
ROUNDS = 2_000
FEW = 25
STEPS = 50
REPORT_EVERY = 50

FAILURES = 2
CRASHES = 3
RETRY = Retry(attempts=FAILURES, delay=0.001)

Consumer = Literal["one", "two", "plain"]
CONSUMERS: tuple[Consumer, ...] = ("one", "two", "plain")
KEYS = st.sampled_from("abc")
HARM = st.sampled_from([0, 0, 0, 0, 1, FAILURES])
"""How often each consumer fails with an event before it can be handled."""

EVENTS = st.lists(st.tuples(KEYS, HARM), min_size=1, max_size=12)


class World:
    """One bus on one journal, from a start to a crash or an orderly end."""

    def __init__(self, folder: Path, number: int, record: Record) -> None:
        self.record = record
        self.folder = folder
        self.open: dict[Consumer, DurableSubscription] = {}
        self.gone = False
        self._number = number

    async def start(self) -> None:
        """Open the journal and make a bus with it."""
        run, clock, log = f"run{self._number}", SystemClock(), make_logger("critical")
        around = Surroundings(run, "0", clock, log, lambda event: None)
        self.session = Session(
            self.folder, JournalSettings(reserve_bytes=0, durable=("fault.*",)), around
        )
        await self.session.open()
        self.bus = EventBus(clock, log, run=run)
        self.bus.registry.register(Happened, "test")
        self.bus.registry.register(Answered, "test")
        self.bus.commits.attach(self.session.journal)
        self.voice = Bus(self.bus, "test")
        self.voice.subscribe((Happened, Answered), self._hear, mode="inline", envelope=True)
        table = "CREATE TABLE IF NOT EXISTS effects (id INTEGER PRIMARY KEY, consumer, mark, key)"
        await self.session.journal.transact([Statement(table)])
        self._heard: list[int] = []

    # What is done with it

    async def publish(self, key: str, mark: str) -> None:
        """Publish an event, and note that it was acknowledged."""
        await self.voice.publish(Happened(key=key, mark=mark))
        if not self.gone:
            self.record.acknowledged.add(mark)

    def subscribe(self, name: Consumer, options: dict[str, Any]) -> None:
        """Open a consumer; `plain` has no transaction and hears of answers, too."""
        filters = (Happened, Answered) if name == "plain" else (Happened,)
        handler = partial(self._keep, name) if name == "plain" else partial(self._affect, name)
        subscription = self.voice.subscribe(
            filters, handler, name=name, delivery="durable", retry=RETRY, crashes=CRASHES,
            transaction=name != "plain", **options,
        )  # fmt: skip
        assert isinstance(subscription, DurableSubscription)
        self.open[name] = subscription

    async def _affect(self, name: Consumer, event: Happened, transaction: Transaction) -> None:
        transaction.publish(Answered(key=event.key, mark=f"{name}/{event.mark}"))
        sql = "INSERT INTO effects (consumer, mark, key) VALUES (?, ?, ?)"
        transaction.execute(sql, name, event.mark, event.key)
        await asyncio.sleep(0)
        self._fail(name, event.mark)

    async def _keep(self, name: Consumer, event: Happened | Answered) -> None:
        await asyncio.sleep(0)
        self._fail(name, event.mark)
        if not self.gone:
            self.record.handled[event.mark] += 1

    def _fail(self, name: Consumer, mark: str) -> None:
        failures = self.record.failures
        if (
            not self.gone
            and self.record.failing
            and failures[name, mark] < self.record.harm.get(mark, 0)
        ):
            failures[name, mark] += 1
            raise RuntimeError("cannot be handled yet")

    def _hear(self, envelope: Envelope) -> None:
        self._heard.append(envelope.sequence)

    async def prune(self) -> int:
        """Remove all events that nobody needs."""
        await self.session.journal.flushed()
        step = partial(retention.prune, before_ns=2**62, keep_bytes=2**40)
        removed: int = await self.session.journal.do(Note(step))
        return removed

    async def settled(self) -> None:
        """Wait until every open consumer has finished."""
        async with asyncio.timeout(20):
            await self.bus.settled()

    def mistakes(self) -> list[str]:
        """What the books of the bus say, and the order in which events were dispatched."""
        return list(self.bus.ledger.report().discrepancies)

    async def check_order(self) -> list[str]:
        """Whether all durable events of this run were dispatched in the order of the journal."""
        sql = (
            "SELECT sequence FROM events JOIN runs ON runs.id = run "
            "WHERE durable AND runs.name = ? ORDER BY position"
        )
        found = await self.session.journal.query(Statement(sql, (self.bus.run,)))
        kept = {sequence: place for place, (sequence,) in enumerate(found)}
        places = [kept[one] for one in self._heard if one in kept]
        return [] if places == sorted(places) else [f"dispatched in the order {places}"]

    # Its end

    def abandon(self) -> None:
        """Nothing that happens from now on counts: the process has been killed."""
        self.gone = True

    async def end(self) -> None:
        """Close all, as a host does that is stopped."""
        self.bus.commits.begin_no_more()
        await self.settled()
        self.bus.close()
        await self.session.close()


class Machine(RuleBasedStateMachine):
    """Steps at random; after each of them the tables of the journal are compared."""

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
        tables = self._tables()
        for consumer in self.record.starts.keys() - tables.offsets.keys():
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
        self._do(self._letters("retry"))

    @rule()
    def discard(self) -> None:
        """Remove all dead letters for good."""
        self.record.discarded |= self._tables().letters.keys()
        self._do(self._letters("discard"))

    async def _letters(self, what: str) -> None:
        journal = self.world.session.journal
        letters = await journal.query(Statement("SELECT id FROM dead_letters"))
        await getattr(journal, what)([number for (number,) in letters])

    # Comparing

    def _tables(self) -> Tables:
        tables = Tables(self.world.session.path)
        update(self.record, tables)
        return tables

    @invariant()
    def adds_up(self) -> None:
        """What must be true at any moment."""
        Machine.steps += 1
        found = [
            *mistakes(self.record, self._tables(), (FAILURES, CRASHES)),
            *self.world.mistakes(),
        ]
        assert not found, found


async def _turns(number: int) -> None:
    """Let a few turns of the loop and of the writer pass."""
    for _ in range(number):
        await asyncio.sleep(0.0002)


def _told(error: BaseException) -> Iterator[str]:
    """What was found; threads may have it that the same steps do not find it again."""
    if isinstance(error, FlakyFailure):
        for one in error.exceptions:
            yield from _told(one)
    else:
        yield str(error)


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
    wrong: tuple[str, ...] = ()
    try:
        run_machine(Machine, rounds)
    except (AssertionError, FlakyFailure) as error:
        wrong = tuple(_told(error))
    finally:
        tempfile.tempdir = None
    return Outcome(rounds, {"steps": Machine.steps, "crashes": Machine.crashes}, {}, wrong)
