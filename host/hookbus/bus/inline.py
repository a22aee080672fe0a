"""Inline subscriptions: plain functions called inside publish, with no ring and no task."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookbus.bus.filters import Filter, Predicate, condition_text
from hookbus.bus.stats import SubscriptionStats
from hookbus.containment.contained import FAILURES
from hookbus.envelope import Envelope, Handling, Inlining, current_envelope
from hookbus.errors import error_text

if TYPE_CHECKING:
    from hookbus.bus.eventbus import EventBus
    from hookbus.bus.routing import Inlines

set_current_envelope = current_envelope.set
reset_current_envelope = current_envelope.reset


class InlineSubscription:
    """A function called by the publisher; what it matched follows from the counts of the routes."""

    idle = True

    def __init__(
        self,
        bus: EventBus,
        wanted: Filter,
        predicate: Predicate | None,
        handler: Callable[[Any], Any],
        name: str,
        plugin: str,
        *,
        envelope: bool,
    ) -> None:
        self.bus = bus
        self.filter = wanted
        self.predicate = predicate
        self.call = _with_envelope(handler, bus.inlining) if envelope else handler
        self.name = name
        self.plugin = plugin
        self.filtered = 0
        self.failures = 0
        self.closed = False
        self.on_close: Callable[[], None] | None = None
        self._published_before = bus.published_of(wanted)
        self._published_at_close = 0

    def failed(self, envelope: Envelope, error: BaseException) -> None:
        """The function raised: tell, and give the event up."""
        self.bus.reports.handler_failed(self, envelope, error)
        self.give_up([envelope], error_text(error), attempts=1)

    def give_up(self, envelopes: list[Envelope], reason: str, attempts: int) -> None:
        """Send events to the dead letters, also those that the function had kept for later."""
        self.failures += len(envelopes)
        for envelope in envelopes:
            self.bus.reports.dead_lettered(self, envelope, reason, attempts)

    def close(self) -> None:
        """End the subscription."""
        if not self.closed:
            self._published_at_close = self.bus.published_of(self.filter)
            self.closed = True
            self.bus.forget(self)
            if self.on_close is not None:
                self.on_close()

    @property
    def ended(self) -> bool:
        """Whether its account changes no more."""
        return self.closed

    def stats(self) -> SubscriptionStats:
        """The account as it stands."""
        end = self._published_at_close if self.closed else self.bus.published_of(self.filter)
        matched = end - self._published_before
        return SubscriptionStats(
            name=self.name,
            plugin=self.plugin,
            filter=str(self.filter),
            delivery="inline",
            matched=matched,
            delivered=matched - self.filtered - self.failures,
            filtered=self.filtered,
            coalesced=0,
            lagged=0,
            dead_lettered=self.failures,
            pending=0,
            abandoned=0,
            failures=self.failures,
            retries=0,
            condition=condition_text(self.predicate),
        )

    def __repr__(self) -> str:
        return f"<InlineSubscription {self.name!r} of {self.plugin!r} to {self.filter}>"


def _with_envelope(handler: Callable[[Any], Any], inlining: Inlining) -> Callable[[Any], Any]:
    def call(_: Any) -> Any:
        return handler(inlining.current)

    return call


def call_inlines(
    inlining: Inlining,
    inlines: Inlines,
    handlers: tuple[Callable[[Any], Any], ...],
    envelope: Envelope,
    holder: Envelope | Handling | None,
) -> None:
    """Call one function after the other; `handlers` are those of `inlines`.

    `holder` is what the publisher has in hand, or where to look that up.
    """
    if holder is None:
        set_current_envelope(inlining)
    elif holder is not inlining:
        token = set_current_envelope(inlining)
    outer, inlining.current = inlining.current, envelope
    event = envelope.event
    left = iter(handlers)
    try:
        while True:
            try:
                for handler in left:
                    handler(event)
                break
            except FAILURES as error:
                inlines[-operator.length_hint(left) - 1].failed(envelope, error)
    finally:
        inlining.current = outer
        if holder is not None and holder is not inlining:
            reset_current_envelope(token)
