"""Runners: the loops that take events from a channel and hand them to a handler.

One for each way of delivering; a subscription's task runs exactly one of them.
"""

from __future__ import annotations

import asyncio
import operator
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import TYPE_CHECKING, Any

from hookbus.bus.channel import NO_LIMIT, SLICE
from hookbus.bus.delivery import refuse_coroutine
from hookbus.clock import SECOND
from hookbus.containment.contained import FAILURES
from hookbus.containment.limits import GRACE
from hookbus.envelope import Envelope, Handling, current_envelope
from hookbus.errors import error_text
from hookbus.events import event_type

if TYPE_CHECKING:
    from hookbus.bus.durable.subscription import DurableSubscription
    from hookbus.bus.subscription import Subscription

Runner = Callable[["Subscription"], Awaitable[None]]
Call = Callable[[Any], Awaitable[Any]]


def runner_for(subscription: Subscription) -> Runner:
    """The loop that fits the options of a subscription."""
    options = subscription.options
    if options.concurrency > 1:
        return run_concurrent
    if options.throttle is not None:
        return run_throttled
    if options.batch is not None:
        return run_batched
    if not options.plain:
        return run_carefully
    if subscription.mode == "thread" and not subscription.bus.clock.simulated:
        return run_in_thread
    return run_plain


def make_call(subscription: Subscription | DurableSubscription) -> Call:
    """An awaitable form of the handler: in a thread, or on the loop under simulated time."""
    handler = subscription.handler
    if subscription.mode == "task":
        return handler
    if not subscription.bus.clock.simulated:
        return subscription.threads.call

    async def call(argument: Any) -> None:
        if (answer := handler(argument)) is not None:
            refuse_coroutine(answer)

    return call


def argument_of(subscription: Subscription, envelope: Envelope) -> Any:
    """What the handler is given for an envelope."""
    return envelope if subscription.options.envelope else envelope.event


async def run_plain(subscription: Subscription) -> None:
    """One event after the other, with nothing between the ring and the handler."""
    channel = subscription.channel
    handling = subscription.handling
    handling.task = asyncio.current_task()
    call = _plain_call(subscription, handling)
    bus = subscription.bus
    most_unread = NO_LIMIT if subscription.lossless else subscription.capacity
    current_envelope.set(handling)
    while not subscription.closed:
        unread = channel.tail - subscription.cursor
        if not unread:
            wake: asyncio.Future[None] = asyncio.Future(loop=bus.loop)
            channel.sleepers.append(wake)
            subscription._wake = wake
            subscription._pressed = False
            if bus.settling:
                bus.note_idle()
            await wake
            continue
        if unread <= most_unread:
            taken = subscription.take()
            subscription.held += len(taken)
        else:
            taken = await subscription.next_batch()
            current_envelope.set(handling)
        envelopes = iter(taken)
        failed = 0
        try:
            while True:
                try:
                    for envelope in envelopes:
                        handling.current = envelope
                        await call(envelope.event)
                    break
                except FAILURES as error:
                    _plain_failure(subscription, error)
                    failed += 1
        except BaseException:
            handled = len(taken) - operator.length_hint(envelopes) - 1 - failed
            subscription.delivered += handled
            subscription.held -= handled
            raise
        handling.current = None
        subscription.delivered += len(taken) - failed
        subscription.held -= len(taken) - failed
        if subscription.cursor != channel.tail:
            await asyncio.sleep(0)


def _plain_call(subscription: Subscription, handling: Handling) -> Call:
    call = make_call(subscription)
    if not subscription.options.envelope:
        return call
    return lambda _: call(handling.current)


def _plain_failure(subscription: Subscription, error: BaseException) -> None:
    subscription.raise_if_closing(error)
    envelope = subscription.current
    if envelope is None:
        raise error
    error = subscription.interruption() or error
    subscription.note_failure(envelope, error, will_retry=False)
    subscription.give_up([envelope], error_text(error), attempts=1)


async def run_carefully(subscription: Subscription) -> None:
    """One event after the other, with retry, timeout or breaker."""
    call = make_call(subscription)
    while not subscription.closed:
        for envelope in await subscription.next_batch():
            if subscription.closed:
                return
            await subscription.deliver(call, argument_of(subscription, envelope), [envelope])
        if subscription.unread:
            await asyncio.sleep(0)


async def run_batched(subscription: Subscription) -> None:
    """Lists of up to `batch` events, gathered for at most `batch_wait` seconds."""
    call = make_call(subscription)
    now_ns = subscription.bus.clock.now_ns
    size = subscription.options.batch or 1
    while not subscription.closed:
        batch = await subscription.next_batch(size)
        if subscription.closed:
            return
        until = now_ns() + round(subscription.options.batch_wait * SECOND)
        while len(batch) < size and not subscription.lagging and (left := until - now_ns()) > 0:
            if subscription.unread:
                batch += subscription.grab(size - len(batch))
            else:
                await subscription.sleep(left / SECOND)
        arguments = [argument_of(subscription, envelope) for envelope in batch]
        await subscription.deliver(call, arguments, batch)
        if subscription.unread:
            await asyncio.sleep(0)


