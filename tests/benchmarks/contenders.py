"""The ways to bring an event to its subscribers, each written as its manual shows it."""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from .workload import Handler, Kind, Tick


class Contender(ABC):
    """One way to bring an event to its subscribers.

    `open` and `close` run outside the measurement. `publish` hands over one event after the other
    and returns when the last one is accepted, whether or not it has been handled.
    """

    name: ClassVar[str]
    package: ClassVar[str | None] = None
    arguments: ClassVar[int] = 1
    remark: ClassVar[str] = ""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.refused = 0

    @classmethod
    def version(cls) -> str | None:
        """The version of the library that is measured, None for plain Python."""
        return None if cls.package is None else importlib.metadata.version(cls.package)

    @abstractmethod
    async def open(self, handlers: Sequence[Handler]) -> None:
        """Subscribe every handler to the event; raises ImportError when the library is missing."""

    @abstractmethod
    async def publish(self, events: Iterable[Tick]) -> None:
        """Publish each event to every handler."""

    async def close(self) -> None:  # noqa: B027 - most contenders hold nothing to give back
        """Leave no task behind."""


class BareLoop(Contender):
    """Calling the handlers one after the other: the limit."""

    name = "bare loop"
    _handlers: Sequence[Handler]

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Keep the handlers."""
        self._handlers = handlers

    async def publish(self, events: Iterable[Tick]) -> None:
        """Call, or call and await, each of them."""
        handlers = self._handlers
        if self.kind == "async":
            for event in events:
                for handler in handlers:
                    await handler(event)
        else:
            for event in events:
                for handler in handlers:
                    handler(event)


class QueueEach(Contender):
    """An `asyncio.Queue` and a task per subscriber: what people write by hand."""

    name = "asyncio.Queue"
    _queues: list[asyncio.Queue[Tick]]
    _tasks: list[asyncio.Task[None]]

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Start the tasks and let them wait for their first event."""
        self._queues = [asyncio.Queue() for _ in handlers]
        consume = _consume_async if self.kind == "async" else _consume_inline
        self._tasks = [
            asyncio.create_task(consume(queue, handler))
            for queue, handler in zip(self._queues, handlers, strict=True)
        ]
        await asyncio.sleep(0)

    async def publish(self, events: Iterable[Tick]) -> None:
        """Put the event into every queue."""
        queues = self._queues
        for event in events:
            for queue in queues:
                queue.put_nowait(event)

    async def close(self) -> None:
        """Cancel the tasks."""
        await _cancel(self._tasks)


async def _consume_async(queue: asyncio.Queue[Tick], handler: Callable[[Tick], Any]) -> None:
    while True:
        await handler(await queue.get())


async def _consume_inline(queue: asyncio.Queue[Tick], handler: Callable[[Tick], Any]) -> None:
    while True:
        handler(await queue.get())


class TaskEach(Contender):
    """A task per handler and event, held until it is done."""

    name = "task per handler"
    _handlers: Sequence[Handler]
    _tasks: set[asyncio.Task[None]]

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Keep the handlers."""
        self._handlers = handlers
        self._tasks = set()

    async def publish(self, events: Iterable[Tick]) -> None:
        """Start a task for each handler."""
        for event in events:
            for handler in self._handlers:
                task = asyncio.create_task(handler(event))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cancel what still runs."""
        await _cancel(self._tasks)


class Blinker(Contender):
    """blinker: receivers of a signal, called or awaited one after the other."""

    name = "blinker"
    package = "blinker"
    arguments = 2

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Connect strongly; the default weak references would lose closures."""
        self._signal = importlib.import_module("blinker").Signal()
        for handler in handlers:
            self._signal.connect(handler, weak=False)

    async def publish(self, events: Iterable[Tick]) -> None:
        """Send the event."""
        if self.kind == "async":
            send_async = self._signal.send_async
            for event in events:
                await send_async(self, event=event)
        else:
            send = self._signal.send
            for event in events:
                send(self, event=event)


class Pyee(Contender):
    """pyee: a task per asynchronous handler, a plain call per synchronous one."""

    name = "pyee"
    package = "pyee"

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Add a listener for each handler."""
        if self.kind == "async":
            self._emitter = importlib.import_module("pyee.asyncio").AsyncIOEventEmitter()
        else:
            self._emitter = importlib.import_module("pyee").EventEmitter()
        for handler in handlers:
            self._emitter.on("tick", handler)

    async def publish(self, events: Iterable[Tick]) -> None:
        """Emit the event."""
        emit = self._emitter.emit
        for event in events:
            emit("tick", event)


class Aiopubsub(Contender):
    """aiopubsub: a queue per asynchronous listener, a plain call per synchronous one."""

    name = "aiopubsub"
    package = "aiopubsub"
    arguments = 2

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Add a listener for each handler."""
        library = importlib.import_module("aiopubsub")
        hub = library.Hub()
        self._publisher = library.Publisher(hub, prefix="bench")
        self._key = library.Key("tick")
        self._subscriber = library.Subscriber(hub, "bench")
        listener = "add_async_listener" if self.kind == "async" else "add_sync_listener"
        add = getattr(self._subscriber, listener)
        for handler in handlers:
            add(library.Key("bench", "tick"), handler)
        await asyncio.sleep(0)

    async def publish(self, events: Iterable[Tick]) -> None:
        """Publish the event under its key."""
        publish, key = self._publisher.publish, self._key
        for event in events:
            publish(key, event)

    async def close(self) -> None:
        """Stop the listeners."""
        await self._subscriber.remove_all_listeners()


class Eventkit(Contender):
    """eventkit: a task per asynchronous handler, a plain call per synchronous one."""

    name = "eventkit"
    package = "eventkit"

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Connect each handler."""
        self._event = importlib.import_module("eventkit").Event("tick")
        for handler in handlers:
            self._event.connect(handler, keep_ref=True)

    async def publish(self, events: Iterable[Tick]) -> None:
        """Emit the event."""
        emit = self._event.emit
        for event in events:
            emit(event)


class Bubus(Contender):
    """bubus: a bus that keeps a result per handler and event."""

    name = "bubus"
    package = "bubus"
    remark = "makes an event object of its own for each dispatch, which it does not allow twice"

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Register each handler under a name of its own, as it asks for."""
        library = importlib.import_module("bubus")
        self._event = type("BubusTick", (library.BaseEvent,), {"__annotations__": {"index": int}})
        self._bus = library.EventBus(name="bench")
        for number, handler in enumerate(handlers):
            handler.__name__ = f"handle_{number}"
            self._bus.on(self._event, handler)

    async def publish(self, events: Iterable[Tick]) -> None:
        """Dispatch the event; where the bus refuses one, let it run and try again."""
        for event in events:
            await self._dispatch(self._event(index=event.index))

    async def _dispatch(self, event: Any) -> None:
        while True:
            try:
                self._bus.dispatch(event)
            except (RuntimeError, asyncio.QueueFull):
                self.refused += 1
                await asyncio.sleep(0)
            else:
                return

    async def close(self) -> None:
        """Stop it; without that the process does not exit."""
        await self._bus.stop(timeout=0, clear=True)


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


PEERS: tuple[type[Contender], ...] = (QueueEach, Blinker, Pyee, Aiopubsub, Eventkit, Bubus)
