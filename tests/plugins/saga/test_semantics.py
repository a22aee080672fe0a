"""What a saga does step by step: recorded, asked, tried again, undone, parked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hookbus import (
    Outcome,
    Retry,
    SagaState,
    Statement,
    Step,
    StepState,
    UsageError,
)
from hookbus_saga.events import (
    SagaCompensated,
    SagaCompensating,
    SagaCompleted,
    SagaParked,
    SagaStarted,
    SagaStepCompleted,
)

from tests.plugins.saga.world import (
    QUICK,
    Life,
    Memory,
    Plan,
    QuickClock,
    World,
    finish,
    live,
    names,
)

pytestmark = pytest.mark.usefixtures("simulated_clock")
NOTHING = Plan()


async def play(*plans: Plan) -> tuple[World, Life]:
    """Run one saga of steps a, b, c, ... to where it stays."""
    world = World()
    steps = [world.step(name, plan) for name, plan in zip("abc", plans, strict=False)]
    life = await live(Memory(), {"trip": steps}, QUICK)
    await life.keeper.begin("trip", "one", {"to": "Rome"})
    await finish(life)
    return world, life


async def test_a_saga_takes_its_steps_in_order_and_records_what_they_did() -> None:
    """Each step once, with its own key; the record has what it was begun with and each result."""
    world, life = await play(NOTHING, NOTHING)
    assert world.calls == ["act one/a", "did one/a", "act one/b", "did one/b"]
    saga = await life.keeper.find("one")
    assert saga is not None
    assert saga.state is SagaState.COMPLETED
    assert saga.data == {"to": "Rome"}
    assert [step.data for step in saga.steps] == [{"key": "one/a"}, {"key": "one/b"}]
    kinds = [SagaStarted, SagaStepCompleted, SagaStepCompleted, SagaCompleted]
    assert [type(event) for event in life.told] == kinds
    assert life.keeper.open() == []


async def test_steps_find_what_was_recorded_before_them() -> None:
    """A step is told the data of the saga and, by its name, what each earlier step recorded."""
    seen: list[Mapping[str, Any]] = []

    def act(key: str, data: Mapping[str, Any]) -> Outcome:
        seen.append(data)
        return Outcome.done({"n": len(seen)})

    steps = [Step(name, act, act) for name in "ab"]
    life = await live(Memory(), {"trip": steps}, QUICK)
    await life.keeper.begin("trip", "one", {"to": "Rome"})
    await finish(life)
    assert seen == [{"to": "Rome"}, {"to": "Rome", "a": {"n": 1}}]


async def test_the_intent_is_committed_before_the_call_and_the_outcome_before_the_next() -> None:
    """Whoever looks into the journal during a call finds it begun, and all before it done."""
    journal = Memory()
    seen = []

    def act(key: str, data: Mapping[str, Any]) -> Outcome:
        rows = journal.database.execute("SELECT state FROM saga_steps ORDER BY place").fetchall()
        seen.append([state for (state,) in rows])
        return Outcome.done()

    steps = [Step(name, act, act) for name in "ab"]
    life = await live(journal, {"trip": steps}, QUICK)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    assert seen == [["begun", "waiting"], ["done", "begun"]]
    assert journal.commits == 4, "tables, begin, two outcomes: an intent needs no commit of its own"


async def test_a_step_that_is_not_done_is_tried_again_after_growing_waits() -> None:
    """The second try comes after the delay, the third after twice as much."""
    clock, times = QuickClock(), []

    def act(key: str, data: Mapping[str, Any]) -> Outcome:
        times.append(clock.now_ns() // 1_000_000_000)
        return Outcome.done() if len(times) == 3 else Outcome.not_done("busy")

    step = Step("a", act, act)
    life = await live(Memory(), {"trip": [step]}, QUICK, clock)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    assert times == [0, 1, 3]
    saga = await life.keeper.find("one")
    assert saga is not None
    assert (saga.state, saga.steps[0].attempts) == (SagaState.COMPLETED, 3)


async def test_a_step_that_raises_is_asked_before_it_is_tried_again() -> None:
    """It may have been done: this one was, so it is not done a second time."""
    world, life = await play(Plan(lost=1))
    assert world.calls == ["act one/a", "did one/a", "ask one/a"]
    assert world.done == {"one/a": 1}
    assert names(life)[-1] == "SagaCompleted"


async def test_what_cannot_be_done_is_undone_in_reverse_order() -> None:
    """Two steps done, the third refused for good: the second is undone, then the first."""
    world, life = await play(NOTHING, NOTHING, Plan(refused=9))
    assert [call for call in world.calls if call.startswith("und")] == [
        "undo one/b",
        "undid one/b",
        "undo one/a",
        "undid one/a",
    ]
    assert world.calls.count("act one/c") == QUICK.attempts
    turned, ended = life.told[-2:]
    assert turned == SagaCompensating(saga="one", name="trip", step="c", reason="refused")
    assert ended == SagaCompensated(saga="one", name="trip", reason="c: refused")


async def test_what_is_final_is_not_tried_again() -> None:
    """A refusal for good turns the saga back at once."""
    calls = []

    def act(key: str, data: Mapping[str, Any]) -> Outcome:
        calls.append(key)
        return Outcome.not_done("never", final=True)

    life = await live(Memory(), {"trip": [Step("a", act, act)]}, QUICK)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    assert len(calls) == 1
    assert names(life)[-1] == "SagaCompensated"


async def test_a_saga_that_can_neither_finish_nor_be_undone_is_parked_and_can_be_resumed() -> None:
    """Parked with a critical event and all its record; resumed, it is asked and undone."""
    world, life = await play(Plan(stuck=3), Plan(refused=9))
    parked = life.told[-1]
    assert isinstance(parked, SagaParked)
    assert parked.__event__ is not None
    assert parked.__event__.critical
    assert (parked.step, parked.reason) == ("a", "stuck; it turned back because b: refused")
    (saga,) = life.keeper.open()
    assert saga.state is SagaState.PARKED
    life.keeper.awake("one")
    await finish(life)
    assert world.undone == {}, "news does not wake what is parked"
    await life.keeper.resume("one")
    await finish(life)
    assert names(life)[-1] == "SagaCompensated"
    assert world.undone == {"one/a": 1}
    with pytest.raises(UsageError, match="is compensated; only one that is parked"):
        await life.keeper.resume("one")


async def test_a_parked_saga_is_told_again_after_a_restart() -> None:
    """The event may have been lost with the process."""
    world, journal = World(), Memory()
    steps = {"trip": [world.step("a", Plan(stuck=9)), world.step("b", Plan(refused=9))]}
    life = await live(journal, steps, QUICK)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    again = await live(journal, steps, QUICK)
    await finish(again)
    assert again.told == life.told[-1:]


async def test_a_step_whose_outcome_nobody_knows_is_cleared_up_before_the_way_back() -> None:
    """Done, but the answer was lost and nobody can be asked: it is undone once somebody can."""
    world, life = await play(Plan(lost=1, mute=QUICK.attempts + 1))
    assert names(life)[-1] == "SagaCompensated"
    assert (world.done, world.undone) == ({"one/a": 1}, {"one/a": 1})


async def test_a_step_that_takes_too_long_is_cancelled_and_asked() -> None:
    """The cancellation reaches it, is no outcome, and its late answer does not count."""
    calls: list[str] = []

    async def act(key: str, data: Mapping[str, Any]) -> Outcome:
        calls.append("act")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            calls.append("cancelled")
            await asyncio.sleep(0)
            return Outcome.done({"late": True})
        return Outcome.done()

    async def ask(key: str, data: Mapping[str, Any]) -> Outcome:
        calls.append("ask")
        return Outcome.not_done("not there", final=True)

    step = Step("a", act, ask, timeout=0.01)
    life = await live(Memory(), {"trip": [step]}, QUICK)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    assert calls == ["act", "cancelled", "ask"]
    saga = await life.keeper.find("one")
    assert saga is not None
    assert saga.state is SagaState.COMPENSATED
    assert saga.steps[0].state is StepState.FAILED
    assert "took longer than 0.01 seconds" in saga.reason


async def test_a_stop_in_the_middle_of_a_step_is_no_outcome() -> None:
    """The step is cancelled with the process, and asked when there is one again."""
    journal, world, began = Memory(), World(), asyncio.Event()

    async def act(key: str, data: Mapping[str, Any]) -> Outcome:
        world.done[key] += 1
        began.set()
        await asyncio.sleep(60)
        return Outcome.done()

    asked = world.step("a", NOTHING).ask
    steps = {"trip": [Step("a", act, asked)]}
    life = await live(journal, steps, QUICK)
    await life.keeper.begin("trip", "one", {})
    await began.wait()
    await life.end()
    (saga,) = life.keeper.open()
    assert saga.steps[0].state is StepState.BEGUN
    again = await live(journal, steps, QUICK)
    await finish(again)
    assert (world.done, names(again)[-1]) == ({"one/a": 1}, "SagaCompleted")


async def test_a_step_under_way_waits_for_news_and_is_asked_then() -> None:
    """Nothing polls it; news of other sagas does not touch it."""
    ended: list[bool] = []
    asked: list[str] = []

    def act(key: str, data: Mapping[str, Any]) -> Outcome:
        return Outcome.under_way()

    def ask(key: str, data: Mapping[str, Any]) -> Outcome:
        asked.append(key)
        return Outcome.done() if ended else Outcome.under_way()

    life = await live(Memory(), {"trip": [Step("a", act, ask)]}, QUICK)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    life.keeper.awake("another")
    life.keeper.awake("one")
    await finish(life)
    assert asked == ["one/a"]
    ended.append(True)
    life.keeper.awake("one")
    life.keeper.awake("one")
    await finish(life)
    assert names(life) == ["SagaStarted", "SagaStepCompleted", "SagaCompleted"]


async def test_statements_are_committed_with_the_outcome() -> None:
    """A row of the step's own is there exactly if the step is recorded as done."""
    journal = Memory()
    journal.database.execute("CREATE TABLE own (value TEXT UNIQUE)")
    row = Statement("INSERT INTO own VALUES (?)", ("x",))

    def act(key: str, data: Mapping[str, Any]) -> Outcome:
        return Outcome.done(None, row)

    def ask(key: str, data: Mapping[str, Any]) -> Outcome:
        return Outcome.not_done("asked")

    life = await live(journal, {"trip": [Step("a", act, ask)]}, QUICK)
    await life.keeper.begin("trip", "one", {})
    await life.keeper.begin("trip", "two", {})
    await finish(life)
    assert await journal.query(Statement("SELECT value FROM own")) == [("x",)]
    one, two = await life.keeper.find("one"), await life.keeper.find("two")
    assert one is not None
    assert two is not None
    assert (one.state, two.state) == (SagaState.COMPLETED, SagaState.COMPENSATED)
    assert "UNIQUE constraint failed" in two.reason


