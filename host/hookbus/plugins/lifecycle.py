"""The life of one plugin in a running host: start, ready, stop, and undoing what it registered."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from hookbus.containment.contained import FAILURES
from hookbus.containment.guard import guarded, trace
from hookbus.containment.limits import (
    GRACE,
    HandlerSwallowedCancellation,
    HandlerTimeout,
    call_within,
)
from hookbus.containment.ownership import Ownership, current_plugin
from hookbus.errors import PluginError, in_words
from hookbus.plugins.context import PluginContext
from hookbus.plugins.hooks import call_hook
from hookbus.plugins.plugin import PluginRecord, PluginState

if TYPE_CHECKING:
    import pluggy

SLOW = 10.0
"""Seconds after which a hook that is still under way is mentioned in the log."""


async def call_async_hook(
    manager: pluggy.PluginManager,
    record: PluginRecord,
    hook: str,
    context: PluginContext,
    limit: float,
) -> None:
    """Call a hook that may be async, if the plugin has it, for at most `limit` seconds.

    Raises `PluginError` with the phase named after the hook.
    """
    phase = hook.removeprefix("hookbus_")

    async def call(_: object) -> None:
        current_plugin.set(record.name)
        answer = call_hook(manager, record.name, hook, context=context)
        if inspect.isawaitable(answer):
            await answer

    slow = asyncio.get_running_loop().call_later(
        SLOW, context.log.warning, f"{phase} is taking more than {SLOW:g} s"
    )
    try:
        await call_within(call, None, limit)
    except HandlerTimeout:
        reason = f"took longer than {limit:g} s"
        mend = f"Look at what its {hook} waits for, or raise the limit in [host]."
        raise PluginError(record.name, phase, reason, mend) from None
    except HandlerSwallowedCancellation:
        reason = f"took longer than {limit:g} s and swallowed its cancellation"
        raise PluginError(record.name, phase, reason, "Let CancelledError through.") from None
    except PluginError as error:
        reason, mend = record.redact(error.reason), record.redact(error.mend)
        raise PluginError(record.name, phase, reason, mend) from None
    except FAILURES as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        record.traceback = record.redact(trace(error))
        raise PluginError(record.name, phase, record.redact(in_words(error))) from None
    finally:
        slow.cancel()


def ask(
    manager: pluggy.PluginManager, record: PluginRecord, hook: str, limit: float, **arguments: Any
) -> Any:
    """The answer of a plain hook, asked in a thread for at most `limit` seconds.

    An iterable that is no tuple or string is read to its end, in the thread too.
    Raises `PluginError` with the phase named after the hook.
    """
    phase = hook.removeprefix("hookbus_")

    def call() -> Any:
        answer = call_hook(manager, record.name, hook, **arguments)
        return tuple(answer) if isinstance(answer, Iterator | list | set | dict) else answer

    outcome = guarded(call, limit, f"hookbus-{phase}-{record.name}")
    if outcome.stands is not None:
        record.traceback = outcome.stands
        raise PluginError(record.name, phase, f"took longer than {limit:g} s")
    if outcome.error is not None:
        record.traceback = record.redact(trace(outcome.error))
        raise PluginError(record.name, phase, record.redact(in_words(outcome.error)))
    return outcome.result


async def start_plugin(
    manager: pluggy.PluginManager,
    record: PluginRecord,
    context: PluginContext,
    limit: float,
    ownership: Ownership,
) -> None:
    """Run `hookbus_start`; raises `PluginError`, also when it leaves a task behind."""
    record.state = PluginState.STARTING
    began = time.perf_counter()
    await call_async_hook(manager, record, "hookbus_start", context, limit)
    record.start_seconds = time.perf_counter() - began
    strays = _strays(record, context, ownership)
    if strays:
        names = ", ".join(sorted(_task_label(task) for task in strays))
        raise PluginError(
            record.name,
            "start",
            f"it left tasks running that the host does not know: {names}",
            "Start them with context.start_task or context.start_source.",
        )
    if record.state is PluginState.STARTING:
        record.state = PluginState.STARTED


def _strays(
    record: PluginRecord, context: PluginContext, ownership: Ownership
) -> list[asyncio.Task[Any]]:
    known = {*context.tasks, *context.bus.tasks}
    return [
        task
        for task in ownership.tasks_of(record.name)
        if task not in known and not any(queue.runs(task) for queue in context.queues)
    ]


def _task_label(task: asyncio.Task[Any]) -> str:
    name, coro = task.get_name(), task.get_coro()
    function = str(getattr(coro, "__qualname__", type(coro).__qualname__))
    return function if name.startswith("Task-") else f"{name} ({function})"


async def undo_plugin(
    record: PluginRecord,
    context: PluginContext,
    limit: float,
    ownership: Ownership,
    withdraw: Callable[[str], None],
) -> list[str]:
    """Undo everything that a plugin registered; returns what did not end in time."""
    left: list[str] = []
    for queue in context.queues:
        abandoned = await queue.drain(limit)
        if abandoned:
            left.append(f"{len(abandoned)} items of queue {queue.name}")
    context.bus.close()
    withdraw(record.name)
    left += await _close_stack(context, limit)
    left += await _end_tasks(ownership.tasks_of(record.name))
    return left


async def _close_stack(context: PluginContext, limit: float) -> list[str]:
    async def close(_: object) -> None:
        await context.exit_stack.aclose()

    try:
        await call_within(close, None, limit)
    except (*FAILURES, HandlerSwallowedCancellation) as error:
        return [f"exit stack: {in_words(error)}"]
    return []


async def _end_tasks(tasks: list[asyncio.Task[Any]]) -> list[str]:
    mine = [task for task in tasks if task is not asyncio.current_task()]
    for task in mine:
        task.cancel()
    if mine:
        await asyncio.wait(mine, timeout=GRACE)
    return [f"task {_task_label(task)}" for task in mine if not task.done()]
