"""Mistakes in the settings are named with their key, and the secret stays one."""

from __future__ import annotations

from typing import Any

import pytest
from hookbus import ConfigurationError
from hookbus.testing import HostFactory
from hookbus_discord import DiscordPlugin, DiscordSettings
from pydantic import ValidationError

from tests.plugins.discord.discord import TOKEN
from tests.plugins.discord.samples import URL

OPS = {"ops": {"url": URL}}


def test_what_belongs_together_is_accepted() -> None:
    """Webhooks, alerts that name them, and no word more."""
    alerts = [{"patterns": ["trading.*"], "webhooks": ["ops"], "severity": "critical"}]
    settings = DiscordSettings.model_validate({"webhooks": OPS, "alerts": alerts})
    assert settings.alerts is not None
    assert settings.alerts[0].group_by == "correlation"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"webhooks": OPS, "alerts": [{"patterns": ["*"], "webhooks": ["dev"]}]},
            "alerts number 1 names the webhook 'dev' in its webhooks, but webhooks has only: ops",
        ),
        (
            {"backoff_first": 9, "backoff_most": 3},
            "backoff_first = 9 must not be more than backoff_most = 3",
        ),
        (
            {"connect_timeout": 20, "timeout": 10},
            "connect_timeout = 20 must not be more than timeout = 10",
        ),
        ({"webhooks": {"ops": {"url": "https://a.b"}}}, "ops.url is no webhook of Discord"),
        ({"webhooks": {"ops": {"url": "http://[::1"}}}, "ops.url is no webhook of Discord"),
        ({"alerts": [{"patterns": []}]}, "at least 1"),
        ({"reserve": 1.5}, "less than or equal to 1"),
    ],
)
def test_contradictions_are_told_with_both_sides(settings: dict[str, Any], said: str) -> None:
    """Whoever reads the message knows what to change."""
    with pytest.raises(ValidationError) as caught:
        DiscordSettings.model_validate(settings)
    assert said in str(caught.value)


def test_a_wrong_address_is_told_by_the_host_without_it(host_factory: HostFactory) -> None:
    """The host names key and mend; the address is in no text of the error, nor in its chain."""
    wrong = {"ops": {"url": f"https://evil.net/api/webhooks/42/{TOKEN}"}}
    host = host_factory(DiscordPlugin, settings={"discord": {"webhooks": wrong}})
    host.load()
    record = host.records["discord"]
    told = f"{record.reason} {record.mend} {record.traceback} {record.problems}"
    assert record.phase == "settings"
    assert "plugins.discord.webhooks" in told
    assert "ops.url is no webhook of Discord" in told
    assert TOKEN not in told
    with pytest.raises(ConfigurationError) as caught:
        raise ConfigurationError(record.problems)
    assert TOKEN not in str(caught.value)


async def test_a_wrong_condition_names_its_alert(host_factory: HostFactory) -> None:
    """The host's expression language is checked before the first event."""
    alerts = [{"patterns": ["*"]}, {"patterns": ["a.*"], "where": "strength >"}]
    settings = {"discord": {"webhooks": OPS, "alerts": alerts}}
    async with host_factory(DiscordPlugin, settings=settings) as host:
        assert host.records["discord"].failed
        reason = host.records["discord"].reason or ""
    assert "where of alerts number 2" in reason
    assert "strength >" in reason
