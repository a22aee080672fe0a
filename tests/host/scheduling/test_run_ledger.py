"""The ledger of due runs: every due run ends exactly once, whatever happens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hookbus.errors import UsageError
from hookbus.events import Event
from hookbus.scheduler.jobs import Job, Misfire, Overlap, TriggerChoice
from hookbus.scheduler.runledger import LedgerEntry, RunLedger
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from tests.host.scheduling.world import World, play


class Moved(Event, type="test.moved", key="symbol"):
    """A price moved."""

    symbol: str = Field(description="what moved")


@dataclass(frozen=True)
class Step:
    """One thing that happens in a scenario, after some seconds."""

    after: float
    what: str
    amount: int


@dataclass(frozen=True)
class Shape:
    """A job and how its runs behave."""

    overlap: Overlap | None
    misfire: Misfire
    trigger: TriggerChoice
    backlog: int
    jitter: float
    window: float | None
    timeout: float | None
    takes: float
    fails_every: int


shapes = st.builds(
    Shape,
    overlap=st.sampled_from(("skip", "queue", "coalesce", None)),
    misfire=st.sampled_from(("run_once", "skip", "run_all")),
    trigger=st.sampled_from(("timer", "event", "shadow")),
    backlog=st.integers(1, 4),
    jitter=st.sampled_from((0.0, 3.0)),
    window=st.sampled_from((None, 2.0, 15.0)),
    timeout=st.sampled_from((None, 4.0)),
    takes=st.sampled_from((0.0, 1.0, 9.0, 35.0)),
    fails_every=st.integers(2, 5),
)
steps = st.lists(
    st.builds(
        Step,
        after=st.floats(0, 30, allow_nan=False),
        what=st.sampled_from(("publish", "set forward", "set back", "by hand", "remove")),
        amount=st.integers(1, 5000),
    ),
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(shapes, steps)
def test_every_due_run_ends_exactly_once(shape: Shape, story: list[Step]) -> None:
    """Whatever policies meet whatever happens: books balance, calls match, never two at a time."""
    calls = [0, 0]

    async def work() -> None:
        calls[0] += 1
        calls[1] += 1
        assert calls[1] == 1
        try:
            await asyncio.sleep(shape.takes)
            if calls[0] % shape.fails_every == 0:
                raise ValueError("now and then")
        finally:
            calls[1] -= 1

    async def scenario(world: World) -> None:
        job = Job(
            "job",
            work,
            every=10,
            on=Moved,
            overlap=shape.overlap,
            misfire=shape.misfire,
            trigger=shape.trigger,
            backlog=shape.backlog,
            jitter=shape.jitter,
            batch_window=shape.window,
            timeout=shape.timeout,
            grace=20,
        )
        world.jobs.add(job)
        world.scheduler.start()
        for step in story:
            await asyncio.sleep(step.after)
            await happen(world, step)
            assert world.scheduler.check() == []
        await world.scheduler.close()
        account = world.scheduler.ledger.account("p.job")
        assert account.pending == 0
        begun = account.ran + account.late + account.failed
        cut_off = [reason for reason in world.reasons("failed") if "JobCancelled" in reason]
        assert calls[0] <= begun <= calls[0] + len(cut_off)
        kept = sum(entry.count for entry in world.scheduler.ledger.entries)
        assert kept == account.due == account.ended

    play(scenario, can_be_set=True)


async def happen(world: World, step: Step) -> None:
    """Do what a step says."""
    if step.what == "publish":
        for number in range(step.amount % 5):
            await world.bus.publish(Moved(symbol=str(number)))
    elif step.what == "set forward":
        world.clock.set_by(step.amount)
    elif step.what == "set back":
        world.clock.set_by(-step.amount)
    elif step.what == "by hand":
        try:
            await world.scheduler.trigger_now("p.job")
        except UsageError:
            assert world.scheduler.jobs == ()
    else:
        for handle in world.jobs.jobs:
            handle.remove()
        await asyncio.sleep(2)


def test_a_lost_run_is_found() -> None:
    """The check compares the books with what is really under way, and names the job."""
    ledger = RunLedger()
    ledger.open("p.job", 2)
    ledger.close(LedgerEntry("p.job", "timer", 0, "ran"))
    assert ledger.check({"p.job": 1}) == []
    assert ledger.check({}) == ["job 'p.job': 2 due, but 1 ended and 0 under way"]
    assert ledger.check({"p.job": 1, "p.other": 1}) == [
        "job 'p.other': 0 due, but 0 ended and 1 under way"
    ]


def test_counts_outlive_the_entries() -> None:
    """Only the last entries are kept in full, but every run stays counted."""
    ledger = RunLedger(keep=3)
    for due in range(10):
        ledger.open("p.job")
        ledger.close(LedgerEntry("p.job", "timer", due, "ran" if due % 2 else "skipped"))
    assert [entry.due_ns for entry in ledger.entries] == [7, 8, 9]
    (account,) = ledger.accounts()
    assert (account.due, account.ran, account.skipped, account.pending) == (10, 5, 5, 0)
    assert ledger.line() == "10 runs due: 5 ran, 5 skipped"


def test_an_empty_ledger_says_so() -> None:
    """A host without jobs has nothing to account for."""
    assert RunLedger().line() == "no run was due"
    assert RunLedger().check({}) == []
    assert RunLedger().account("p.job").due == 0
