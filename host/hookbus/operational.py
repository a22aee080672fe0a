"""The events that the host itself publishes: what happens to plugins, handlers and jobs."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from hookbus.events import Event


class OperationalEvent(Event):
    """The base of every event about the host itself; subscribe to it to hear of all of them."""


class HostStarted(OperationalEvent, type="hookbus.host.started"):
    """All plugins have been started, or have failed."""

    run: str = Field(description="identifier of this run, the first part of every event id")
    plugins: tuple[str, ...] = Field(description="names of the plugins that are started")
    failed: tuple[str, ...] = Field(description="names of the plugins that failed")


class HostStopping(OperationalEvent, type="hookbus.host.stopping"):
    """The host begins to stop; plugins still run."""

    reason: str = Field(description="why it stops")


class PluginStarted(OperationalEvent, type="hookbus.plugin.started", key="plugin"):
    """A plugin has been started."""

    plugin: str = Field(description="name of the plugin")
    version: str | None = Field(description="version of its distribution, None for a single file")


class PluginFailed(OperationalEvent, type="hookbus.plugin.failed", key="plugin", critical=True):
    """A plugin could not be imported, configured, started, or a task of it has failed."""

    plugin: str = Field(description="name of the plugin")
    phase: str = Field(description="the step that failed: import, settings, start, task, ...")
    reason: str = Field(description="what went wrong, and what to do about it")


class PluginStopped(OperationalEvent, type="hookbus.plugin.stopped", key="plugin"):
    """A plugin has been stopped and everything that it registered is undone."""

    plugin: str = Field(description="name of the plugin")


class SourceFinished(OperationalEvent, type="hookbus.source.finished", key="name"):
    """A source, such as a feed, has come to its end."""

    name: str = Field(description="plugin and name of the source, joined by a dot")
    error: str | None = Field(default=None, description="why it failed, None when it finished")


class HandlerFailed(OperationalEvent, type="hookbus.handler.failed", key="subscription"):
    """A handler raised, or took longer than its timeout."""

    subscription: str = Field(description="name of the subscription")
    plugin: str = Field(description="plugin that subscribed")
    event_id: str = Field(description="id of the event that it handled")
    event_type: str = Field(description="wire name of that event")
    error: str = Field(description="type and text of the exception")
    attempt: int = Field(description="which attempt failed, from 1")
    will_retry: bool = Field(description="whether another attempt follows")


class EventDeadLettered(OperationalEvent, type="hookbus.event.dead-lettered", key="subscription"):
    """A subscription gave up on an event."""

    subscription: str = Field(description="name of the subscription")
    plugin: str = Field(description="plugin that subscribed")
    reason: str = Field(description="why it was given up")
    attempts: int = Field(description="attempts that were made")
    envelope: dict[str, Any] = Field(description="the event as CloudEvents 1.0 JSON")


class SubscriptionLagged(OperationalEvent, type="hookbus.subscription.lagged", key="subscription"):
    """A best-effort subscription fell behind and lost events."""

    subscription: str = Field(description="name of the subscription")
    plugin: str = Field(description="plugin that subscribed")
    missed: int = Field(description="number of events that were overwritten unread")


class HandlerAbandoned(OperationalEvent, type="hookbus.handler.abandoned", key="subscription"):
    """A handler swallowed its cancellation and was left behind; its subscription is closed."""

    subscription: str = Field(description="name of the subscription")
    plugin: str = Field(description="plugin that subscribed")


class ConsumerStalled(
    OperationalEvent, type="hookbus.consumer.stalled", key="subscription", critical=True
):
    """A durable subscription waits: the journal, or its dead letters, cannot take more."""

    subscription: str = Field(description="name of the subscription")
    plugin: str = Field(description="plugin that subscribed")
    reason: str = Field(description="why, and what to do about it")


class ConsumerResumed(OperationalEvent, type="hookbus.consumer.resumed", key="subscription"):
    """A durable subscription that waited goes on."""

    subscription: str = Field(description="name of the subscription")
    plugin: str = Field(description="plugin that subscribed")


class BreakerOpened(OperationalEvent, type="hookbus.breaker.opened", key="subscription"):
    """A handler failed too often in a row; its events are dead-lettered until it recovers."""

    subscription: str = Field(description="name of the subscription")
    plugin: str = Field(description="plugin that subscribed")
    failures: int = Field(description="failures in a row")
    reset_after: float = Field(description="seconds until the next try")


class BreakerClosed(OperationalEvent, type="hookbus.breaker.closed", key="subscription"):
    """A handler behind an open breaker works again."""

    subscription: str = Field(description="name of the subscription")
    plugin: str = Field(description="plugin that subscribed")


class EventLoopCut(OperationalEvent, type="hookbus.event.loop-cut", key="plugin", critical=True):
    """A causal chain grew deeper than the limit; the next event of it was not published."""

    plugin: str = Field(description="plugin that published once more")
    event_type: str = Field(description="wire name of the event that was cut")
    depth: int = Field(description="length of the chain")
    correlation: str = Field(description="id of the first event of the chain")


class LoopBlocked(OperationalEvent, type="hookbus.loop.blocked", key="plugin"):
    """A plugin kept the event loop from running."""

    plugin: str = Field(description="the plugin whose code was running, or 'host'")
    seconds: float = Field(description="how long the loop stood still, in seconds")
    stack: str = Field(description="where it stood")


class BackpressureWarning(OperationalEvent, type="hookbus.backpressure", key="name"):
    """A queue or a lossless subscription has crossed its high-water mark."""

    name: str = Field(description="name of the queue or subscription")
    size: int = Field(description="items waiting")
    capacity: int = Field(description="items that fit")


class LedgerDiscrepancy(OperationalEvent, type="hookbus.ledger.discrepancy", critical=True):
    """The books do not balance: an event was lost or counted twice."""

    detail: str = Field(description="the figures that do not add up")


class JobStarted(OperationalEvent, type="hookbus.job.started", key="job"):
    """A due run of a job has begun."""

    job: str = Field(description="plugin and name of the job, joined by a dot")
    trigger: str = Field(description="timer, event, batch or manual")
    due_ns: int = Field(description="when it was due, nanoseconds since 1970")


class JobCompleted(OperationalEvent, type="hookbus.job.completed", key="job"):
    """A run of a job has finished."""

    job: str = Field(description="plugin and name of the job, joined by a dot")
    duration: float = Field(description="how long it took, in seconds")


class JobFailed(OperationalEvent, type="hookbus.job.failed", key="job"):
    """A run of a job raised, or took longer than its timeout."""

    job: str = Field(description="plugin and name of the job, joined by a dot")
    error: str = Field(description="type and text of the exception")


class JobSkipped(OperationalEvent, type="hookbus.job.skipped", key="job"):
    """A due run of a job did not take place."""

    job: str = Field(description="plugin and name of the job, joined by a dot")
    outcome: str = Field(description="coalesced, skipped, missed, shadow or disabled")
    reason: str = Field(description="why it did not run")


def own_events() -> list[type[OperationalEvent]]:
    """Every event type of the host itself."""
    return [
        value
        for value in globals().values()
        if isinstance(value, type)
        and issubclass(value, OperationalEvent)
        and value.__event__ is not None
    ]
