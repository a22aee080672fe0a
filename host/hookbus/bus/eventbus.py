"""The bus: publishing, subscribing and the state behind them.

`EventBus` belongs to the host; every plugin speaks through a `Bus` of its own, which puts the
plugin's name on what it publishes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from hookbus.bus.channel import Channel
from hookbus.bus.durable.commits import Commits
from hookbus.bus.durable.subscription import DurableSubscription
from hookbus.bus.filters import Filter, Predicate
from hookbus.bus.gates import Gates
from hookbus.bus.inline import InlineSubscription, call_inlines
from hookbus.bus.ledger import Ledger
from hookbus.bus.options import DURABLE, Options
from hookbus.bus.past import Past, recent
from hookbus.bus.reports import Reports
from hookbus.bus.routing import Inlines, Route
from hookbus.bus.streams import Stream
from hookbus.bus.subscription import Subscription, current_subscription
from hookbus.clock import Clock
from hookbus.containment.contained import FAILURES
from hookbus.containment.ownership import Ownership, host_context
from hookbus.envelope import Envelope, Handling, Inlining, Origin, current_envelope
from hookbus.errors import BusClosed, PublishDeadlock, UsageError
from hookbus.events import Event, EventRegistry, describe
from hookbus.operational import OperationalEvent
from hookbus.settings.secrets import Redactor

get_current_envelope = current_envelope.get

AnySubscription = Subscription | InlineSubscription | DurableSubscription
"""What `Bus.subscribe` may return."""

YIELD_EVERY = 256
"""After so many publishes in a row `publish` lets other tasks run."""


class EventBus:
    """Routes, channels and subscriptions of one host.

    `run` is the identifier of the run, `capacity` the ring size of a subscription that names none,
    `history` the number of recent events kept per type, `max_depth` the longest causal chain,
    `hold_limit` how many seconds one handler may keep publishers waiting before it is cancelled.
    It lives on `loop`, by default the running event loop, and on the thread that makes it;
    `ownership` is told of every task that plugins start there; `redactor` knows the secrets.
    """

    def __init__(
        self,
        clock: Clock,
        log: Any,
        *,
        run: str = "run",
        registry: EventRegistry | None = None,
        capacity: int = 1024,
        history: int = 256,
        max_depth: int = 64,
        hold_limit: float = 30.0,
        loop: asyncio.AbstractEventLoop | None = None,
        ownership: Ownership | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.clock = clock
        self.run = run
        self.registry = registry or EventRegistry()
        self.capacity = capacity
        self.history = history
        self.max_depth = max_depth
        self.sequence = 0
        self.until_yield = YIELD_EVERY
        self.routes: dict[type[Event], Route] = {}
        self.channels: dict[tuple[Filter, Any], Channel] = {}
        self.subscriptions: list[Subscription] = []
        self.inlines: list[InlineSubscription] = []
        self.ledger = Ledger(self)
        self.reports = Reports(self, log)
        self.redactor = redactor or Redactor()
        self.gates = Gates(self, hold_limit)
        self.commits = Commits(self)
        self.closed = False
        self.loop = loop or asyncio.get_running_loop()
        self.thread = threading.get_ident()
        (ownership or Ownership()).install(self.loop)
        self._now_ns = clock.now_ns
        self._own_origin = Origin(run, "hookbus")
        self.inlining = Inlining()
        self.settling: list[asyncio.Future[None]] = []

    # Publishing

    def dispatch(self, route: Route, event: Event, origin: Origin) -> int:
        """Put `event` into an envelope and hand it to everything on its route."""
        self.sequence = sequence = self.sequence + 1
        holder = get_current_envelope()
        if holder is None:
            parent = None
        elif holder is self.inlining:
            parent = self.inlining.current
        else:
            parent = holder.in_hand()
        if parent is None:
            envelope = Envelope(event, sequence, self._now_ns(), origin, sequence, None, 0)
        elif parent.depth < self.max_depth:
            envelope = Envelope(
                event,
                sequence,
                self._now_ns(),
                origin,
                parent._correlation,
                parent.sequence,
                parent.depth + 1,
            )
        else:
            return self._cut(event, origin, parent)
        route.count += 1
        route.recent.append(envelope)
        for channel in route.channels:
            tail = channel.tail
            channel.buffer[tail & channel.mask] = envelope
            channel.tail = tail + 1
            if channel.sleepers:
                channel.wake()
        if route.special:
            return self.dispatch_special(route, envelope, holder)
        matched = route.targets
        if route.handlers:
            call_inlines(self.inlining, route.inlines, route.handlers, envelope, holder)
        return matched

    def dispatch_special(
        self, route: Route, envelope: Envelope, holder: Envelope | Handling | None
    ) -> int:
        """What only some routes need: a journal, critical events kept, predicates asked."""
        if route.committed is not None:
            return self.commits.begin(route, envelope)
        reached = self._push_special(route, envelope)
        inlines, handlers = route.inlines, route.handlers
        if route.choosy:
            inlines = self._that_accept(inlines, envelope.event)
            handlers = tuple(one.call for one in inlines)
        if handlers:
            call_inlines(self.inlining, inlines, handlers, envelope, holder)
        return reached + len(inlines)

    def _push_special(self, route: Route, envelope: Envelope) -> int:
        reached = route.targets - len(route.inlines)
        if route.critical:
            for channel in route.channels:
                channel.keep_last()
        for channel in route.conditional:
            if self.accepts(channel, envelope.event):
                channel.push(envelope)
                reached += len(channel.readers)
                if route.critical:
                    channel.keep_last()
            else:
                channel.filtered += 1
        return reached

    def _that_accept(self, inlines: Inlines, event: Event) -> Inlines:
        accepting = []
        for one in inlines:
            if self.accepts(one, event):
                accepting.append(one)
            else:
                one.filtered += 1
        return tuple(accepting)

    def accepts(
        self, target: Channel | InlineSubscription | DurableSubscription, event: Event
    ) -> bool:
        """Whether a target's predicate lets `event` through; one that raises does not."""
        if target.predicate is None:
            return True
        try:
            return bool(target.predicate(event))
        except FAILURES as error:
            self.reports.predicate_failed(str(target.filter), event, error)
            return False

    def _cut(self, event: Event, origin: Origin, parent: Envelope) -> int:
        self.sequence -= 1
        self.ledger.cut += 1
        self.reports.loop_cut(event, origin.source, parent)
        return 0

    def publish_forced(self, event: Event, origin: Origin | None = None) -> int:
        """Publish without waiting, by default in the host's name; full rings grow up to a limit.

        At the limit, and after the bus was closed, the event is not published but logged. The texts
        of an operational event, which quote exceptions, have no secrets.
        """
        if isinstance(event, OperationalEvent):
            event = self.redactor.in_model(event)
        if self.closed:
            self.reports.log.warning("published after the end", published=repr(event))
            return 0
        route = self.route_for(type(event), "hookbus")
        try:
            for channel in route.gated:
                self.gates.make_room(channel)
        except PublishDeadlock as error:
            self.reports.log.error("not published", published=repr(event), error=str(error))
            return 0
        publish = self.dispatch if route.committed is None else self.commits.publish_forced
        return publish(route, event, origin or self._own_origin)

    # Subscribing

    def route_for(self, event_class: type[Event], owner: str) -> Route:
        """The route of an event class, made at its first publishing.

        Raises `BusClosed`, `UsageError` for what is no publishable event, and
        `DuplicateEventType` when another class has its wire name.
        """
        if self.closed:
            raise BusClosed("the host has stopped; nothing more can be published")
        route = self.routes.get(event_class)
        if route is None:
            if not (isinstance(event_class, type) and issubclass(event_class, Event)):
                raise UsageError(f"{describe(event_class)} is no hookbus.Event")
            self.registry.register(event_class, owner)
            route = self.routes[event_class] = Route(event_class, self.history)
            self._rebuild(route)
        return route

    def published_of(self, wanted: Filter) -> int:
        """How many events were published that a filter wants."""
        return sum(route.published for cls, route in self.routes.items() if wanted.matches(cls))

    def channel_for(self, wanted: Filter, where: Any, predicate: Predicate | None) -> Channel:
        """The channel of a filter and a condition, shared by all who ask for the same."""
        key = (wanted, where if where is None or isinstance(where, str) else id(where))
        channel = self.channels.get(key)
        if channel is None:
            channel = Channel(wanted, predicate, capacity=1)
            channel.published_before = self.published_of(wanted)
            self.channels[key] = channel
        return channel

    def subscribe(
        self,
        wanted: Filter,
        where: Any,
        predicate: Predicate | None,
        handler: Callable[..., Any],
        options: Options,
        name: str,
        plugin: str,
    ) -> AnySubscription:
        """Add a subscription and start its task."""
        self._check_open()
        mode = options.check(handler)
        if options.delivery == DURABLE:
            return self.commits.subscribe(wanted, predicate, handler, options, name, plugin)
        if mode == "inline":
            inline = InlineSubscription(
                self, wanted, predicate, handler, name, plugin, envelope=options.envelope
            )
            self.inlines.append(inline)
            self.rebuild(wanted)
            return inline
        channel = self.channel_for(wanted, where, predicate)
        subscription = Subscription(self, channel, handler, options, name, plugin)
        subscription.on_idle = self.note_idle
        channel.add(subscription)
        self.subscriptions.append(subscription)
        self.rebuild(wanted)
        subscription.task = asyncio.get_running_loop().create_task(
            subscription.run(), name=f"{plugin}:{name}", context=host_context()
        )
        return subscription

    def open_stream(
        self,
        wanted: Filter,
        where: Any,
        predicate: Predicate | None,
        capacity: int,
        history: int,
        since_ns: int | None,
        *,
        lossless: bool,
        envelope: bool,
    ) -> Stream:
        """Add a stream that begins with up to `history` past events, or with those since a time.

        Where there is a journal, they come from there.
        """
        self._check_open()
        channel, past, ready = self.channel_for(wanted, where, predicate), None, []
        if self.commits.attached and (since_ns is not None or history > 0):
            past = Past(self, channel, since_ns, history)
        else:
            ready = recent(self, channel, history)
        stream = Stream(
            self, channel, capacity, ready, past=past, lossless=lossless, envelope=envelope
        )
        channel.add(stream)
        self.rebuild(wanted)
        return stream

    def _check_open(self) -> None:
        if self.closed:
            raise BusClosed("the host has stopped; nothing more can be subscribed")

    def rebuild(self, wanted: Filter) -> None:
        """Bring the routes of the events that a filter wants up to date with the subscriptions."""
        for event_class, route in self.routes.items():
            if wanted.matches(event_class):
                self._rebuild(route)

    def rebuild_all(self) -> None:
        """Bring every route up to date: there is a journal now."""
        for route in self.routes.values():
            self._rebuild(route)

    def _rebuild(self, route: Route) -> None:
        durable = self.commits.require(route.event_class)
        route.rebuild(self.channels.values(), self.inlines, durable=durable)

    def forget(self, subscription: AnySubscription) -> None:
        """Take a closed subscription out; its account is kept in the ledger."""
        if isinstance(subscription, DurableSubscription):
            self.commits.forget(subscription)
        elif isinstance(subscription, InlineSubscription):
            self.inlines.remove(subscription)
            self.rebuild(subscription.filter)
        else:
            self.subscriptions.remove(subscription)
            self.drop_reader(subscription)
        self.ledger.keep(subscription)
        self.note_idle()

    def drop_reader(self, reader: Any) -> None:
        """Take a reader off its channel; a channel without readers goes away."""
        channel = reader.channel
        channel.remove(reader)
        if not channel.readers:
            for key in [key for key, other in self.channels.items() if other is channel]:
                del self.channels[key]
        self.rebuild(channel.filter)

    # Settling

    @property
    def idle(self) -> bool:
        """Whether every subscription has handled all that was published for it."""
        return self.commits.idle and all(one.idle for one in self.subscriptions)

    def note_idle(self) -> None:
        """Let those who wait for the bus to settle look again."""
        if self.settling:
            settling, self.settling = self.settling, []
            for waiter in settling:
                if not waiter.done():
                    waiter.set_result(None)

    async def settled(self) -> None:
        """Wait until every subscription has handled all that was published.

        Raises `UsageError` inside a handler, which would wait for itself.
        """
        if current_subscription.get() is not None:
            raise UsageError("settled() inside a handler would wait for the handler itself")
        while not self.idle:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.settling.append(waiter)
            await waiter

    def close(self) -> None:
        """Close every subscription and stream, and refuse everything from now on."""
        everyone: list[AnySubscription] = [*self.subscriptions, *self.inlines]
        for one in everyone + self.commits.consumers:
            one.close()
        for channel in list(self.channels.values()):
            for reader in channel.readers:
                if isinstance(reader, Stream):
                    reader.close()
        self.closed = True
        self.ledger.keep_routes()
        self.routes.clear()
