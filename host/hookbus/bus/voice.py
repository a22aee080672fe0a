"""A plugin's voice on the bus."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from threading import get_ident
from typing import Any

from hookbus.bus.delivery import Breaker, Retry
from hookbus.bus.durable.transaction import Transaction
from hookbus.bus.eventbus import YIELD_EVERY, AnySubscription, EventBus
from hookbus.bus.filters import FilterLike, Predicate, make_filter, make_predicate
from hookbus.bus.inline import InlineSubscription
from hookbus.bus.intake import Intake
from hookbus.bus.options import BEST_EFFORT, DURABLE, LOSSLESS, Options
from hookbus.bus.streams import Stream, Watch
from hookbus.clock import to_ns
from hookbus.envelope import Lagged, Origin
from hookbus.errors import UsageError, WouldBlock
from hookbus.events import Event


class Bus:
    """The bus as one plugin sees it: what it publishes carries the plugin's name as its source.

    Plugins get theirs as `context.bus`.
    """

    __slots__ = ("_bus", "_intake", "_opened", "_origin", "source")

    def __init__(self, bus: EventBus, source: str) -> None:
        self._bus = bus
        self._origin = Origin(bus.run, source)
        self._opened: list[AnySubscription | Stream | Watch] = []
        self._intake = Intake(bus, self.publish)
        self.source = source

    @property
    def run(self) -> str:
        """The name of this run, the first part of the id of every event."""
        return self._origin.run

    async def publish(self, event: Event) -> int:
        """Publish an event; waits while a lossless subscriber is full, or any ring is overgrown.

        A durable event is dispatched after it has been committed; then this returns, or raises
        `JournalError` when it could not be. Returns how many subscriptions matched. Never raises
        because a handler failed or nobody listens. Raises `BusClosed` after the host has stopped,
        `UsageError` for what is no event.
        """
        bus = self._bus
        try:
            route = bus.routes[type(event)]
        except KeyError:
            route = bus.route_for(type(event), self.source)
        bus.until_yield -= 1
        if bus.until_yield <= 0:
            bus.until_yield = YIELD_EVERY
            await asyncio.sleep(0)
            route = bus.route_for(type(event), self.source)
        if route.patient or bus.gates.overgrown:
            if route.gated or bus.gates.overgrown:
                await bus.gates.wait_for_room(route, event)
            if route.committed is not None:
                return await bus.commits.publish(route, event, self._origin)
        return bus.dispatch(route, event, self._origin)

    def publish_nowait(self, event: Event) -> int:
        """Publish an event without ever waiting.

        Returns how many subscriptions matched. Raises `WouldBlock` when a lossless subscriber is
        full, and what `publish` raises.
        """
        bus = self._bus
        if get_ident() != bus.thread:
            raise UsageError(
                "publish_nowait was called outside the event loop's thread; plain handlers run in "
                "a thread of their own: use publish_threadsafe there, or make the handler async"
            )
        try:
            route = bus.routes[type(event)]
        except KeyError:
            route = bus.route_for(type(event), self.source)
        if route.patient:
            if route.committed is not None:
                raise WouldBlock("a durable event has to be committed first; await publish()")
            full = bus.gates.blocked(route, event)
            if full is not None:
                raise WouldBlock(f"a lossless subscriber to {full.filter} is full; await publish()")
        return bus.dispatch(route, event, self._origin)

    def publish_forced(self, event: Event) -> int:
        """Publish without waiting even where a lossless subscriber is full: its ring grows.

        For plain handlers, which cannot wait, and for warnings that must not be held up by what
        they warn of. Who publishes what they answer to should wait, so that rings stop growing.
        Returns how many subscriptions matched; 0, with an entry in the log, when a ring has grown
        to its limit.
        """
        return self._bus.publish_forced(event, self._origin)

    def publish_threadsafe(self, event: Event) -> concurrent.futures.Future[int]:
        """Publish from another thread, in the order of the calls.

        The future's result is what `publish` returns; it raises what `publish` raises. An event
        whose future is cancelled before its turn has come is not published.
        """
        return self._intake.submit(event)

    def subscribe(
        self,
        filter: FilterLike,  # noqa: A002 - the word of the design
        handler: Callable[..., Any],
        *,
        name: str | None = None,
        where: str | Predicate | None = None,
        delivery: str = "best-effort",
        mode: str | None = None,
        envelope: bool = False,
        capacity: int | None = None,
        batch: int | None = None,
        batch_wait: float = 0.0,
        throttle: float | None = None,
        concurrency: int = 1,
        timeout: float | None = None,
        retry: Retry | None = None,
        breaker: Breaker | None = None,
        on_lagged: Callable[[Lagged], Any] | None = None,
        transaction: bool = False,
        start: str = "now",
        crashes: int = 3,
    ) -> AnySubscription:
        """Have `handler` called for every matching event.

        `filter` is an event class (subclasses match), a wire-name pattern (`trade.*`) or several;
        `where` a callable or a safe expression over the event's fields. `delivery` is
        "best-effort" (falls behind: `on_lagged(Lagged(n))`, then goes on), "lossless" (publishers
        wait) or "durable" (at least once, from where the consumer of that `name` has come to, in
        order per key; it needs a journal, begins with the next event or at the `"beginning"` of
        the journal, and sends an event to the dead letters when `retry` is exhausted, or after the
        process has ended `crashes` times in it; with `transaction` the handler gets a
        `Transaction` as well). An async handler runs in the subscription's task; a
        plain function in a thread (`mode="thread"`) or inside publish (`mode="inline"`).
        `envelope=True` hands over the envelope. `capacity` is how many events may wait.
        `batch=n` hands over lists of up to n events gathered within `batch_wait` seconds;
        `throttle` is the least seconds between two events of one type and key, the latest wins;
        `concurrency` the number of handlers at a time, in order per key; `timeout` seconds per
        call. Raises `UsageError`, or `ExpressionError` for a bad `where`.
        """
        # fmt: off
        options = Options(
            delivery, mode, envelope, self._capacity(capacity), batch, batch_wait, throttle,
            concurrency, timeout, retry, breaker, on_lagged, transaction, start, crashes,
        )
        # fmt: on
        return self._add(filter, where, handler, options, name)

    def _add(
        self,
        wanted_like: FilterLike,
        where: str | Predicate | None,
        handler: Callable[..., Any],
        options: Options,
        name: str | None,
    ) -> AnySubscription:
        self._check_thread("subscribe")
        if options.delivery == DURABLE and not name:
            raise UsageError(
                "delivery='durable' needs name=; the journal keeps the consumer's place under it"
            )
        wanted = make_filter(wanted_like)
        predicate = make_predicate(where, wanted)
        label = name or str(getattr(handler, "__qualname__", type(handler).__qualname__))
        subscription = self._bus.subscribe(
            wanted, where, predicate, handler, options, label, self.source
        )
        self._remember(subscription)
        return subscription

    def stream(
        self,
        filter: FilterLike,  # noqa: A002
        *,
        where: str | Predicate | None = None,
        history: int = 0,
        since: datetime | None = None,
        delivery: str = "best-effort",
        capacity: int | None = None,
        envelope: bool = False,
    ) -> Stream:
        """Read matching events with `async for`, beginning with up to `history` past ones, or
        with those `since` a time, and going on with what is published, without gap or duplicate.

        See `subscribe` for the arguments. With a journal the past reaches back as far as that, over
        earlier runs; without one `history` reaches back as far as the host keeps events of each
        type (`[bus] history`), and `since` raises `UsageError`. Reading raises `JournalError` when
        the journal cannot be read; it may be tried again.
        """
        self._check_thread("stream")
        if delivery not in (BEST_EFFORT, LOSSLESS):
            raise UsageError(
                f"delivery={delivery!r} of a stream must be 'best-effort' or 'lossless'"
            )
        wanted = make_filter(filter)
        stream = self._bus.open_stream(
            wanted,
            where,
            make_predicate(where, wanted),
            self._capacity(capacity),
            history,
            None if since is None else self._since_ns(since, history),
            lossless=delivery == LOSSLESS,
            envelope=envelope,
        )
        self._remember(stream)
        return stream

    def _since_ns(self, since: datetime, history: int) -> int:
        if history:
            raise UsageError(f"history={history} and since={since} exclude each other; keep one")
        if not self._bus.commits.attached:
            raise UsageError(
                "since= reads the journal, and no started plugin provides one: install "
                "hookbus-journal, or ask for history=, which reaches back over what is in memory"
            )
        try:
            return to_ns(since)
        except ValueError as error:
            raise UsageError(f"since={since}: {error}") from None

    def _capacity(self, wanted: int | None) -> int:
        if wanted is not None and wanted < 1:
            raise UsageError(f"capacity={wanted} must be 1 or more")
        return self._bus.capacity if wanted is None else wanted

    def _check_thread(self, call: str) -> None:
        if get_ident() != self._bus.thread:
            raise UsageError(
                f"{call} was called outside the event loop's thread; call it there, for example "
                "with loop.call_soon_threadsafe"
            )

    def watch(
        self,
        filter: FilterLike,  # noqa: A002
        *,
        where: str | Predicate | None = None,
    ) -> Watch:
        """A generation counter over matching events: `await watch.changed()`."""
        watch = Watch(self._bus)
        subscription = self.subscribe(filter, watch.bump, where=where, mode="inline", name="watch")
        if isinstance(subscription, InlineSubscription):
            watch.attach(subscription)
        self._remember(watch)
        return watch

    def _remember(self, one: AnySubscription | Stream | Watch) -> None:
        self._opened = [other for other in self._opened if not other.closed]
        self._opened.append(one)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Rows of one's own and durable events that are committed together, or not at all.

        `async with bus.transaction() as transaction:` commits at its end, and nothing when the
        block raises. Needs a journal; raises `UsageError` without one, `TransactionRefused` when a
        statement fails, and `JournalError`. A durable handler is given a transaction of its own.
        """
        return self._bus.commits.transaction(self._origin)

    async def settled(self) -> None:
        """Wait until every subscription has handled all that was published.

        Raises `UsageError` inside a handler.
        """
        await self._bus.settled()

    @property
    def tasks(self) -> list[asyncio.Task[int]]:
        """The tasks that publish what came from other threads."""
        return self._intake.tasks

    def close(self) -> None:
        """Close everything that was opened through this object."""
        opened, self._opened = self._opened, []
        for one in opened:
            one.close()
