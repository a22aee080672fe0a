"""Reports: what goes wrong on the bus, in the log and as operational events.

Trouble with an operational event is logged and counted but not published, so that a handler that
fails on every event cannot feed itself.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from hookbus import operational
from hookbus.contracts import DeadLetter, StoredEvent
from hookbus.envelope import Envelope, current_envelope
from hookbus.errors import error_text
from hookbus.events import Event, event_type
from hookbus.operational import OperationalEvent

if TYPE_CHECKING:
    from hookbus.bus.durable.subscription import DurableSubscription
    from hookbus.bus.eventbus import EventBus
    from hookbus.bus.subscription import Subscription

CUTS_REMEMBERED = 1024
"""Causal chains of which it is remembered that they were cut."""


class Reports:
    """The reporter of one bus."""

    def __init__(self, bus: EventBus, log: Any) -> None:
        self._bus = bus
        self._cut: deque[str] = deque(maxlen=CUTS_REMEMBERED)
        self.log = log

    def publish(self, event: OperationalEvent, cause: Envelope | None = None) -> None:
        """Publish an operational event, without ever waiting, as caused by `cause`."""
        if cause is not None and isinstance(cause.event, OperationalEvent):
            return
        token = current_envelope.set(cause)
        try:
            self._bus.publish_forced(event)
        finally:
            current_envelope.reset(token)

    def handler_failed(
        self,
        subscription: Any,
        envelope: Envelope,
        error: BaseException,
        attempt: int = 1,
        *,
        will_retry: bool = False,
    ) -> None:
        """A handler raised."""
        self.log.error(
            "handler failed",
            subscription=subscription.name,
            plugin=subscription.plugin,
            event_type=envelope.type,
            event_id=envelope.id,
            error=error_text(error),
            attempt=attempt,
            will_retry=will_retry,
            exc_info=error,
        )
        self.publish(
            operational.HandlerFailed(
                subscription=subscription.name,
                plugin=subscription.plugin,
                event_id=envelope.id,
                event_type=envelope.type,
                error=error_text(error),
                attempt=attempt,
                will_retry=will_retry,
            ),
            envelope,
        )

    def not_restored(self, stored: StoredEvent, wanted: str, error: str) -> None:
        """A stream leaves out the events of a type that it cannot read; told at the first."""
        self.log.warning(
            "events of the journal cannot be read",
            stream=wanted,
            event_type=stored.type,
            first=f"{stored.run}-{stored.sequence}",
            error=error,
        )

    def dead_lettered(
        self, subscription: Any, envelope: Envelope, reason: str, attempts: int
    ) -> None:
        """A subscription gave up on an event."""
        self.publish(
            operational.EventDeadLettered(
                subscription=subscription.name,
                plugin=subscription.plugin,
                reason=reason,
                attempts=attempts,
                envelope=envelope.to_cloudevent(),
            ),
            envelope,
        )

    def buried(
        self, subscription: DurableSubscription, envelope: Envelope | None, letter: DeadLetter
    ) -> None:
        """A durable subscription has moved an event to the dead letters."""
        self.log.error(
            "event dead-lettered",
            subscription=subscription.name,
            plugin=subscription.plugin,
            error=letter.error,
            failures=letter.attempts.failures,
            crashes=letter.attempts.crashes,
        )
        self.publish(
            operational.EventDeadLettered(
                subscription=subscription.name,
                plugin=subscription.plugin,
                reason=letter.error,
                attempts=letter.attempts.failures + letter.attempts.crashes,
                envelope=json.loads(letter.envelope),
            ),
            envelope,
        )

    def consumer_stalled(self, subscription: DurableSubscription, reason: str) -> None:
        """A durable subscription waits because the journal cannot store what it has to say."""
        name, plugin = subscription.name, subscription.plugin
        self.log.error("consumer waits", subscription=name, plugin=plugin, reason=reason)
        self.publish(operational.ConsumerStalled(subscription=name, plugin=plugin, reason=reason))

    def consumer_resumed(self, subscription: DurableSubscription) -> None:
        """The journal stores again what a durable subscription has to say."""
        name, plugin = subscription.name, subscription.plugin
        self.log.info("consumer goes on", subscription=name, plugin=plugin)
        self.publish(operational.ConsumerResumed(subscription=name, plugin=plugin))

    def not_committed(self, event: Event, error: BaseException) -> None:
        """The journal did not take a durable event whose publisher does not wait for it."""
        name = event_type(type(event)).name
        self.log.error("not published", event_type=name, error=error_text(error))

    def predicate_failed(self, filter_text: str, event: Event, error: BaseException) -> None:
        """A `where=` predicate raised; the event counts as filtered out."""
        self.log.error(
            "predicate failed; the event was filtered out",
            filter=filter_text,
            event_type=event_type(type(event)).name,
            error=error_text(error),
        )

    def lagged(self, subscription: Subscription, missed: int, following: Envelope) -> None:
        """A best-effort subscription lost events before `following`."""
        self.log.warning(
            "subscription lagged",
            subscription=subscription.name,
            plugin=subscription.plugin,
            missed=missed,
            capacity=subscription.capacity,
        )
        self.publish(
            operational.SubscriptionLagged(
                subscription=subscription.name, plugin=subscription.plugin, missed=missed
            ),
            following if isinstance(following.event, OperationalEvent) else None,
        )

    def lagged_callback_failed(self, subscription: Subscription, error: BaseException) -> None:
        """An `on_lagged` callback raised."""
        self.log.error(
            "on_lagged failed",
            subscription=subscription.name,
            plugin=subscription.plugin,
            error=error_text(error),
            exc_info=error,
        )

    def subscription_ended(
        self, subscription: Subscription | DurableSubscription, error: BaseException
    ) -> None:
        """The task of a subscription ended although nobody had closed it."""
        self.log.error(
            "subscription ended; it is closed",
            subscription=subscription.name,
            plugin=subscription.plugin,
            error=error_text(error),
            exc_info=error,
        )

    def abandoned(self, subscription: Subscription) -> None:
        """A handler did not stop when it was cancelled."""
        self.log.error(
            "handler swallowed its cancellation; its subscription is closed",
            subscription=subscription.name,
            plugin=subscription.plugin,
        )
        self.publish(
            operational.HandlerAbandoned(subscription=subscription.name, plugin=subscription.plugin)
        )

    def breaker_opened(self, subscription: Subscription) -> None:
        """A breaker opened."""
        rule = subscription.options.breaker
        if rule is None:
            return
        self.log.warning("breaker opened", subscription=subscription.name)
        self.publish(
            operational.BreakerOpened(
                subscription=subscription.name,
                plugin=subscription.plugin,
                failures=rule.failures,
                reset_after=rule.reset_after,
            )
        )

    def breaker_closed(self, subscription: Subscription) -> None:
        """A breaker closed again."""
        self.log.info("breaker closed", subscription=subscription.name)
        self.publish(
            operational.BreakerClosed(subscription=subscription.name, plugin=subscription.plugin)
        )

    def loop_cut(self, event: Event, plugin: str, parent: Envelope) -> None:
        """A causal chain has become too deep.

        It is published once per chain, at the beginning of a new depth: answers to it get through,
        and a handler that answers everything does not start the loop again and again.
        """
        name = event_type(type(event)).name
        self.log.error(
            "event loop cut",
            event_type=name,
            plugin=plugin,
            depth=parent.depth,
            correlation_id=parent.correlation_id,
        )
        if parent.correlation_id in self._cut or isinstance(parent.event, OperationalEvent):
            return
        self._cut.append(parent.correlation_id)
        cut = operational.EventLoopCut(
            plugin=plugin, event_type=name, depth=parent.depth, correlation=parent.correlation_id
        )
        self.publish(cut, parent.as_beginning())

    def backpressure(self, name: str, size: int, capacity: int) -> None:
        """Publishers wait for a full subscription."""
        self.log.warning("backpressure", name=name, size=size, capacity=capacity)
        self.publish(operational.BackpressureWarning(name=name, size=size, capacity=capacity))
