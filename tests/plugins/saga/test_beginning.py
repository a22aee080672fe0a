"""How sagas are defined and begun: once, whoever asks, or not at all, and then why."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hookbus import (
    Outcome,
    SagaState,
    Step,
    UsageError,
)

from tests.plugins.saga.world import (
    QUICK,
    Memory,
    Plan,
    World,
    finish,
    live,
    names,
)

pytestmark = pytest.mark.usefixtures("simulated_clock")
NOTHING = Plan()


async def test_begin_is_idempotent() -> None:
    """A second begin of the same id does nothing: at once, afterwards, and after a restart."""
    world, journal = World(), Memory()
    steps = {"trip": [world.step("a", NOTHING)], "other": [world.step("a", NOTHING)]}
    life = await live(journal, steps, QUICK)
    first, second = life.keeper.begin("trip", "one", {"n": 1}), life.keeper.begin("trip", "one", {})
    assert (await first) == (await second)
    await finish(life)
    again = await (await live(journal, steps, QUICK)).keeper.begin("trip", "one", {"n": 2})
    assert (again.state, again.data) == (SagaState.COMPLETED, {"n": 1})
    assert world.done == {"one/a": 1}
    with pytest.raises(UsageError, match="is a saga 'trip', not 'other'"):
        await life.keeper.begin("other", "one", {})


async def test_who_stops_waiting_for_a_begin_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The saga is begun all the same, and others who wait for it hear of it."""
    journal, gate = Memory(), asyncio.Event()
    transact = journal.transact

    async def slowly(*statements: Any) -> list[int]:
        await gate.wait()
        return await transact(*statements)

    life = await live(journal, {"trip": [World().step("a", NOTHING)]}, QUICK)
    monkeypatch.setattr(journal, "transact", slowly)
    one, two = (asyncio.ensure_future(life.keeper.begin("trip", "one", {})) for _ in range(2))
    one.cancel()
    gate.set()
    assert (await two).id == "one"
    await finish(life)
    assert names(life)[-1] == "SagaCompleted"


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("nobody", {}, "no saga 'nobody' is defined; defined are \\['trip'\\]"),
        ("trip", {"x": object()}, "must be fit for JSON"),
        ("trip", {"x": float("nan")}, "must be fit for JSON"),
        ("trip", {"a": 1}, "names of its steps"),
    ],
)
async def test_what_cannot_be_begun_says_why(name: str, data: Any, text: str) -> None:
    """An unknown name, data that cannot be stored, and data that would hide a step."""
    life = await live(Memory(), {"trip": [World().step("a", NOTHING)]}, QUICK)
    with pytest.raises(UsageError, match=text):
        life.keeper.begin(name, "one", data)


async def test_a_definition_needs_steps_with_names_of_their_own() -> None:
    """Neither none, nor two of one name, nor a second definition."""
    life, step = await live(Memory(), {}, QUICK), World().step("a", NOTHING)
    for steps in ([], [step, step]):
        with pytest.raises(UsageError, match="needs steps, each with a name of its own"):
            life.keeper.define("trip", steps)
    life.keeper.define("trip", [step])
    with pytest.raises(UsageError, match="defined already"):
        life.keeper.define("trip", [step])


async def test_a_saga_whose_definition_has_changed_stays_as_it_is() -> None:
    """Its record would mean something else; it is open, and goes on when the steps are back."""
    world, journal = World(), Memory()

    def act(key: str, data: Mapping[str, Any]) -> Outcome:
        return Outcome.under_way()

    life = await live(journal, {"trip": [Step("a", act, act)]}, QUICK)
    await life.keeper.begin("trip", "one", {})
    await finish(life)
    changed = await live(journal, {"trip": [world.step("b", NOTHING)]}, QUICK)
    await finish(changed)
    assert (world.calls, len(changed.keeper.open())) == ([], 1)
    back = await live(journal, {}, QUICK)
    back.keeper.define("trip", [world.step("a", NOTHING)])
    await finish(back)
    assert names(back)[-1] == "SagaCompleted"
