"""Commits: durable events on their way through the journal to those who wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from hookbus.bus.durable.quarantine import Quarantine
from hookbus.bus.durable.subscription import DurableSubscription
from hookbus.bus.durable.transaction import Transaction
from hookbus.bus.filters import Filter, Predicate
from hookbus.bus.inline import call_inlines
from hookbus.bus.options import Options
from hookbus.bus.routing import Route
from hookbus.containment.contained import FAILURES
from hookbus.containment.ownership import host_context
from hookbus.contracts import Journal
from hookbus.envelope import Envelope, Origin, current_envelope
from hookbus.errors import JournalError, UsageError, error_text
from hookbus.events import Event

if TYPE_CHECKING:
    from hookbus.bus.eventbus import EventBus

Store = Callable[..., Awaitable[Any]]
"""Commits statements, envelopes if there are any, and says then where they have landed."""


class Commits:
    """The durable side of one bus.

    `in_flight` are the envelopes that are being committed, by sequence; `refused` counts those that
    the journal did not take, which were never published; `consumers` are the durable subscriptions.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._journal: Journal | None = None
        self._newest: asyncio.Future[int] | None = None
        self._sealed: Envelope | None = None
        self.in_flight: dict[int, Envelope] = {}
        self.refused = 0
        self.consumers: list[DurableSubscription] = []
        self.quarantine = Quarantine()
        self._takers: dict[type[Event], tuple[DurableSubscription, ...]] = {}

    def attach(self, journal: Journal | None) -> None:
        """Publish durable events through `journal` from now on; None has them refused."""
        self._journal = journal
        self._bus.rebuild_all()

    @property
    def journal(self) -> Journal:
        """The journal; raises `UsageError` where there is none."""
        if self._journal is None:
            raise UsageError(
                "this needs a journal, and no started plugin provides one: install "
                "hookbus-journal, and name it in requires="
            )
        return self._journal

    @property
    def attached(self) -> bool:
        """Whether there is a journal."""
        return self._journal is not None

    def require(self, event_class: type[Event]) -> bool:
        """Whether events of a class are durable; consumers learn of a class that they want."""
        if self._journal is None:
            return False
        for consumer in self.consumers:
            consumer.learn(event_class)
        return self._journal.requires(event_class)

    def subscribe(
        self,
        wanted: Filter,
        predicate: Predicate | None,
        handler: Callable[..., Any],
        options: Options,
        name: str,
        plugin: str,
    ) -> DurableSubscription:
        """Add a durable subscription and start it.

        Raises `UsageError` where there is no journal, or a consumer of that name.
        """
        if any((one.plugin, one.name) == (plugin, name) for one in self.consumers):
            raise UsageError(
                f"plugin {plugin!r} has a durable subscription {name!r} already; the name is what "
                "its place in the journal is kept under, so give each its own"
            )
        subscription = DurableSubscription(
            self._bus, wanted, predicate, handler, options, name, plugin
        )
        self.consumers.append(subscription)
        self._takers.clear()
        self._bus.rebuild(wanted)
        subscription.start()
        return subscription

    def forget(self, subscription: DurableSubscription) -> None:
        """Take a closed durable subscription out."""
        self.consumers.remove(subscription)
        self._takers.clear()

    # Publishing

    def publish(self, route: Route, event: Event, origin: Origin) -> asyncio.Future[int]:
        """Publish a durable event; the future has its result when it has been dispatched.

        It raises `JournalError` when the journal cannot take the event, which then is not
        published. Who is cancelled meanwhile does not know whether it was.
        """
        self._newest = landing = self._bus.loop.create_future()
        self._bus.dispatch(route, event, origin)
        if self._newest is landing:
            landing.set_result(0)
        return landing

    def publish_forced(self, route: Route, event: Event, origin: Origin) -> int:
        """Have a durable event committed and dispatched later; what goes wrong is logged."""
        landing = self.publish(route, event, origin)
        if landing.done() and landing.exception() is None:
            return landing.result()
        landing.add_done_callback(partial(self._tell, event))
        return 0

    def _tell(self, event: Event, landing: asyncio.Future[int]) -> None:
        if not landing.cancelled() and (error := landing.exception()) is not None:
            self._bus.reports.not_committed(event, error)

    def begin(self, route: Route, envelope: Envelope) -> int:
        """Hand an envelope to the journal; the bus calls this in the place of dispatching it."""
        self.in_flight[envelope.sequence] = envelope
        landing, self._newest = self._newest, None
        if landing is None:
            self._sealed = envelope
            return 0
        route.withheld += 1
        done = partial(self._done, route, envelope, landing)
        try:
            if self._journal is None:
                raise JournalError("the journal has stopped; the event is not published")
            self._journal.append(envelope, done)
        except FAILURES as error:
            done(0, error if isinstance(error, JournalError) else JournalError(error_text(error)))
        return 0

    def _done(
        self,
        route: Route,
        envelope: Envelope,
        landing: asyncio.Future[int],
        position: int,
        error: Exception | None,
    ) -> None:
        del self.in_flight[envelope.sequence]
        if error is not None:
            self.refused += 1
            if landing.done():
                self._bus.reports.not_committed(envelope.event, error)
            else:
                landing.set_exception(error)
            self._bus.note_idle()
            return
        matched = 0
        if not self._bus.closed:
            route.withheld -= 1
            matched = self._forward(route, envelope, position)
        if not landing.done():
            landing.set_result(matched)

    # Transactions

    @asynccontextmanager
    async def transaction(self, origin: Origin) -> AsyncIterator[Transaction]:
        """Gather statements and events, and commit them together at the end."""
        journal, transaction = self.journal, Transaction(self.journal)
        try:
            yield transaction
        finally:
            transaction.close()
        await self.commit(transaction, origin, journal.transact)

    async def commit(self, transaction: Transaction, origin: Origin, store: Store) -> None:
        """Have `store` commit what a transaction has gathered, then dispatch its events.

        Whoever is cancelled meanwhile leaves the commit to end by itself: what it publishes must
        reach the others. Raises what `store` raises; then nothing has taken place.
        """
        sealed = [self.seal(event, origin) for event in transaction.events]
        envelopes = [one for one in sealed if one is not None]
        if not envelopes:
            await store(transaction.statements)
            return
        whole = self._commit_whole(transaction, envelopes, store)
        await asyncio.shield(self._bus.loop.create_task(whole, context=host_context()))

    async def _commit_whole(
        self, transaction: Transaction, envelopes: list[Envelope], store: Store
    ) -> None:
        try:
            await store(transaction.statements, envelopes, partial(self.land, envelopes))
        except BaseException:
            self.drop(envelopes)
            raise

    def seal(self, event: Event, origin: Origin) -> Envelope | None:
        """An envelope for an event that is committed as part of a transaction.

        None where its causal chain is too long. Raises `UsageError` for what is no event.
        """
        self._bus.route_for(type(event), origin.source)
        self._newest = self._sealed = None
        # A route that leads to `begin` and no further: envelopes are made in one place only.
        sealing = Route(type(event), 0)
        sealing.committed = sealing
        sealing.special = True
        self._bus.dispatch(sealing, event, origin)
        sealed, self._sealed = self._sealed, None
        return sealed

    def land(self, envelopes: Sequence[Envelope], positions: Sequence[int]) -> None:
        """Dispatch what a transaction has published, after its commit."""
        for envelope, position in zip(envelopes, positions, strict=True):
            del self.in_flight[envelope.sequence]
            if not self._bus.closed:
                route = self._bus.route_for(type(envelope.event), envelope.source)
                route.count += 1
                self._forward(route, envelope, position)

    def drop(self, envelopes: Sequence[Envelope]) -> None:
        """The transaction did not take place: what it would have published is not."""
        for envelope in envelopes:
            del self.in_flight[envelope.sequence]
            self.refused += 1
        self._bus.note_idle()

    # Dispatching

    def _forward(self, route: Route, envelope: Envelope, position: int) -> int:
        for channel in route.gated:
            self._bus.gates.make_room(channel, limited=False)
        target = route.committed or route.behind_commit()
        target.recent.append(envelope)
        holder = current_envelope.get()
        if target.conditional or target.choosy:
            matched = self._bus.dispatch_special(target, envelope, holder)
        else:
            matched = len(target.inlines)
            call_inlines(self._bus.inlining, target.inlines, target.handlers, envelope, holder)
        takers = self._takers.get(route.event_class)
        if takers is None:
            takers = self._takers[route.event_class] = tuple(
                one for one in self.consumers if one.filter.matches(route.event_class)
            )
        for consumer in takers:
            consumer.offer(position, envelope)
        if self._bus.settling:
            self._bus.note_idle()
        return matched + len(takers)

    # Ending

    @property
    def idle(self) -> bool:
        """Whether nothing is being committed and every consumer has handled what is there."""
        return not self.in_flight and all(consumer.idle for consumer in self.consumers)

    def begin_no_more(self) -> None:
        """Let consumers finish what they have in hand; the rest waits in the journal."""
        for consumer in self.consumers:
            consumer.begin_no_more()
