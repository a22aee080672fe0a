"""Alerts from the events of a host to Discord webhooks."""

from hookbus_discord.plugin import DiscordPlugin
from hookbus_discord.settings import AlertSettings, DiscordSettings, WebhookSettings

__all__ = ["AlertSettings", "DiscordPlugin", "DiscordSettings", "WebhookSettings"]
