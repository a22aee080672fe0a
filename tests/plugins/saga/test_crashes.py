"""Random sagas with random crashes, against a simple model; and bugs that the model notices."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus import Saga, SagaState, StepState
from hookbus_saga.flow import Flow
from hookbus_saga.settings import SagaSettings
from hookbus_saga.store import Store
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.saga.world import Crashes, Memory, Plan, World, live, run_until_ended

RULES = SagaSettings(attempts=3, compensation_attempts=3, delay=0.0, timeout=60.0)
NAMES = ("a", "b", "c")
FAILURES = st.sampled_from([0, 0, 0, 1, 2, 3, 4])
PLANS = st.lists(
    st.builds(
        Plan,
        refused=FAILURES,
        lost=st.integers(0, 1),
        mute=FAILURES,
        stuck=FAILURES,
        slow=st.sampled_from([0, 0, 1, 2]),
    ),
    min_size=1,
    max_size=3,
)
IDS = ("one", "two")


def play(plans: list[Plan], lives: list[int]) -> tuple[World, list[Saga], list[int]]:
    """Sagas `one` and `two`, in a life for each crash, at that edge, and in one without.

    Returns the world, the sagas as they are in the end, and the edges that each life has passed.
    """
    world, journal = World(), Memory()
    steps = {"trip": [world.step(name, plan) for name, plan in zip(NAMES, plans, strict=False)]}

    async def one_life(at: int | None) -> int:
        crashes = Crashes(at)
        life = await live(journal, steps, RULES)
        world.crashes = journal.crashes = crashes
        for saga in IDS:
            life.keeper.begin("trip", saga, {})
        await run_until_ended(life, crashes)
        world.crashes = journal.crashes = None
        await life.end()
        return crashes.passed

    passed = [asyncio.run(one_life(at)) for at in [*lives, None]]
    store = Store(journal)  # type: ignore[arg-type]
    found = [asyncio.run(store.find(saga)) for saga in IDS]
    return world, [saga for saga in found if saga is not None], passed


def check(world: World, sagas: list[Saga], plans: list[Plan]) -> None:
    """Each saga has an end, and the world is as its record says: nothing twice, nothing half."""
    assert [saga.id for saga in sagas] == list(IDS), "none is forgotten"
    for saga in sagas:
        assert saga.state.ended or saga.state is SagaState.PARKED
        for step in saga.steps:
            key = f"{saga.id}/{step.name}"
            done, undone = world.done[key], world.undone[key]
            assert undone <= done <= 1, f"{key} was done {done} times, undone {undone} times"
            held = done - undone
            if saga.state is SagaState.COMPLETED:
                assert (step.state, held) == (StepState.DONE, 1)
            elif saga.state is SagaState.COMPENSATED:
                assert held == 0
                assert step.state is not StepState.BEGUN
            if step.state is StepState.UNDONE:
                assert held == 0


def expected(plans: list[Plan]) -> SagaState:
    """What becomes of a saga in a life without a crash: a step at a time, as the rules say."""
    for place, plan in enumerate(plans):
        unknown = False
        if plan.refused < RULES.attempts:
            if not (plan.lost or plan.slow) or plan.mute < RULES.attempts:
                continue
            unknown = True
        mute = plan.mute - RULES.attempts if unknown else 0
        if unknown and mute >= RULES.compensation_attempts:
            return SagaState.PARKED
        back = plans[: place + unknown]
        parks = any(one.stuck >= RULES.compensation_attempts for one in back)
        return SagaState.PARKED if parks else SagaState.COMPENSATED
    return SagaState.COMPLETED


@settings(deadline=None, max_examples=150)
@given(PLANS)
def test_a_life_without_a_crash_agrees_with_the_model(plans: list[Plan]) -> None:
    """Completed, compensated or parked, as the failures of the steps and the rules say."""
    world, sagas, _ = play(plans, [])
    check(world, sagas, plans)
    assert {saga.state for saga in sagas} == {expected(plans)}


@settings(deadline=None, max_examples=300)
@given(PLANS, st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_whatever_crashes_the_world_is_as_the_record_says(
    plans: list[Plan], lives: list[int]
) -> None:
    """Any number of crashes at any edges, two sagas at a time."""
    world, sagas, _ = play(plans, lives)
    check(world, sagas, plans)


PLANS_TO_CRASH = {
    "all is done": [Plan(), Plan(), Plan()],
    "the way back": [Plan(), Plan(stuck=1), Plan(refused=9)],
    "lost answers": [Plan(lost=1), Plan(refused=1, lost=1)],
    "news": [Plan(slow=2), Plan(slow=1, lost=1), Plan(refused=9)],
    "nobody knows": [Plan(), Plan(lost=1, mute=4)],
}


def edges_of(plans: list[Plan]) -> int:
    """How many edges a life without a crash passes."""
    return play(plans, [])[2][0]


@pytest.mark.parametrize("name", PLANS_TO_CRASH)
def test_a_crash_at_every_single_edge(name: str) -> None:
    """Each edge of four typical sagas, one after the other; none is left out by chance."""
    plans = PLANS_TO_CRASH[name]
    for edge in range(1, edges_of(plans) + 1):
        world, sagas, _ = play(plans, [edge])
        check(world, sagas, plans)


def without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was intended is tried again, without asking."""
    monkeypatch.setattr(Flow, "take_fresh", lambda self: True)


def intent_after_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The saga and the intent of its first step are recorded only with the outcome."""
    write, held = Store.write, {}

    async def late(self: Store, before: Any, after: Saga, statements: Any = ()) -> None:
        if before is None:
            held[self, after.id] = True
            return
        first = held.pop((self, after.id), False)
        await write(self, None if first else before, after, statements)

    monkeypatch.setattr(Store, "write", late)


def outcome_not_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is found out on the way back stays in memory."""
    write = Store.write

    async def forgetful(self: Store, before: Any, after: Saga, statements: Any = ()) -> None:
        undone = any(step.state is StepState.UNDONE for step in after.steps)
        if not undone or after.state.ended:
            await write(self, before, after, statements)

    monkeypatch.setattr(Store, "write", forgetful)


@pytest.mark.parametrize(
    ("bug", "name"),
    [
        (without_asking, "all is done"),
        (without_asking, "lost answers"),
        (intent_after_the_call, "all is done"),
        (outcome_not_committed, "the way back"),
    ],
)
def test_the_check_notices_a_planted_bug(
    bug: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some edge turns red: the check above can fail."""
    plans = PLANS_TO_CRASH[name]
    edges = edges_of(plans)
    bug(monkeypatch)
    noticed = 0
    for edge in range(1, edges + 1):
        try:
            check(*play(plans, [edge])[:2], plans)
        except AssertionError:
            noticed += 1
    assert noticed
