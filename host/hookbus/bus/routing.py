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
    are the channels that may make a publisher wait, and `patient` says whether `publish` may have
    to. The events of a durable class go to the journal first and then to the targets of the route
    `committed`; `withheld` counts those that did not come to that. `inlines` are called in the
    order of subscribing, and `handlers` are their functions; `choosy` says whether one has a
    predicate.
    `special` says whether there is more to do than pushing and calling; `targets` counts the
    subscriptions that are reached where there is not.
    """

    __slots__ = (
        "channels",
        "choosy",
        "committed",
        "conditional",
        "count",
        "critical",
        "event_class",
        "gated",
        "handlers",
        "inlines",
        "patient",
        "recent",
        "special",
        "targets",
        "withheld",
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
        self.patient = False
        self.targets = 0
        self.committed: Route | None = None
        self.withheld = 0

    @property
    def published(self) -> int:
        """How many events have gone to the targets."""
        return self.count - self.withheld

    def rebuild(
        self,
        channels: Iterable[Channel],
        inlines: Iterable[InlineSubscription],
        *,
        durable: bool = False,
    ) -> None:
        """Work out the targets anew, after subscriptions have changed.

        A class that was durable once stays so.
        """
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
        self.patient = bool(self.gated)
        if durable or self.committed is not None:
            self._withhold()

    def _withhold(self) -> None:
        """Move the targets to the route that events take after they have been committed."""
        recent = self.recent if self.committed is None else self.committed.recent
        self.committed = None
        self.committed = self.behind_commit()
        self.committed.recent = recent
        self.recent = deque(maxlen=0)
        self.channels = self.conditional = ()
        self.inlines = self.handlers = ()
        self.choosy = False
        self.special = self.patient = True
        self.targets = 0

    def behind_commit(self) -> Route:
        """The route that a committed event takes."""
        if self.committed is not None:
            return self.committed
        committed = Route(self.event_class, 0)
        committed.recent = self.recent
        committed.conditional = (*self.channels, *self.conditional)
        committed.gated = self.gated
        committed.inlines, committed.handlers = self.inlines, self.handlers
        committed.choosy = self.choosy
        committed.targets = len(self.inlines)
        return committed
