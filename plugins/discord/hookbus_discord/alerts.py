"""Alerts: an event that somebody wants to be told of, with the rule that chose it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from hookbus import Envelope, Event, OperationalEvent

from hookbus_discord.events import DiscordEvent
from hookbus_discord.settings import AlertSettings, Severity

SECOND = 1_000_000_000
"""Nanoseconds in a second."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `alerts`: its settings, its number (from 1) and its window in nanoseconds."""

    settings: AlertSettings
    number: int
    window_ns: int


@dataclass(frozen=True, slots=True)
class Alert:
    """One event under one rule."""

    rule: Rule
    envelope: Envelope

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.rule.settings.severity

    @property
    def critical(self) -> bool:
        """Whether it goes before others."""
        return self.severity == "critical"

    def group(self) -> Hashable | None:
        """What alerts of one message have in common; None for an alert that stays alone.

        Critical alerts share no message with others: an edit notifies nobody, so that one would
        go unseen in the message of a lesser one.
        """
        match self.rule.settings.group_by:
            case "correlation":
                return self.critical, self.envelope.correlation_id
            case "key":
                return self.rule.number, self.envelope.type, self.envelope.key
            case "none":
                return None


def is_about(event: Event, plugin: str) -> bool:
    """Whether an event is about the plugin itself: its own, or one of the host that names it."""
    if isinstance(event, DiscordEvent):
        return True
    if not isinstance(event, OperationalEvent):
        return False
    named = (getattr(event, field, None) for field in ("plugin", "job", "name"))
    return any(str(name) == plugin or str(name).startswith(f"{plugin}.") for name in named)
