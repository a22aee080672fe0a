"""The settings of the plugin: `[plugins.discord]`."""

from __future__ import annotations

from typing import Annotated, Literal

from hookbus import Settings
from pydantic import (
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from hookbus_discord.addresses import Address

Severity = Literal["info", "warning", "error", "critical"]
GroupBy = Literal["correlation", "key", "none"]
Text = Annotated[str, StringConstraints(min_length=1)]
WebhookName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]


class WebhookSettings(Settings):
    """`[plugins.discord.webhooks.NAME]`: one webhook."""

    url: SecretStr = Field(
        description="its address as Discord shows it: https://discord.com/api/webhooks/ID/TOKEN"
    )


class AlertSettings(Settings):
    """`[[plugins.discord.alerts]]`: which events become alerts, and how they look."""

    patterns: tuple[Text, ...] = Field(
        min_length=1, description="wire-name patterns of the events, such as 'trading.*'"
    )
    where: Text | None = Field(
        None, description="condition over the event's fields, such as \"status == 'critical'\""
    )
    severity: Severity = Field(
        "warning", description="sets the colour; critical ones go first and are dropped last"
    )
    webhooks: tuple[WebhookName, ...] | None = Field(
        None, min_length=1, description="names of the webhooks that get them; all if unset"
    )
    title: Text | None = Field(None, description="the title; the wire name if unset")
    fields: tuple[Text, ...] | None = Field(
        None, description="names of the event's fields that are shown, in order; all if unset"
    )
    group_by: GroupBy = Field(
        "correlation",
        description="what goes into one message: alerts of one causal chain, those of one event "
        "type and key, or one alert each",
    )
    window: float | None = Field(
        None,
        gt=0,
        le=3600,
        description="seconds after its first alert in which a message takes up more of its group; "
        "as in [plugins.discord] if unset",
    )


class DiscordSettings(Settings):
    """Which events are told to whom, and how patiently."""

    allow_test_server: bool = Field(
        False, description="whether webhooks may be elsewhere than at Discord, also over http"
    )
    webhooks: dict[WebhookName, WebhookSettings] = Field(
        default_factory=dict, description="the webhooks by name; without any, nothing is sent"
    )
    alerts: tuple[AlertSettings, ...] | None = Field(
        None, description="what is told; unset: failures of the host and of trading, see README"
    )
    window: float = Field(
        300.0,
        gt=0,
        le=3600,
        description="seconds after its first alert in which a message takes up more of its group",
    )
    edit_interval: float = Field(
        5.0, ge=0, description="least seconds between two edits of one message"
    )
    buffer: int = Field(
        1024, ge=1, description="events of each alert that may wait to be taken from the bus"
    )
    capacity: int = Field(
        200,
        ge=1,
        description="messages of each webhook that may wait to be posted; when it is full, "
        "ordinary alerts are dropped and critical ones replace the newest ordinary message",
    )
    reserve: float = Field(
        0.2,
        ge=0,
        le=1,
        description="share of Discord's rate limit that is kept for critical alerts; one request "
        "of each limit is always left to the others",
    )
    connect_timeout: float = Field(
        5.0, gt=0, description="seconds that connecting to Discord may take"
    )
    timeout: float = Field(10.0, gt=0, description="seconds that a whole request may take")
    backoff_first: float = Field(
        1.0, gt=0, description="seconds to wait, at most, after the first failure of a webhook"
    )
    backoff_most: float = Field(
        120.0, gt=0, description="seconds to wait, at most, after many failures in a row"
    )
    stop_wait: float = Field(
        5.0,
        ge=0,
        description="seconds that the last messages may take when the host stops; keep it below "
        "[host] stop_timeout",
    )
    report_interval: float = Field(
        60.0, gt=0, description="least seconds between two discord.alerts_dropped of a webhook"
    )
    send_in_simulation: bool = Field(
        False, description="whether messages are really sent under the simulated clock"
    )

    @field_validator("webhooks")
    @classmethod
    def _check_addresses(
        cls, webhooks: dict[str, WebhookSettings], info: ValidationInfo
    ) -> dict[str, WebhookSettings]:
        test_server = bool(info.data.get("allow_test_server"))
        for name, webhook in webhooks.items():
            try:
                Address(webhook.url.get_secret_value(), test_server=test_server)
            except ValueError as error:
                raise ValueError(f"{name}.url {error}") from None
        return webhooks

    @model_validator(mode="after")
    def _check_names(self) -> DiscordSettings:
        for number, alert in enumerate(self.alerts or (), 1):
            unknown = [name for name in alert.webhooks or () if name not in self.webhooks]
            if unknown:
                known = ", ".join(self.webhooks) or "none"
                raise ValueError(
                    f"alerts number {number} names the webhook {unknown[0]!r} in its webhooks, but "
                    f"webhooks has only: {known}"
                )
        return self

    @model_validator(mode="after")
    def _check_times(self) -> DiscordSettings:
        for less, more in (("backoff_first", "backoff_most"), ("connect_timeout", "timeout")):
            if getattr(self, less) > getattr(self, more):
                raise ValueError(
                    f"{less} = {getattr(self, less):g} must not be more than "
                    f"{more} = {getattr(self, more):g}"
                )
        return self
