"""What the plugin says of itself. It never sends alerts about these."""

from __future__ import annotations

from hookbus import Event, Stops
from pydantic import Field


class DiscordEvent(Event):
    """The base of this plugin's events."""


class WebhookFailing(DiscordEvent, type="discord.webhook_failing", key="webhook"):
    """A webhook cannot be reached; its alerts wait, and it is tried again and again."""

    __stops__ = Stops(("discord.alert",), reason=("reason",), until=("discord.webhook_recovered",))

    webhook: str = Field(description="name of the webhook")
    reason: str = Field(description="what went wrong at the first attempt")


class WebhookRecovered(DiscordEvent, type="discord.webhook_recovered", key="webhook"):
    """A webhook that was failing takes messages again."""

    webhook: str = Field(description="name of the webhook")
    failures: int = Field(description="attempts that failed in a row")


class WebhookStopped(DiscordEvent, type="discord.webhook_stopped", key="webhook", critical=True):
    """Discord does not know a webhook or its token; nothing more is sent to it in this run."""

    __stops__ = Stops(("discord.alert",), reason=("reason",), until=("hookbus.host.started",))

    webhook: str = Field(description="name of the webhook")
    reason: str = Field(description="Discord's answer, and what to do about it")


class AlertsDropped(DiscordEvent, type="discord.alerts_dropped", key="webhook", critical=True):
    """Alerts were dropped since this was last said of the webhook."""

    __stops__ = Stops(("discord.alert",), reason=("dropped", "reasons"))

    webhook: str = Field(description="name of the webhook")
    dropped: int = Field(description="number of alerts that nobody will see in Discord")
    reasons: dict[str, int] = Field(description="the same by reason")


class ProbeRequested(DiscordEvent, type="discord.probe_requested"):
    """Somebody wants a test message in every webhook; publishing it runs the job `discord.test`."""
