"""Routing: what an event of one type goes to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from hookbus.bus.channel import Channel
from hookbus.bus.inline import InlineSubscription
from hookbus.envelope import Envelope
from hookbus.events import Event, event_type

Inlines = tuple[InlineSubscription, ...]
"""Functions to call one after the other, in the order of subscribing."""


class Route:
    """The targets of one event class, and how often it was published.

    `channels` take every event, those in `conditional` what their predicate lets through; `gated`
    are the channels that may make a publisher wait. `inlines` are called in the order of
    subscribing, and `handlers` are their functions; `choosy` says whether one has a predicate.
    `special` says whether there is more to do than pushing and calling; `targets` counts the
    subscriptions that are reached where there is not.
    """

    __slots__ = (
        "channels",
        "choosy",
        "conditional",
        "count",
        "critical",
        "event_class",
        "gated",
        "handlers",
        "inlines",
        "recent",
        "special",
        "targets",
    )

    def __init__(self, event_class: type[Event], history: int) -> None:
        self.event_class = event_class
        self.critical = event_type(event_class).critical
        self.count = 0
        self.recent: deque[Envelope] = deque(maxlen=history)
        self.channels: tuple[Channel, ...] = ()
        self.conditional: tuple[Channel, ...] = ()
        self.inlines: Inlines = ()
        self.handlers: tuple[Callable[[Any], Any], ...] = ()
        self.gated: tuple[Channel, ...] = ()
        self.choosy = False
        self.special = self.critical
        self.targets = 0

    def rebuild(self, channels: Iterable[Channel], inlines: Iterable[InlineSubscription]) -> None:
        """Work out the targets anew, after subscriptions have changed."""
        matching = [channel for channel in channels if channel.filter.matches(self.event_class)]
        self.channels = tuple(channel for channel in matching if channel.predicate is None)
        self.conditional = tuple(channel for channel in matching if channel.predicate is not None)
        self.inlines = tuple(one for one in inlines if one.filter.matches(self.event_class))
        self.handlers = tuple(one.call for one in self.inlines)
        self.choosy = any(one.predicate is not None for one in self.inlines)
        self.special = self.critical or self.choosy or bool(self.conditional)
        self.gated = tuple(
            channel for channel in matching if any(reader.lossless for reader in channel.readers)
        )
        self.targets = len(self.inlines) + sum(len(channel.readers) for channel in self.channels)
