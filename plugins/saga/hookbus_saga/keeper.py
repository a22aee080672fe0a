"""The keeper: knows the definitions and the open sagas, and lets each go on when it can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from hookbus import Clock, HookbusError, Saga, SagaState, Step, UsageError

from hookbus_saga import record
from hookbus_saga.events import SagaStarted
from hookbus_saga.flow import Flow
from hookbus_saga.runner import Runner
from hookbus_saga.store import Store, as_json

__all__ = ["Keeper"]

Launch = Callable[[Coroutine[Any, Any, None], str], object]


class Keeper:
    """Provides `Sagas`. `launch` runs a coroutine beside everything else.

    `begun` counts the sagas of this run.
    """

    def __init__(
        self, store: Store, runner: Runner, clock: Clock, launch: Launch, log: Any
    ) -> None:
        self._store = store
        self._runner = runner
        self._clock = clock
        self._launch = launch
        self._log = log
        self._definitions: dict[str, tuple[Step, ...]] = {}
        self._beginning: dict[str, asyncio.Future[Saga]] = {}
        self._flows: dict[str, Flow] = {}
        self._left: dict[str, Saga] = {}
        self._started = False
        self.begun = 0

    # What other plugins call

    def define(self, name: str, steps: Sequence[Step]) -> None:
        """See `Sagas.define`."""
        if name in self._definitions:
            raise UsageError(f"the saga {name!r} is defined already; give this one another name")
        names = [step.name for step in steps]
        if not names or len(set(names)) < len(names) or not all(names):
            raise UsageError(f"the saga {name!r} needs steps, each with a name of its own: {names}")
        self._definitions[name] = tuple(steps)
        if self._started:
            self._go_on(name)

    def begin(self, name: str, id: str, data: Mapping[str, Any]) -> Awaitable[Saga]:  # noqa: A002
        """See `Sagas.begin`."""
        steps = self._definitions.get(name)
        if steps is None:
            raise UsageError(
                f"no saga {name!r} is defined; defined are {sorted(self._definitions)}"
            )
        as_json(data)
        taken = [step.name for step in steps if step.name in data]
        if taken:
            raise UsageError(f"the data of saga {id!r} has {taken}, which are names of its steps")
        told = self._beginning.get(id)
        if told is None:
            told = self._beginning[id] = asyncio.get_running_loop().create_future()
            self._launch(self._begin(told, name, id, data), id)
        answer = asyncio.shield(told)
        answer.add_done_callback(self._note)
        return answer

    def awake(self, id: str) -> None:  # noqa: A002
        """See `Sagas.awake`."""
        flow = self._flows.get(id)
        if flow is not None and flow.goes_on:
            self._launch(self._run(flow), id)

    async def find(self, id: str) -> Saga | None:  # noqa: A002
        """See `Sagas.find`."""
        flow = self._flows.get(id)
        return await self._store.find(id) if flow is None else flow.saga

    def open(self) -> Sequence[Saga]:
        """See `Sagas.open`."""
        sagas = [*self._left.values(), *(flow.saga for flow in self._flows.values())]
        return sorted(sagas, key=lambda saga: saga.begun_ns)

    # What the plugin calls

    async def load(self) -> None:
        """Read what earlier runs have left."""
        self._left = {saga.id: saga for saga in await self._store.left()}

    def start(self) -> None:
        """Let what was left go on, now that the host has started; tell again of what is parked."""
        self._started = True
        for name in dict.fromkeys(saga.name for saga in self._left.values()):
            self._go_on(name)
        for saga in self._left.values():
            self._log.warning(
                "nobody defines this saga with these steps any more; it stays as it is",
                saga=saga.id,
                name=saga.name,
                steps=[step.name for step in saga.steps],
            )

    async def resume(self, id: str) -> Saga:  # noqa: A002
        """Let a parked saga go on undoing; raises `UsageError` for any other."""
        flow = self._flows.get(id)
        if flow is None or flow.saga.state is not SagaState.PARKED:
            saga = self._left.get(id) or await self.find(id)
            state = "unknown" if saga is None else saga.state
            raise UsageError(f"the saga {id!r} is {state}; only one that is parked can be resumed")
        after = record.resumed(flow.saga, self._clock.now_ns())
        await self._store.write(flow.saga, after)
        flow.saga, flow.doubts = after, 0
        self.awake(id)
        return after

    # What goes on

    async def _begin(
        self, told: asyncio.Future[Saga], name: str, saga_id: str, data: Mapping[str, Any]
    ) -> None:
        try:
            flow = await self._opened(name, saga_id, data)
        except HookbusError as error:
            told.set_exception(error)
            return
        except asyncio.CancelledError:
            told.cancel()
            raise
        finally:
            del self._beginning[saga_id]
        told.set_result(flow.saga)
        if flow.fresh:
            self.begun += 1
            self._flows[saga_id] = flow
            self._runner.tell(SagaStarted(saga=saga_id, name=name))
            await self._run(flow)

    async def _opened(self, name: str, saga_id: str, data: Mapping[str, Any]) -> Flow:
        """The saga as it is known by its id, or a fresh one."""
        steps = self._definitions[name]
        known = self._left.get(saga_id) or await self.find(saga_id)
        if known is None:
            saga = record.opened(name, saga_id, dict(data), steps, self._clock.now_ns())
            await self._store.write(None, saga)
            return Flow(saga, steps, fresh=True)
        if known.name != name:
            raise UsageError(f"{saga_id!r} is a saga {known.name!r}, not {name!r}")
        return Flow(known, steps)

    def _go_on(self, name: str) -> None:
        steps = self._definitions.get(name, ())
        for saga in [one for one in self._left.values() if one.name == name]:
            if record.fits(saga, steps):
                del self._left[saga.id]
                self._flows[saga.id] = Flow(saga, steps)
                if saga.state is SagaState.PARKED:
                    self._runner.tell_parked(saga)
                else:
                    self.awake(saga.id)

    async def _run(self, flow: Flow) -> None:
        """Run a saga until it waits for news, again when there was news meanwhile."""
        flow.awakened = True
        if flow.active or not flow.goes_on:
            return
        flow.active = True
        try:
            while flow.awakened:
                flow.awakened = False
                await self._runner.run(flow)
        finally:
            flow.active = False
        if flow.saga.state.ended:
            del self._flows[flow.saga.id]

    def _note(self, told: asyncio.Future[Saga]) -> None:
        """Whoever does not wait for it finds in the log that a saga was not begun."""
        if not told.cancelled() and (error := told.exception()) is not None:
            self._log.error("a saga was not begun", error=str(error))
