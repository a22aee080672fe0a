"""The runner: takes a saga forward, and back where it must.

An intent is committed before a step is called, its outcome after. Whatever is not known is asked
for before anything is tried again. A step ends and the next one is intended in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hookbus import (
    BreakerState,
    Clock,
    JournalError,
    Outcome,
    Retry,
    Saga,
    SagaState,
    Standing,
    Statement,
    Step,
    StepState,
    TransactionRefused,
)

from hookbus_saga import record
from hookbus_saga.calls import Call, call_step
from hookbus_saga.events import (
    SagaCompensated,
    SagaCompensating,
    SagaCompleted,
    SagaEvent,
    SagaParked,
    SagaStepCompleted,
)
from hookbus_saga.flow import Flow
from hookbus_saga.settings import SagaSettings
from hookbus_saga.store import Store

__all__ = ["Runner"]

_SECOND = 1_000_000_000
_LOOK = 0.1
"""Seconds between two looks at a breaker while another saga tries the step."""

_STORING = Retry(attempts=1, delay=0.1, factor=2.0, max_delay=5.0)
"""How a commit is tried again, until the journal can store."""


class Runner:
    """Runs one saga at a time; `tell` publishes what happens, `log` is that of the plugin."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: SagaSettings,
        tell: Callable[[SagaEvent], object],
        log: Any,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self.tell = tell
        self._log = log
        self._breakers: dict[tuple[str, str], BreakerState] = {}

    async def run(self, flow: Flow) -> None:
        """Take a saga to its end, or up to where it waits for news."""
        going = True
        while going and flow.goes_on:
            move = self._forward if flow.saga.state is SagaState.RUNNING else self._backward
            going = await move(flow)

    # Forward

    async def _forward(self, flow: Flow) -> bool:
        place = record.current(flow.saga)
        step = flow.steps[place]
        outcome = await self._attempt(flow, place, step.act)
        if outcome.standing is Standing.UNDER_WAY:
            return False
        if outcome.standing is Standing.DONE:
            outcome = await self._record_done(flow, place, outcome)
        if outcome.standing is not Standing.DONE:
            await self._missed(flow, place, step.retry or self._settings.retry(), outcome)
        return True

    async def _attempt(self, flow: Flow, place: int, call: Call) -> Outcome:
        """Call a step if its intent is fresh; ask what came of it where that is not known."""
        reason = ""
        if flow.take_fresh():
            outcome = await self._call(flow, place, call)
            if outcome.standing is not Standing.UNKNOWN:
                return outcome
            reason = outcome.reason
        answer = await self._call(flow, place, flow.steps[place].ask)
        return replace(answer, reason=": ".join(filter(None, (reason, answer.reason))))

    async def _call(self, flow: Flow, place: int, call: Call) -> Outcome:
        limit = flow.steps[place].timeout or self._settings.timeout
        key, data = record.key_of(flow.saga, place), record.data_for(flow.saga)
        return await call_step(call, key, data, limit)

    async def _record_done(self, flow: Flow, place: int, outcome: Outcome) -> Outcome:
        """Commit that a step is done, with its statements; if those fail, it is to be undone."""
        after = record.step_done(flow.saga, place, self._clock.now_ns(), outcome.data)
        try:
            await self._commit(flow, after, outcome.statements)
        except TransactionRefused as error:
            if not outcome.statements:
                raise
            reason = f"its statements were refused: {error}"
            return Outcome(Standing.UNKNOWN, reason=reason, final=True)
        flow.fresh, flow.doubts = True, 0
        step = after.steps[place]
        self.tell(
            SagaStepCompleted(
                saga=after.id, name=after.name, step=step.name, attempts=step.attempts
            )
        )
        if after.state is SagaState.COMPLETED:
            self.tell(SagaCompleted(saga=after.id, name=after.name))
        return outcome

    async def _missed(self, flow: Flow, place: int, retry: Retry, outcome: Outcome) -> None:
        """Try again, after a while, or turn back."""
        failed = outcome.standing is Standing.NOT_DONE
        attempts = flow.saga.steps[place].attempts
        if not failed:
            flow.doubts += 1
        tries = attempts if failed else flow.doubts
        if outcome.final or tries >= retry.attempts:
            await self._turn_back(flow, place, outcome.reason, failed=failed)
            return
        await self._clock.sleep(retry.wait(tries, flow.chance))
        if failed:
            now = self._clock.now_ns()
            again = record.begun(flow.saga, place, now, attempts + 1, outcome.reason)
            await self._commit(flow, again)
            flow.fresh = True

    async def _turn_back(self, flow: Flow, place: int, reason: str, *, failed: bool) -> None:
        now = self._clock.now_ns()
        after = record.turned_back(flow.saga, place, now, reason, failed=failed)
        await self._commit(flow, after)
        flow.doubts = 0
        step = after.steps[place].name
        self.tell(SagaCompensating(saga=after.id, name=after.name, step=step, reason=reason))

    # Back

    async def _backward(self, flow: Flow) -> bool:
        place = record.to_undo(flow.saga)
        if place is None:
            await self._commit(flow, replace(flow.saga, state=SagaState.COMPENSATED))
            saga = flow.saga
            self.tell(SagaCompensated(saga=saga.id, name=saga.name, reason=saga.reason))
            return True
        step, state = flow.steps[place], flow.saga.steps[place].state
        if step.compensate is None:
            await self._mark(flow, place, state=StepState.UNDONE)
        elif state is StepState.DONE:
            await self._mark(flow, place, state=StepState.UNDOING, attempts=1)
            flow.fresh = True
        elif state is StepState.BEGUN:
            return await self._clear_up(flow, place)
        else:
            return await self._undo(flow, place, step, step.compensate)
        return True

    async def _clear_up(self, flow: Flow, place: int) -> bool:
        """Find out whether a step was done that nobody knows of."""
        answer = await self._call(flow, place, flow.steps[place].ask)
        if answer.standing is Standing.NOT_DONE:
            await self._mark(flow, place, state=StepState.FAILED)
        elif answer.standing is Standing.UNKNOWN:
            await self._not_undone(flow, place, answer)
        else:
            await self._mark(flow, place, state=StepState.UNDOING, attempts=1)
            flow.fresh = True
        return True

    async def _undo(self, flow: Flow, place: int, step: Step, compensate: Call) -> bool:
        outcome = await self._compensate(flow, place, compensate)
        if outcome.standing is Standing.UNDER_WAY:
            return False
        if outcome.standing is Standing.DONE:
            outcome = await self._record_undone(flow, place, outcome)
        if outcome.standing is not Standing.DONE:
            await self._not_undone(flow, place, outcome)
        return True

    async def _compensate(self, flow: Flow, place: int, compensate: Call) -> Outcome:
        """Compensate a step, unless it turns out to be undone already, or nobody can tell."""
        if not flow.take_fresh():
            answer = await self._call(flow, place, flow.steps[place].ask)
            if answer.standing is Standing.NOT_DONE:
                return Outcome.done()
            if answer.standing is Standing.UNKNOWN:
                return answer
        breaker = self._breaker(flow.saga, place)
        while not breaker.allows():
            left = ((breaker.open_until_ns or 0) - self._clock.now_ns()) / _SECOND
            await self._clock.sleep(max(left, _LOOK))
        outcome = await self._call(flow, place, compensate)
        if outcome.standing in (Standing.DONE, Standing.UNDER_WAY):
            breaker.succeeded()
        else:
            breaker.failed()
        return outcome

    def _breaker(self, saga: Saga, place: int) -> BreakerState:
        name = saga.name, saga.steps[place].name
        if name not in self._breakers:
            rule = self._settings.breaker()
            self._breakers[name] = BreakerState(rule, self._clock.now_ns)
        return self._breakers[name]

    async def _record_undone(self, flow: Flow, place: int, outcome: Outcome) -> Outcome:
        try:
            await self._mark(flow, place, outcome.statements, state=StepState.UNDONE)
        except TransactionRefused as error:
            if not outcome.statements:
                raise
            return Outcome.not_done(f"its statements were refused: {error}", final=True)
        return outcome

    async def _not_undone(self, flow: Flow, place: int, outcome: Outcome) -> None:
        """Try to undo it again, after a while, or park the saga."""
        step, retry = flow.saga.steps[place], self._settings.compensation()
        flow.doubts += step.state is StepState.BEGUN
        tries = flow.doubts if step.state is StepState.BEGUN else step.attempts
        if outcome.final or tries >= retry.attempts:
            now = self._clock.now_ns()
            await self._commit(flow, record.parked(flow.saga, place, now, outcome.reason))
            self.tell_parked(flow.saga)
            return
        await self._clock.sleep(retry.wait(tries, flow.chance))
        if step.state is StepState.UNDOING:
            await self._mark(flow, place, attempts=step.attempts + 1, reason=outcome.reason)
            flow.fresh = outcome.standing is Standing.NOT_DONE

    def tell_parked(self, saga: Saga) -> None:
        """Raise the alarm for a saga that somebody has to look at."""
        place = record.to_undo(saga)
        step = saga.steps[0 if place is None else place]
        reason = f"{step.reason}; it turned back because {saga.reason}"
        self.tell(SagaParked(saga=saga.id, name=saga.name, step=step.name, reason=reason))

    # Storing

    async def _mark(
        self, flow: Flow, place: int, statements: tuple[Statement, ...] = (), **changes: Any
    ) -> None:
        after = record.with_step(flow.saga, place, self._clock.now_ns(), **changes)
        await self._commit(flow, after, statements)

    async def _commit(
        self, flow: Flow, after: Saga, statements: tuple[Statement, ...] = ()
    ) -> None:
        """Record the saga as it is after a change; waits for a journal that cannot store."""
        tries = 0
        while True:
            try:
                await self._store.write(flow.saga, after, statements)
                break
            except JournalError as error:
                tries += 1
                if tries == 1:
                    self._log.warning("a saga waits for the journal", saga=after.id, error=error)
                await self._clock.sleep(_STORING.wait(tries, flow.chance))
        flow.saga = after
