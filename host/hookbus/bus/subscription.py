"""Subscriptions: filter, handler and delivery policy, run by a task of their own."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Callable
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING, Any

from hookbus.bus.channel import SLICE, Channel, Cursor
from hookbus.bus.delivery import BreakerState, HandlerInterrupted
from hookbus.bus.filters import condition_text
from hookbus.bus.options import BEST_EFFORT, Options
from hookbus.bus.runners import runner_for
from hookbus.bus.stats import SubscriptionStats
from hookbus.bus.threads import ThreadCaller, ThreadWork
from hookbus.containment.contained import FAILURES
from hookbus.containment.limits import HandlerSwallowedCancellation, call_within
from hookbus.containment.ownership import current_plugin
from hookbus.envelope import Envelope, Handling, Lagged, current_envelope, handled_envelope
from hookbus.errors import error_text

if TYPE_CHECKING:
    from hookbus.bus.durable.subscription import DurableSubscription
    from hookbus.bus.eventbus import EventBus


current_subscription: ContextVar[Subscription | DurableSubscription | None] = ContextVar(
    "hookbus_current_subscription", default=None
)
"""The subscription whose handler, or a task started by it, is running."""


class Subscription(Cursor):
    """One handler on a channel. Made by `Bus.subscribe`; `close()` ends it."""

    def __init__(
        self,
        bus: EventBus,
        channel: Channel,
        handler: Callable[[Any], Any],
        options: Options,
        name: str,
        plugin: str,
    ) -> None:
        super().__init__(channel, options.capacity, lossless=options.delivery != BEST_EFFORT)
        self.bus = bus
        self.handler = handler
        self.options = options
        self.name = name
        self.plugin = plugin
        self.mode = options.check(handler)
        self.task: asyncio.Task[None] | None = None
        self.handling = Handling()
        self.working: dict[Envelope, asyncio.Task[Any]] = {}
        self.thread_work: ThreadWork | None = None
        self.waiting_for: list[Channel] = []
        self.held = 0
        self.delivered = 0
        self.coalesced = 0
        self.dead_lettered = 0
        self.failures = 0
        self.retries = 0
        self.closed = False
        self.abandoned = False
        self.closed_at = 0
        self.closed_filtered = 0
        self.threads = ThreadCaller(handler, f"{plugin}:{name}", options.concurrency)
        self._pressed = False
        self._interruptions: dict[asyncio.Task[Any], tuple[str, Envelope]] = {}
        self._chance = random.Random(name)
        self._breaker = BreakerState(options.breaker, bus.clock.now_ns) if options.breaker else None

    @property
    def current(self) -> Envelope | None:
        """The envelope in hand."""
        return self.handling.current

    @current.setter
    def current(self, envelope: Envelope | None) -> None:
        self.handling.current = envelope

    # The loop of the task

    async def run(self) -> None:
        """Deliver until closed; the body of the subscription's task."""
        current_subscription.set(self)
        current_envelope.set(None)
        current_plugin.set(self.plugin)
        try:
            await runner_for(self)(self)
        except HandlerSwallowedCancellation:
            self.abandon()
        except asyncio.CancelledError as error:
            self.end(error)
            raise
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - told, and the subscription is closed
            self.end(error)

    @property
    def lagging(self) -> bool:
        """Whether events have been overwritten that it has not come to yet."""
        return not self.lossless and self.unread > self.capacity

    def grab(self, most: int = SLICE) -> list[Envelope]:
        """Take what is there, at most `most`, and count it as held."""
        taken = self.take(most)
        self.held += len(taken)
        return taken

    async def next_batch(self, most: int = SLICE, seconds: float | None = None) -> list[Envelope]:
        """Wait for events and take them; an empty list when `seconds` have passed first."""
        while self.cursor == self.channel.tail:
            self._pressed = False
            await self.sleep(seconds)
            if seconds is not None and self.cursor == self.channel.tail:
                return []
        if self.lagging:
            return await self._lose(most)
        return self.grab(most)

    async def _lose(self, most: int) -> list[Envelope]:
        lost, taken = self.skip_lost(most)
        # Taken before anything is told: telling publishes, and the ring is full.
        taken += self.take(most - len(taken))
        self.slice = taken
        self.held += len(taken)
        if lost:
            self.bus.reports.lagged(self, lost, taken[0])
            if self.options.on_lagged is not None:
                await self._tell_lagged(lost)
        return taken

    async def _tell_lagged(self, lost: int) -> None:
        current_envelope.set(None)
        try:
            answer = self.options.on_lagged(Lagged(lost))  # type: ignore[misc]
            if inspect.isawaitable(answer):
                await answer
        except FAILURES as error:
            self.raise_if_closing(error)
            self.failures += 1
            self.bus.reports.lagged_callback_failed(self, error)

    # One delivery

    async def deliver(
        self, call: Callable[[Any], Any], argument: Any, envelopes: list[Envelope]
    ) -> None:
        """Hand `argument` over with retry, timeout and breaker, and account for `envelopes`."""
        breaker = self._breaker
        if breaker is not None and not breaker.allows():
            self.give_up(envelopes, "the breaker is open", attempts=0)
            return
        current_envelope.set(envelopes[-1])
        self.current = envelopes[-1]
        attempt = 1
        while (error := await self._attempt(call, argument)) is not None:
            wait = self._after_failure(envelopes, error, attempt)
            if wait is None:
                return
            attempt += 1
            self.retries += 1
            interrupted = await self._pause(wait)
            if interrupted is not None:
                self.give_up(envelopes, error_text(interrupted), attempts=attempt - 1)
                return
        self.current = None
        self.held -= len(envelopes)
        self.delivered += len(envelopes)
        if breaker is not None and breaker.succeeded():
            self.bus.reports.breaker_closed(self)

    async def _attempt(self, call: Callable[[Any], Any], argument: Any) -> BaseException | None:
        try:
            if self.options.timeout is None:
                await call(argument)
            else:
                await call_within(call, argument, self.options.timeout)
        except HandlerSwallowedCancellation:
            self.abandon()
            raise asyncio.CancelledError from None
        except FAILURES as error:
            self.raise_if_closing(error)
            return self.interruption() or error
        return None

    async def _pause(self, seconds: float) -> BaseException | None:
        try:
            await self.bus.clock.sleep(seconds)
        except asyncio.CancelledError as error:
            self.raise_if_closing(error)
            return self.interruption() or error
        return None

    def _after_failure(
        self, envelopes: list[Envelope], error: BaseException, attempt: int
    ) -> float | None:
        retry = self.options.retry
        opened = self._breaker is not None and self._breaker.failed()
        final = (
            self.closed
            or isinstance(error, HandlerInterrupted)
            or (self._breaker is not None and self._breaker.open_until_ns is not None)
        )
        again = retry is not None and attempt < retry.attempts and not final
        self.note_failure(envelopes[-1], error, attempt, will_retry=again)
        if opened:
            self.bus.reports.breaker_opened(self)
        if again and retry is not None:
            return retry.wait(attempt, self._chance)
        self.give_up(envelopes, error_text(error), attempts=attempt)
        return None

    def note_failure(
        self, envelope: Envelope, error: BaseException, attempt: int = 1, *, will_retry: bool
    ) -> None:
        """Count, log and publish that the handler failed."""
        self.failures += 1
        self.bus.reports.handler_failed(self, envelope, error, attempt, will_retry=will_retry)

    def note_backpressure(self) -> None:
        """Say once, until it has caught up, that publishers wait for this subscription."""
        if not self._pressed:
            self._pressed = True
            self.bus.reports.backpressure(self.name, self.unread, self.capacity)

    def give_up(self, envelopes: list[Envelope], reason: str, attempts: int) -> None:
        """Send events to the dead letters."""
        self.held -= len(envelopes)
        self.dead_lettered += len(envelopes)
        for envelope in envelopes:
            self.bus.reports.dead_lettered(self, envelope, reason, attempts)
        self.current = None

    # Interruption and closing

    def in_hand(self) -> list[Envelope]:
        """What its handlers are working on now; of a batch, the last event."""
        if self.options.concurrency > 1:
            return list(self.working)
        if self.thread_work is not None:
            return self.thread_work.in_hand()
        return [] if self.current is None else [self.current]

    def interrupt(self, envelope: Envelope, reason: str) -> None:
        """Cancel the handler that has `envelope` in hand, as a failure with `reason`."""
        task = self.working.get(envelope, self.task)
        if task is None or envelope not in self.in_hand():
            return
        if task in self._interruptions:
            if self._interruptions[task][1] is envelope:
                return
            task.uncancel()
        self._interruptions[task] = (reason, envelope)
        task.cancel()

    def abandon_if_stuck(self, envelope: Envelope) -> None:
        """Abandon a handler that was interrupted and still has `envelope` in hand."""
        for task, (_, asked) in list(self._interruptions.items()):
            if asked is envelope and envelope in self.in_hand():
                self.abandon()
            elif asked is envelope:
                del self._interruptions[task]
                task.uncancel()

    def interruption(self) -> HandlerInterrupted | None:
        """Why the handler that this task has called was interrupted, once."""
        task = asyncio.current_task()
        if task is None or task not in self._interruptions:
            return None
        task.uncancel()
        reason, envelope = self._interruptions.pop(task)
        if self.thread_work is None and envelope not in self.in_hand():
            return None
        return HandlerInterrupted(reason)

    def raise_if_closing(self, error: BaseException) -> None:
        """Let a cancellation through that means this subscription, not its handler."""
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None:
            interrupted = task in self._interruptions
            if self.closed or task.cancelling() > interrupted:
                raise error

    def end(self, error: BaseException) -> None:
        """Close it because its task was ended by something else than `close`."""
        if not self.closed:
            self.bus.reports.subscription_ended(self, error)
            self.close()

    def close(self) -> None:
        """End the subscription; what it had not handled is counted as abandoned.

        A running handler is cancelled, unless it is the one that closes its own subscription.
        """
        if get_ident() != self.bus.thread:
            self.bus.loop.call_soon_threadsafe(self.close)
        elif not self.closed:
            self._close()

    def _close(self) -> None:
        self.closed = True
        own = self._handles_what_closes_it()
        self._let_go()
        self.closed_at = self.channel.tail
        self.closed_filtered = self.channel.filtered
        self.bus.forget(self)
        if self.thread_work is not None:
            self.thread_work.begin_no_more()
        self.threads.close()
        if self.task is not None and not own:
            self.task.cancel()

    def _handles_what_closes_it(self) -> bool:
        own = current_subscription.get() is self and self.options.concurrency == 1
        return own and handled_envelope() in self.in_hand()

    def _let_go(self) -> None:
        """Take what comes after the event in hand out of the slice that the runner is busy with."""
        done = self.slice.index(self.current) + 1 if self.current in self.slice else 0
        del self.slice[done:]

    def abandon(self) -> None:
        """Close it, leaving behind a handler that cannot be stopped."""
        if not self.abandoned:
            self.abandoned = True
            self.close()
            self.bus.reports.abandoned(self)

    # The books

    @property
    def idle(self) -> bool:
        """Whether everything that was published for it has been handled."""
        return self.closed or (self.sleeping and not self.held)

    @property
    def ended(self) -> bool:
        """Whether its account changes no more."""
        return self.closed and (self.task is None or self.task.done())

    def stats(self) -> SubscriptionStats:
        """The account as it stands."""
        end = self.channel.tail if not self.closed else self.closed_at
        filtered_end = self.channel.filtered if not self.closed else self.closed_filtered
        filtered = filtered_end - self.filtered_before
        open_items = end - self.cursor + self.held
        return SubscriptionStats(
            name=self.name,
            plugin=self.plugin,
            filter=str(self.channel.filter),
            delivery=self.options.delivery,
            matched=end - self.start + filtered,
            delivered=self.delivered,
            filtered=filtered,
            coalesced=self.coalesced,
            lagged=self.lagged,
            dead_lettered=self.dead_lettered,
            pending=0 if self.closed else open_items,
            abandoned=open_items if self.closed else 0,
            failures=self.failures,
            retries=self.retries,
            condition=condition_text(self.channel.predicate),
        )

    def __repr__(self) -> str:
        return f"<Subscription {self.name!r} of {self.plugin!r} to {self.channel.filter}>"
