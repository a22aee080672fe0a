"""Ownership: which plugin a task belongs to, so that none outlives its plugin."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from itertools import count
from typing import Any

from hookbus.containment.contained import Contained
from hookbus.envelope import Handling, current_envelope, frozen_context

current_plugin: ContextVar[str | None] = ContextVar("hookbus_current_plugin", default=None)
"""The plugin whose code is running; tasks that it starts are its own."""


def host_context() -> Context:
    """A copy of this context in which no plugin's code is running, for tasks of the host."""
    context = copy_context()
    context.run(current_plugin.set, None)
    return context


class Ownership:
    """The owners of the tasks of one event loop."""

    def __init__(self) -> None:
        self._owners: weakref.WeakKeyDictionary[asyncio.Future[Any], tuple[int, str]] = (
            weakref.WeakKeyDictionary()
        )
        self._count = count()

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note the owner of every task that is made on `loop` from now on.

        A task started by a handler keeps the envelope that is in hand at that moment.
        """
        loop.set_task_factory(self._make_task)  # type: ignore[arg-type]

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        context = options.get("context")
        if context is None and isinstance(current_envelope.get(), Handling):
            context = options["context"] = frozen_context()
        elif context is not None and isinstance(holder := context.get(current_envelope), Handling):
            context.run(current_envelope.set, holder.in_hand())
        plugin = current_plugin.get() if context is None else context.get(current_plugin)
        if plugin is None:
            return asyncio.Task(coro, loop=loop, **options)
        task = asyncio.Task(Contained(coro), loop=loop, **options)
        self._owners[task] = (next(self._count), plugin)
        return task

    def owner(self, task: asyncio.Task[Any] | None) -> str | None:
        """The plugin that started a task, None for the host's own."""
        if task is None or task not in self._owners:
            return None
        return self._owners[task][1]

    def tasks_of(self, plugin: str) -> list[asyncio.Task[Any]]:
        """The unfinished tasks of a plugin, in the order in which they were started."""
        owned = [
            (number, task)
            for task, (number, owner) in self._owners.items()
            if owner == plugin and isinstance(task, asyncio.Task) and not task.done()
        ]
        return [task for _, task in sorted(owned, key=lambda pair: pair[0])]