async def test_a_step_whose_statements_are_refused_is_undone() -> None:
    """What it did outside is not forgotten because its rows could not be stored."""
    world = World()
    step = world.step("a", NOTHING)

    async def act(key: str, data: Mapping[str, Any]) -> Outcome:
        world.done[key] += 1
        return Outcome.done(None, Statement("INSERT INTO nowhere VALUES (1)"))

    life = await live(Memory(), {"trip": [Step("a", act, step.ask, step.compensate)]}, QUICK)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    assert (world.done, world.undone) == ({"one/a": 1}, {"one/a": 1})
    assert "no such table: nowhere" in life.told[-1].reason


@pytest.mark.parametrize("answer", ["yes", None, Outcome.done({"x": object()})])
async def test_an_answer_that_makes_no_sense_is_none(answer: Any) -> None:
    """It is asked what came of the step, and nothing else is harmed."""

    def act(key: str, data: Mapping[str, Any]) -> Any:
        return answer

    def ask(key: str, data: Mapping[str, Any]) -> Outcome:
        return Outcome.done({"asked": True})

    life = await live(Memory(), {"trip": [Step("a", act, ask)]}, QUICK)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    saga = await life.keeper.find("one")
    assert saga is not None
    assert saga.steps[0].data == {"asked": True}


