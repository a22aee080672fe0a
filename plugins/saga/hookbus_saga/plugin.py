"""The plugin: provides sagas, lets open ones go on when the host starts, answers the command."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any

from hookbus import (
    Event,
    Job,
    Journal,
    Plugin,
    PluginContext,
    Sagas,
    SagaState,
    Summary,
    UsageError,
    hookimpl,
)
from hookbus.operational import HostStarted

from hookbus_saga import events
from hookbus_saga.eager import run_eagerly
from hookbus_saga.keeper import Keeper
from hookbus_saga.runner import Runner
from hookbus_saga.settings import SagaSettings
from hookbus_saga.store import Store
from hookbus_saga.texts import described, unknown

__all__ = ["SagaPlugin"]

_DAY = 86_400.0
_SECOND = 1_000_000_000


class SagaPlugin(Plugin):
    """Runs flows of several steps that go on where the process ended, or are undone."""

    name = "saga"
    requires = ("journal",)
    hook_api = 1
    Settings = SagaSettings

    settings: SagaSettings

    def __init__(self, settings: SagaSettings) -> None:
        """Prepare a plugin without sagas."""
        super().__init__(settings)
        self._counts = dict.fromkeys((events.SagaCompleted, events.SagaCompensated), 0)
        self._keeper: Keeper | None = None

    @hookimpl
    def hookbus_events(self) -> tuple[type[Event], ...]:
        """Declare what is told of sagas."""
        return (
            events.SagaStarted,
            events.SagaStepCompleted,
            events.SagaCompensating,
            events.SagaCompleted,
            events.SagaCompensated,
            events.SagaParked,
        )

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Read what is open; other plugins define their sagas when they start."""
        clock, settings = context.clock, self.settings
        self._context = context
        self._store = store = Store(context.service(Journal))
        await store.prepare()
        await self._forget()
        if not clock.simulated:
            context.scheduler.add(Job("forget", self._forget, every=_DAY))
        runner = Runner(store, clock, settings, self._tell, context.log)
        self._keeper = keeper = Keeper(store, runner, clock, self._launch, context.log)
        await keeper.load()
        context.provide(Sagas, keeper)
        context.bus.subscribe(HostStarted, self._on_started, name="started", mode="inline")
        for name in ("list", "show", "resume"):
            context.answer(name, getattr(self, f"_{name}"))

    async def _forget(self) -> None:
        """Forget what has ended long ago."""
        if self.settings.keep_days is not None:
            kept = round(self.settings.keep_days * _DAY * _SECOND)
            await self._store.forget(self._context.clock.now_ns() - kept)

    def _on_started(self, _: HostStarted) -> None:
        if self._keeper is not None:
            self._keeper.start()

    def _launch(self, coroutine: Coroutine[Any, Any, None], saga_id: str) -> None:
        go_on = partial(self._context.start_task, name=saga_id)
        if self._context.clock.simulated:
            run_eagerly(coroutine, go_on)
        else:
            go_on(coroutine)

    def _tell(self, event: events.SagaEvent) -> None:
        if type(event) in self._counts:
            self._counts[type(event)] += 1
        self._context.bus.publish_forced(event)

    async def _list(self, ended: int) -> list[dict[str, Any]]:
        """What is open, and the last of what has ended."""
        states = tuple(state for state in SagaState if state.ended)
        last = await self._store.latest(states, ended) if ended else []
        return [described(saga) for saga in (*last, *self._sagas().open())]

    async def _show(self, saga_id: str) -> dict[str, Any]:
        saga = await self._sagas().find(saga_id)
        if saga is None:
            raise unknown(saga_id)
        return described(saga, whole=True)

    async def _resume(self, saga_id: str) -> dict[str, Any]:
        return described(await self._sagas().resume(saga_id), whole=True)

    def _sagas(self) -> Keeper:
        if self._keeper is None:
            raise UsageError("the sagas have not started")
        return self._keeper

    @hookimpl
    def hookbus_summary(self) -> Summary | None:
        """What was begun, what it came to, and what is open."""
        keeper = self._keeper
        if keeper is None:
            return None
        left = keeper.open()
        waiting = sum(saga.state is SagaState.PARKED for saga in left)
        completed, compensated = self._counts.values()
        rows = (
            ("Begun", f"{keeper.begun:,}"),
            ("Completed", f"{completed:,}"),
            ("Compensated", f"{compensated:,}"),
            ("Open", f"{len(left) - waiting:,}"),
            ("Parked", f"{waiting:,}"),
        )
        return Summary("Sagas", rows)
