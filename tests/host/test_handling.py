"""Causes are right although the bus sets no context variable per event."""

from __future__ import annotations

import asyncio

from hookbus import Event, Plugin, PluginContext, hookimpl
from hookbus.testing import HostFactory, RecordingHost


class Asked(Event, type="handling.asked", key="number"):
    """Makes the plugin of a test answer."""

    number: int


class Answered(Event, type="handling.answered", key="number"):
    """The answer, published in one way or another."""

    number: int


class Answering(Plugin):
    """Answers each question in the way that a test chooses."""

    name = "answering"
    context: PluginContext

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Listen."""
        self.context = context
        self.tasks: list[asyncio.Task[None]] = []
        self.queue = context.queue("answers", int, self.answer)
        context.bus.subscribe(Asked, self.on_asked)

    async def on_asked(self, event: Asked) -> None:
        """Let a subclass answer."""
        raise AssertionError("a subclass answers")

    async def answer(self, number: int) -> None:
        """Answer some time later."""
        await asyncio.sleep(10 - number)
        await self.context.bus.publish(Answered(number=number))


class ByTask(Answering):
    """Starts a task and goes on to the next question."""

    name = "by-task"

    async def on_asked(self, event: Asked) -> None:
        """Leave it to a task."""
        self.tasks.append(asyncio.create_task(self.answer(event.number)))


class ByQueue(Answering):
    """Puts the question into a work queue."""

    name = "by-queue"

    async def on_asked(self, event: Asked) -> None:
        """Leave it to a worker."""
        await self.queue.put(event.number)


class ByThread(Answering):
    """Publishes from a thread that the handler waits for."""

    name = "by-thread"

    async def on_asked(self, event: Asked) -> None:
        """Answer from a thread."""
        answer = Answered(number=event.number)
        future = await asyncio.to_thread(self.context.bus.publish_threadsafe, answer)
        await asyncio.wrap_future(future)


class ByTimer(Answering):
    """Publishes from a callback of the loop, when other questions are in hand."""

    name = "by-timer"

    async def on_asked(self, event: Asked) -> None:
        """Leave it to a timer; the last question is in hand when the first timer fires."""
        answer = Answered(number=event.number)
        asyncio.get_running_loop().call_later(1, self.context.bus.publish_nowait, answer)
        await asyncio.sleep(0.4)


async def ask(host: RecordingHost) -> dict[int, int | None]:
    """Ask 0 to 4 at once; which question each answer names as its cause."""
    for number in range(5):
        await host.bus.publish(Asked(number=number))
    await asyncio.sleep(100)
    asked = {e.id: e.event.number for e in host.recorded.envelopes if isinstance(e.event, Asked)}
    return {
        e.event.number: asked.get(str(e.causation_id))
        for e in host.recorded.envelopes
        if isinstance(e.event, Answered)
    }


async def test_a_task_keeps_the_event_that_it_was_started_for(host_factory: HostFactory) -> None:
    """Also when the handler has long gone on to other events."""
    async with host_factory(ByTask) as host:
        assert await ask(host) == {0: 0, 1: 1, 2: 2, 3: 3, 4: 4}


async def test_a_queued_item_keeps_the_event_that_it_was_put_for(
    host_factory: HostFactory,
) -> None:
    """A worker publishes in the name of the handler's event."""
    async with host_factory(ByQueue) as host:
        assert await ask(host) == {0: 0, 1: 1, 2: 2, 3: 3, 4: 4}


async def test_a_thread_that_the_handler_waits_for_knows_its_event(
    host_factory: HostFactory,
) -> None:
    """What it publishes is caused by the event in hand."""
    async with host_factory(ByThread) as host:
        assert await ask(host) == {0: 0, 1: 1, 2: 2, 3: 3, 4: 4}


async def test_a_callback_of_the_loop_names_no_wrong_cause(host_factory: HostFactory) -> None:
    """Nobody knows what it is about, and no cause is better than a false one."""
    async with host_factory(ByTimer) as host:
        assert await ask(host) == dict.fromkeys(range(5))


async def test_inline_handlers_nest(host_factory: HostFactory) -> None:
    """What an inline handler publishes is caused by its event, and so on inwards and back out."""
    async with host_factory(Answering) as host:
        host.records["answering"].instance.context.bus.close()  # type: ignore[union-attr]

        def answer(event: Asked) -> None:
            if event.number:
                host.bus.publish_nowait(Asked(number=event.number - 1))
            host.bus.publish_nowait(Answered(number=event.number))

        host.bus.subscribe(Asked, answer, mode="inline")
        host.bus.publish_nowait(Asked(number=2))
        host.bus.publish_nowait(Answered(number=99))
        asked = {e.id: e for e in host.recorded.envelopes if isinstance(e.event, Asked)}
        causes = {
            e.event.number: asked[e.causation_id].event.number if e.causation_id else None  # type: ignore[attr-defined]
            for e in host.recorded.envelopes
            if isinstance(e.event, Answered)
        }
        assert causes == {0: 0, 1: 1, 2: 2, 99: None}
        assert [e.depth for e in asked.values()] == [0, 1, 2]
