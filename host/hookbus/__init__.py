"""hookbus: a minimal host for event-driven trading systems.

A typed event bus, a scheduler, and plugins that come and go. What is listed in `__all__` is what
plugins may use; it is imported when first asked for, so that `import hookbus` costs nothing.
The events of the host itself are in `hookbus.operational`, what plugins write commands with is in
`hookbus.commands`, and what they are tested with in `hookbus.testing`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookbus.bus.delivery import Breaker, BreakerState, Retry
    from hookbus.bus.durable.subscription import DurableSubscription
    from hookbus.bus.durable.transaction import Transaction
    from hookbus.bus.inline import InlineSubscription
    from hookbus.bus.ledger import LedgerReport
    from hookbus.bus.stats import SubscriptionStats
    from hookbus.bus.streams import Stream, Watch
    from hookbus.bus.subscription import Subscription
    from hookbus.bus.voice import Bus
    from hookbus.clock import Clock, SimulatedClock, SystemClock
    from hookbus.contracts import (
        Attempts,
        Consumer,
        ConsumerState,
        DeadLetter,
        Delivery,
        Journal,
        Statement,
        StoredEvent,
    )
    from hookbus.envelope import Envelope, Lagged
    from hookbus.errors import (
        BusClosed,
        ConfigurationError,
        DeadLettersFull,
        DuplicateEventType,
        EventDecodeError,
        ExpressionError,
        HookbusError,
        JournalError,
        JournalFull,
        PayloadTooLarge,
        PluginError,
        PublishDeadlock,
        QueueFull,
        ServiceMissing,
        TransactionRefused,
        UnknownEventType,
        UsageError,
        WouldBlock,
    )
    from hookbus.events import Event, EventRegistry, EventType, Stops
    from hookbus.expressions.expression import compile_expression
    from hookbus.health import HealthCheck, HealthProbe, HealthReport
    from hookbus.hookspecs import HOOK_API_VERSION, hookimpl
    from hookbus.host import Host
    from hookbus.operational import OperationalEvent
    from hookbus.plugins.context import PluginContext
    from hookbus.plugins.plugin import Plugin, Summary
    from hookbus.plugins.source import Source
    from hookbus.queues.books import QueueStats
    from hookbus.queues.queue import WorkQueue
    from hookbus.sagas import (
        Outcome,
        Saga,
        Sagas,
        SagaState,
        SagaStep,
        Standing,
        Step,
        StepState,
    )
    from hookbus.scheduler.jobs import Job, JobRun
    from hookbus.scheduler.runledger import LedgerEntry
    from hookbus.scheduler.scheduler import JobHandle, PluginScheduler
    from hookbus.settings.settings import Settings
    from hookbus.statefile import StateFile

__version__ = "0.1.0"

_HOMES = {
    "bus.delivery": ("Breaker", "BreakerState", "Retry"),
    "bus.inline": ("InlineSubscription",),
    "bus.ledger": ("LedgerReport",),
    "bus.stats": ("SubscriptionStats",),
    "bus.streams": ("Stream", "Watch"),
    "bus.subscription": ("Subscription",),
    "bus.voice": ("Bus",),
    "clock": ("Clock", "SimulatedClock", "SystemClock"),
    "contracts": (
        "Attempts",
        "Consumer",
        "ConsumerState",
        "DeadLetter",
        "Delivery",
        "Journal",
        "Statement",
        "StoredEvent",
    ),
    "bus.durable.subscription": ("DurableSubscription",),
    "bus.durable.transaction": ("Transaction",),
    "envelope": ("Envelope", "Lagged"),
    "errors": (
        "BusClosed",
        "ConfigurationError",
        "DeadLettersFull",
        "DuplicateEventType",
        "EventDecodeError",
        "ExpressionError",
        "HookbusError",
        "JournalError",
        "JournalFull",
        "PayloadTooLarge",
        "PluginError",
        "PublishDeadlock",
        "QueueFull",
        "ServiceMissing",
        "TransactionRefused",
        "UnknownEventType",
        "UsageError",
        "WouldBlock",
    ),
    "events": ("Event", "EventRegistry", "EventType", "Stops"),
    "expressions.expression": ("compile_expression",),
    "health": ("HealthCheck", "HealthProbe", "HealthReport"),
    "hookspecs": ("HOOK_API_VERSION", "hookimpl"),
    "host": ("Host",),
    "operational": ("OperationalEvent",),
    "plugins.context": ("PluginContext",),
    "plugins.plugin": ("Plugin", "Summary"),
    "plugins.source": ("Source",),
    "queues.books": ("QueueStats",),
    "queues.queue": ("WorkQueue",),
    "sagas": (
        "Outcome",
        "Saga",
        "SagaState",
        "SagaStep",
        "Sagas",
        "Standing",
        "Step",
        "StepState",
    ),
    "scheduler.jobs": ("Job", "JobRun"),
    "scheduler.runledger": ("LedgerEntry",),
    "scheduler.scheduler": ("JobHandle", "PluginScheduler"),
    "settings.settings": ("Settings",),
    "statefile": ("StateFile",),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "HOOK_API_VERSION",
    "Attempts",
    "Breaker",
    "BreakerState",
    "Bus",
    "BusClosed",
    "Clock",
    "ConfigurationError",
    "Consumer",
    "ConsumerState",
    "DeadLetter",
    "DeadLettersFull",
    "Delivery",
    "DuplicateEventType",
    "DurableSubscription",
    "Envelope",
    "Event",
    "EventDecodeError",
    "EventRegistry",
    "EventType",
    "ExpressionError",
    "HealthCheck",
    "HealthProbe",
    "HealthReport",
    "HookbusError",
    "Host",
    "InlineSubscription",
    "Job",
    "JobHandle",
    "JobRun",
    "Journal",
    "JournalError",
    "JournalFull",
    "Lagged",
    "LedgerEntry",
    "LedgerReport",
    "OperationalEvent",
    "Outcome",
    "PayloadTooLarge",
    "Plugin",
    "PluginContext",
    "PluginError",
    "PluginScheduler",
    "PublishDeadlock",
    "QueueFull",
    "QueueStats",
    "Retry",
    "Saga",
    "SagaState",
    "SagaStep",
    "Sagas",
    "ServiceMissing",
    "Settings",
    "SimulatedClock",
    "Source",
    "Standing",
    "StateFile",
    "Statement",
    "Step",
    "StepState",
    "Stops",
    "StoredEvent",
    "Stream",
    "Subscription",
    "SubscriptionStats",
    "Summary",
    "SystemClock",
    "Transaction",
    "TransactionRefused",
    "UnknownEventType",
    "UsageError",
    "Watch",
    "WorkQueue",
    "WouldBlock",
    "__version__",
    "compile_expression",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'hookbus' has no attribute {name!r}")
    value = getattr(import_module(f"hookbus.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