async def run_throttled(subscription: Subscription) -> None:
    """At most one event per type and key in `throttle` seconds; the latest replaces who waits."""
    call = make_call(subscription)
    throttle = _Throttle(subscription)
    while not subscription.closed:
        for envelope in await subscription.next_batch(SLICE, throttle.seconds_left()):
            throttle.offer(envelope)
        while not subscription.closed and (due := throttle.next_due()) is not None:
            await subscription.deliver(call, argument_of(subscription, due), [due])


class _Throttle:
    """Which events of a throttled subscription are due, by key."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.now_ns = subscription.bus.clock.now_ns
        self.interval_ns = round((subscription.options.throttle or 0) * SECOND)
        self.free_at: dict[Hashable, int] = {}
        self.waiting: dict[Hashable, Envelope] = {}
        self.critical: deque[Envelope] = deque()

    def offer(self, envelope: Envelope) -> None:
        """Take an event in; it may replace one of its key that waits."""
        if event_type(type(envelope.event)).critical:
            self.critical.append(envelope)
            return
        key = (type(envelope.event), envelope.key)
        if self.waiting.pop(key, None) is not None:
            self.subscription.coalesced += 1
            self.subscription.held -= 1
        self.waiting[key] = envelope

    def next_due(self) -> Envelope | None:
        """The next event to deliver now."""
        if self.critical:
            return self.critical.popleft()
        now = self.now_ns()
        for key in self.waiting:
            if self.free_at.get(key, 0) <= now:
                self._occupy(key, now)
                return self.waiting.pop(key)
        return None

    def _occupy(self, key: Hashable, now: int) -> None:
        if len(self.free_at) > 4096:
            self.free_at = {key: free for key, free in self.free_at.items() if free > now}
        self.free_at[key] = now + self.interval_ns

    def seconds_left(self) -> float | None:
        """Seconds until a waiting event is due, None when nothing waits."""
        if not self.waiting:
            return None
        due = min(self.free_at.get(key, 0) for key in self.waiting)
        return max(0.0, (due - self.now_ns()) / SECOND)


async def run_concurrent(subscription: Subscription) -> None:
    """Up to `concurrency` events at a time; those of one key one after the other."""
    crew = _Crew(subscription)
    try:
        while not subscription.closed:
            for envelope in await subscription.next_batch(subscription.options.concurrency):
                if subscription.closed:
                    return
                await crew.take_on(envelope)
    finally:
        await crew.dismiss()


class _Crew:
    """The running handlers of a concurrent subscription, and what waits behind them by key."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.call = make_call(subscription)
        self.slots = asyncio.Semaphore(subscription.options.concurrency)
        self.room = asyncio.Semaphore(4 * subscription.options.concurrency)
        self.behind: dict[Hashable, deque[Envelope]] = {}
        self.tasks: dict[asyncio.Task[None], None] = {}

    async def take_on(self, envelope: Envelope) -> None:
        """Start handling an event, or put it behind the running one of its key."""
        await self.room.acquire()
        key: Hashable = envelope.sequence if envelope.key is None else envelope.key
        if key in self.behind:
            self.behind[key].append(envelope)
            return
        self.behind[key] = deque([envelope])
        await self.slots.acquire()
        task = asyncio.create_task(self._work(key), name=f"{self.subscription.name}[{key}]")
        self.tasks[task] = None
        task.add_done_callback(self._done)

    async def _work(self, key: Hashable) -> None:
        queue = self.behind[key]
        try:
            while queue and not self.subscription.closed:
                await self._handle(queue.popleft())
                self.room.release()
        finally:
            del self.behind[key]
            self.slots.release()

    async def _handle(self, envelope: Envelope) -> None:
        working = self.subscription.working
        task = asyncio.current_task()
        if task is not None:
            working[envelope] = task
        try:
            argument = argument_of(self.subscription, envelope)
            await self.subscription.deliver(self.call, argument, [envelope])
        finally:
            working.pop(envelope, None)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self.tasks[task]
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            self.subscription.end(error)
        self.subscription.bus.note_idle()

    async def dismiss(self) -> None:
        """Cancel what is still running."""
        for task in list(self.tasks):
            task.cancel()
        if self.tasks:
            await asyncio.wait(list(self.tasks), timeout=GRACE)


async def run_in_thread(subscription: Subscription) -> None:
    """A plain function in the subscription's own thread, a slice of events per hop."""
    while not subscription.closed:
        taken = await subscription.next_batch()
        while taken and not subscription.closed:
            work = subscription.threads.begin(taken, whole=subscription.options.envelope)
            subscription.thread_work = work
            try:
                await work.finished
            except asyncio.CancelledError as error:
                subscription.raise_if_closing(error)
            finally:
                taken = _settle_thread_work(subscription, work)
                subscription.thread_work = None


def _settle_thread_work(subscription: Subscription, work: Any) -> list[Envelope]:
    reason = subscription.interruption()
    handled, failures = work.stop()
    for envelope, error in failures:
        subscription.note_failure(envelope, error, will_retry=False)
        subscription.give_up([envelope], error_text(error), attempts=1)
    subscription.delivered += handled - len(failures)
    subscription.held -= handled - len(failures)
    left: list[Envelope] = work.envelopes[handled:]
    if reason is not None and left:
        subscription.threads.renew()
        subscription.note_failure(left[0], reason, will_retry=False)
        subscription.give_up(left[:1], error_text(reason), attempts=1)
        return left[1:]
    return left
