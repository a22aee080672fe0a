"""The intake: events that other threads publish, taken over by the event loop in their order."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from hookbus.bus.subscription import current_subscription
from hookbus.envelope import frozen_context
from hookbus.errors import BusClosed
from hookbus.events import Event

if TYPE_CHECKING:
    from hookbus.bus.eventbus import EventBus

Publish = Callable[[Event], Awaitable[int]]


class Intake:
    """What the threads of one plugin publish.

    Events of one handler's thread keep their order, and so do those of all other threads; a handler
    does not queue behind the others, who may be waiting for that very handler.
    """

    def __init__(self, bus: EventBus, publish: Publish) -> None:
        self._bus = bus
        self._publish = publish
        self._tasks: dict[asyncio.Task[int], None] = {}
        self._turn = asyncio.Lock()
        self._turns: weakref.WeakKeyDictionary[object, asyncio.Lock]
        self._turns = weakref.WeakKeyDictionary()

    @property
    def tasks(self) -> list[asyncio.Task[int]]:
        """The tasks that publish, in the order of the calls."""
        return list(self._tasks)

    def submit(self, event: Event) -> Future[int]:
        """Have the event loop publish `event`; called in any thread."""
        outcome: Future[int] = Future()
        try:
            self._bus.loop.call_soon_threadsafe(
                self._take_in, event, outcome, context=frozen_context()
            )
        except RuntimeError:
            outcome.set_exception(_stopped())
        return outcome

    def _take_in(self, event: Event, outcome: Future[int]) -> None:
        if not outcome.set_running_or_notify_cancel():
            return
        if self._bus.closed:
            outcome.set_exception(_stopped())
            return
        task = self._bus.loop.create_task(self._publish_in_turn(event))
        self._tasks[task] = None
        task.add_done_callback(partial(self._answer, outcome))

    async def _publish_in_turn(self, event: Event) -> int:
        handler = current_subscription.get()
        turn = self._turn if handler is None else self._turns.setdefault(handler, asyncio.Lock())
        async with turn:
            return await self._publish(event)

    def _answer(self, outcome: Future[int], task: asyncio.Task[int]) -> None:
        del self._tasks[task]
        if task.cancelled():
            outcome.set_exception(_stopped())
        elif (error := task.exception()) is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(task.result())


def _stopped() -> BusClosed:
    return BusClosed("the plugin or the host has stopped; the event was not published")
