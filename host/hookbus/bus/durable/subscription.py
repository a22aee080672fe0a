"""Durable subscriptions: at least once, from a consumer's own offset, in order for each key."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any

from hookbus.bus.channel import Channel
from hookbus.bus.durable.attempt import Attempt
from hookbus.bus.durable.backlog import Backlog, make_item
from hookbus.bus.durable.lanes import Item, Lanes
from hookbus.bus.durable.stall import Stall
from hookbus.bus.filters import Filter, Predicate, condition_text, stored_names
from hookbus.bus.options import Options
from hookbus.bus.runners import make_call
from hookbus.bus.stats import SubscriptionStats
from hookbus.bus.subscription import current_subscription
from hookbus.bus.threads import ThreadCaller
from hookbus.containment.contained import FAILURES
from hookbus.containment.ownership import current_plugin, host_context
from hookbus.contracts import Attempts, Consumer, Delivery, StoredEvent
from hookbus.envelope import Envelope, Origin, current_envelope
from hookbus.events import Event, event_type

if TYPE_CHECKING:
    from hookbus.bus.eventbus import EventBus


class DurableSubscription:
    """One durable handler. Made by `Bus.subscribe`; `close()` ends it, and events go on being kept.

    `window` has the events that were taken and are not finished, by position; `letters` the dead
    letters that are tried again; `working` what the handlers have in hand.
    """

    def __init__(
        self,
        bus: EventBus,
        wanted: Filter,
        predicate: Predicate | None,
        handler: Callable[..., Any],
        options: Options,
        name: str,
        plugin: str,
    ) -> None:
        self.bus = bus
        self.filter = wanted
        self.predicate = predicate
        self.options = options
        self.name = name
        self.plugin = plugin
        self.origin = Origin(bus.run, plugin)
        self.mode = options.check(handler)
        self.handler = partial(_spread, handler) if options.transaction else handler
        self.threads = ThreadCaller(self.handler, f"{plugin}:{name}", options.concurrency)
        self.call = make_call(self)
        self.chance = random.Random(name)
        self.stall = Stall(self)
        self.window: dict[int, Item] = {}
        self.letters: dict[int, Item] = {}
        self.working: dict[Envelope, asyncio.Task[Any]] = {}
        self.waiting_for: list[Channel] = []
        self.delivered = self.filtered = self.dead_lettered = self.failures = self.retries = 0
        self.letters_taken = 0
        self.closed = False
        self._taking = True
        self._lanes = Lanes()
        self._at_work: list[Item] = []
        self._names = stored_names(wanted, bus.registry, plugin)
        self._beginning = options.start == "beginning"
        self.consumer = self._register()
        self.consumer.on_retry(self._retry_letter)
        self.backlog = Backlog(self.consumer.read, bus.registry, options.capacity)
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []

    def _register(self) -> Consumer:
        return self.bus.commits.journal.consumer(
            f"{self.plugin}:{self.name}", sorted(self._names), beginning=self._beginning
        )

    def learn(self, event_class: type[Event]) -> None:
        """Have events of a class kept that is published for the first time, if it is wanted."""
        name = event_type(event_class).name
        if name not in self._names and self.filter.matches(event_class):
            self._names.add(name)
            self._register()
            self.backlog.widen()

    # Taking events

    def start(self) -> None:
        """Start its tasks: one takes events, the others handle them."""
        for work in (self._feed, *[self._work] * self.options.concurrency):
            name = f"{self.plugin}:{self.name}"
            task = self.bus.loop.create_task(self._run(work), name=name, context=host_context())
            self._tasks.append(task)

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        current_subscription.set(self)
        current_envelope.set(None)
        current_plugin.set(self.plugin)
        try:
            await work()
        except FAILURES as error:
            if not self.closed:
                self.bus.reports.subscription_ended(self, error)
                self.close()

    def offer(self, position: int, envelope: Envelope) -> None:
        """An event that it wants has been committed."""
        self.backlog.offer(position, envelope)

    async def _feed(self) -> None:
        state = await self.stall.stored(self.consumer.opened)
        self.backlog.open(state)
        for letter, stored in state.retrying.items():
            self._retry_letter(letter, stored, state.attempts.get(stored.position, Attempts()))
        while not self.closed:
            room = self.options.capacity - len(self.window)
            if room <= 0 or not self._taking:
                self._changed.clear()
                await self._changed.wait()
                continue
            items = await self.stall.stored(partial(self.backlog.take, min(room, 256)))
            for item in items:
                self.window[item.delivery.position] = item
                self._lanes.add(item)
            self._note_change()

    def _retry_letter(
        self,
        letter: int,
        stored: StoredEvent,
        attempts: Attempts = Attempts(),  # noqa: B008 - immutable
    ) -> None:
        if letter in self.letters:
            return
        item = make_item(Delivery(stored.position, letter), stored, self.bus.registry, attempts)
        self.letters[letter] = item
        self.letters_taken += 1
        self._lanes.add(item)
        self._note_change()

    def _note_change(self) -> None:
        self._changed.set()
        self.bus.note_idle()

    # Handling events

    async def _work(self) -> None:
        while not self.closed:
            item = self._lanes.next() if self._taking else None
            if item is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            self._at_work.append(item)
            try:
                wait = await Attempt(self, item).run()
            finally:
                self._at_work.remove(item)
            if wait is None:
                self._finished(item)
            else:
                self._lanes.rest(item)
                self.bus.loop.call_later(wait, self._wake, item)
            self._note_change()

    def _wake(self, item: Item) -> None:
        self._lanes.wake(item)
        self._changed.set()

    def _finished(self, item: Item) -> None:
        if item.delivery.letter is None:
            del self.window[item.delivery.position]
        else:
            del self.letters[item.delivery.letter]
        self._lanes.done(item)

    def offset_without(self, delivery: Delivery) -> int:
        """Up to where everything is finished when this delivery is."""
        for position in self.window:
            if position != delivery.position or delivery.letter is not None:
                return position - 1
        return self.backlog.read_to

    def in_hand(self) -> list[Envelope]:
        """What its handlers are working on now."""
        return list(self.working)

    # Ending

    def begin_no_more(self) -> None:
        """Finish what is in hand, and leave the rest in the journal."""
        self._taking = False
        self._note_change()

    def close(self) -> None:
        """End it; a running handler is cancelled, and its event stays in the journal."""
        if get_ident() != self.bus.thread:
            self.bus.loop.call_soon_threadsafe(self.close)
        elif not self.closed:
            self.closed = True
            self._taking = False
            for task in self._tasks:
                if task is not asyncio.current_task():
                    task.cancel()
            self.threads.close()
            for item in self._at_work:
                self.consumer.released(item.delivery)
            self.consumer.close()
            self.bus.forget(self)

    @property
    def idle(self) -> bool:
        """Whether all that was committed for it has been handled, or it takes nothing more."""
        if self.closed or not self._taking:
            return not self._at_work
        return self.backlog.caught_up and not self.window and not self.letters

    @property
    def ended(self) -> bool:
        """Whether its account changes no more."""
        return self.closed and not self._at_work

    def stats(self) -> SubscriptionStats:
        """The account as it stands; what waits in the journal when it is closed stays pending."""
        backlog = self.backlog
        return SubscriptionStats(
            name=self.name,
            plugin=self.plugin,
            filter=str(self.filter),
            delivery=self.options.delivery,
            matched=backlog.offered + backlog.older + self.letters_taken,
            delivered=self.delivered,
            filtered=self.filtered,
            coalesced=0,
            lagged=0,
            dead_lettered=self.dead_lettered,
            pending=len(self.window) + len(self.letters) + backlog.waiting,
            abandoned=0,
            failures=self.failures,
            retries=self.retries,
            condition=condition_text(self.predicate),
        )

    def __repr__(self) -> str:
        return f"<DurableSubscription {self.name!r} of {self.plugin!r} to {self.filter}>"


def _spread(handler: Callable[[Any, Any], Any], arguments: tuple[Any, Any]) -> Any:
    """Call a handler that takes an event and a transaction."""
    return handler(*arguments)
