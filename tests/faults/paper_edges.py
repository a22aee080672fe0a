"""Edges: the points at which a host with paper sagas is killed, and bugs that may be planted."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import hookbus_paper.risk.plugin
import hookbus_saga.runner
from hookbus import Envelope, Outcome, Saga, StepState
from hookbus_journal.consumers import StoredConsumer
from hookbus_journal.journal import StoredJournal
from hookbus_paper.decision.steps import DecisionSteps
from hookbus_saga.flow import Flow
from hookbus_saga.store import Store

_RUNNER: Any = hookbus_saga.runner


def _put(owner: Any, name: str, function: Any) -> None:
    """Put a function in the place of another, for the rest of this process."""
    setattr(owner, name, function)


class Edges:
    """Counts how often each edge is passed; kills the process at the n-th passing of one."""

    def __init__(self, target: str | None = None, ordinal: int = 0) -> None:
        self.passed: Counter[str] = Counter()
        self._target = target
        self._ordinal = ordinal

    def reach(self, edge: str) -> None:
        """The process is at an edge: it may end here, without any warning."""
        self.passed[edge] += 1
        if edge == self._target and self.passed[edge] == self._ordinal:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put edges around commits, calls of steps, and events on their way to the journal."""
        self._around_commits()
        self._around_calls()
        self._around_events()
        self._around_entries()

    def _around_commits(self) -> None:
        write = Store.write

        async def watched(self_: Store, before: Any, after: Saga, statements: Any = ()) -> None:
            change = changes(before, after)
            self.reach(f"before the commit of: {change}")
            await write(self_, before, after, statements)
            self.reach(f"after the commit of: {change}")

        _put(Store, "write", watched)

    def _around_calls(self) -> None:
        call_step = _RUNNER.call_step

        async def watched(call: Any, *rest: Any) -> Outcome:
            self.reach(f"before the call of: {call.__name__}")
            outcome: Outcome = await call_step(call, *rest)
            self.reach(f"after the call of: {call.__name__}")
            return outcome

        _put(_RUNNER, "call_step", watched)

    def _around_events(self) -> None:
        append = StoredJournal.append

        def watched(self_: StoredJournal, envelope: Envelope, done: Callable[..., None]) -> None:
            def committed(position: int, error: Exception | None) -> None:
                self.reach(f"after the commit of: {envelope.type}")
                done(position, error)
                self.reach(f"after the dispatch of: {envelope.type}")

            self.reach(f"before the commit of: {envelope.type}")
            append(self_, envelope, committed)

        _put(StoredJournal, "append", watched)

    def _around_entries(self) -> None:
        finish = StoredConsumer.finish

        async def watched(self_: StoredConsumer, *rest: Any, **named: Any) -> list[int]:
            self.reach("before the commit of: an entry of the ledger")
            positions = await finish(self_, *rest, **named)
            self.reach("after the commit of: an entry of the ledger")
            return positions

        _put(StoredConsumer, "finish", watched)


def changes(before: Saga | None, after: Saga) -> str:
    """What a change of a saga comes to, in words."""
    old = () if before is None else before.steps
    steps = [
        f"{step.name} {step.state}"
        for place, step in enumerate(after.steps)
        if step.state is not StepState.WAITING and (not old or step is not old[place])
    ]
    ended = [str(after.state)] if after.state.ended else []
    return ", ".join(steps + ended)


def _intent_after_the_call() -> None:
    """The intent to place an order is recorded when the order has been placed."""
    write, held = Store.write, {}

    async def late(self: Store, before: Any, after: Saga, statements: Any = ()) -> None:
        if changes(before, after) == "decide done, execute begun":
            held[after.id] = before
            return
        await write(self, held.pop(after.id, before), after, statements)

    _put(Store, "write", late)


def _retry_without_asking() -> None:
    """What was intended before the crash is done again."""
    _put(Flow, "take_fresh", lambda self: True)


def _settled_outside_the_transaction() -> None:
    """The reservation is settled first, and the step is recorded as done afterwards."""
    settle = DecisionSteps.settle

    async def apart(self: DecisionSteps, key: str, data: Any) -> Outcome:
        outcome = settle(self, key, data)
        if outcome.statements:
            await self._ledger._journal.transact(outcome.statements)
        return Outcome(outcome.standing, outcome.data, outcome.reason, outcome.final)

    apart.__name__ = "settle"
    _put(DecisionSteps, "settle", apart)


def _books_not_restored() -> None:
    """The host begins with empty books."""

    async def nothing(*_: object) -> None:
        pass

    _put(hookbus_paper.risk.plugin, "restore", nothing)


BUGS: dict[str, Callable[[], None]] = {
    "intent after the call": _intent_after_the_call,
    "retry without asking": _retry_without_asking,
    "settled outside the transaction": _settled_outside_the_transaction,
    "books not restored": _books_not_restored,
}
"""Mistakes that a check must notice, by name."""