async def test_the_breaker_leaves_a_failing_compensation_alone_for_a_while() -> None:
    """After its failures in a row, over all sagas, the next trial comes after the reset."""
    clock, times = QuickClock(), []

    def done(key: str, data: Mapping[str, Any]) -> Outcome:
        return Outcome.done()

    def refuse(key: str, data: Mapping[str, Any]) -> Outcome:
        return Outcome.not_done("no", final=True)

    def undo(key: str, data: Mapping[str, Any]) -> Outcome:
        times.append(clock.now_ns() // 1_000_000_000)
        return Outcome.not_done("stuck") if len(times) < 4 else Outcome.done()

    rules = QUICK.model_copy(update={"breaker_failures": 2, "breaker_reset": 100.0})
    steps = [Step("a", done, done, undo), Step("b", refuse, refuse)]
    life = await live(Memory(), {"trip": steps}, rules, clock)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    await life.keeper.begin("trip", "two", {})
    await finish(life)
    assert times[:3] == [0, 1, 101]
    assert times[3] >= 201


async def test_steps_have_rules_of_their_own() -> None:
    """A retry of a step goes before that of the settings."""
    world = World()
    step = world.step("a", Plan(refused=9))
    own = Step("a", step.act, step.ask, step.compensate, retry=Retry(attempts=1))
    life = await live(Memory(), {"trip": [own]}, QUICK)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    assert world.calls == ["act one/a"]
