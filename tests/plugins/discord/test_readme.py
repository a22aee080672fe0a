"""The README says what is so."""

from __future__ import annotations

import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path

from hookbus_discord import DiscordSettings
from hookbus_discord.defaults import DEFAULT_ALERTS
from hookbus_discord.messages import message

from tests.plugins.discord.samples import URL, Rejected, alert, rule

README = Path(__file__).parents[3] / "plugins" / "discord" / "README.md"


def block(language: str) -> str:
    """The first code block in a language."""
    found = re.search(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_settings_are_valid() -> None:
    """Whoever copies them gets no error but for the address."""
    address = "https://discord.com/api/webhooks/ID/TOKEN"
    data = tomllib.loads(block("toml").replace(address, URL))
    settings = DiscordSettings.model_validate(data["plugins"]["discord"])
    assert len(settings.alerts or ()) == len(settings.webhooks) == 2


def test_the_table_of_default_alerts_is_complete() -> None:
    """Pattern, severity and condition of each, in order, and the way in which they are grouped."""
    rows = re.findall(r"^\| `([a-z_.-]+)` \| (\w+) \| (?:`(.*)` )?\|$", README.read_text(), re.M)
    told = [(alert.patterns[0], alert.severity, alert.where or "") for alert in DEFAULT_ALERTS]
    assert rows == told
    assert {alert.group_by for alert in DEFAULT_ALERTS} == {"key"}


def test_the_message_is_what_is_sent() -> None:
    """The JSON is the payload of such a group."""
    by = rule(title="Order rejected", fields=["quantity"], group_by="key")
    first, latest = (
        alert(
            Rejected(
                quantity=Decimal(quantity), reason=f"position of {size} exceeds 2 (limit_btc)"
            ),
            sequence,
            by=by,
            at=at,
        )
        for quantity, size, sequence, at in (("1.50", 3, 1, 0), ("2.50", 4, 2, 5))
    )
    assert json.loads(block("json")) == message(first, latest, 2, {"sample.rejected": 2})
