"""Events, envelopes, alerts and settings that the tests of the alerts use."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hookbus import Envelope, Event
from hookbus.envelope import Origin
from hookbus_discord.alerts import Alert, Rule
from hookbus_discord.settings import AlertSettings
from pydantic import Field, SecretStr

from tests.plugins.discord.discord import TOKEN

NOON = 1_704_110_400_000_000_000
"""2024-01-01 12:00 UTC, in nanoseconds since 1970."""

SECOND = 1_000_000_000

URL = f"https://discord.com/api/webhooks/42/{TOKEN}"
"""A valid address of a webhook that does not exist."""


class Rejected(Event, type="sample.rejected", key="symbol"):
    """An ordinary event that somebody wants to know of."""

    symbol: str = Field("BTC", description="instrument")
    quantity: Decimal = Field(Decimal("1.50"), description="how much")
    reason: str = Field("too much risk", description="why")


class Halted(Event, type="sample.halted", critical=True):
    """An event that everybody must know of."""

    reason: str = Field("drawdown", description="why")


class Anything(Event, type="sample.anything"):
    """An event that holds whatever the test needs."""

    value: Any = Field(None, description="any value")
    other: Any = Field(None, description="any other value")
    reason: str = Field("", description="why")
    password: SecretStr = Field(SecretStr("hunter2"), description="a secret")


def rule(number: int = 1, window: float = 300.0, **settings: Any) -> Rule:
    """A rule for everything, with the settings that matter to the test."""
    settings.setdefault("patterns", ("*",))
    return Rule(AlertSettings(**settings), number, round(window * SECOND))


def envelope(
    event: Event, sequence: int = 1, *, cause: int | None = None, at: float = 0
) -> Envelope:
    """An event as the bus would hand it over, `at` seconds after noon, from the plugin `risk`."""
    root = sequence if cause is None else cause
    time_ns = NOON + round(at * SECOND)
    return Envelope(event, sequence, time_ns, Origin("run", "risk"), root, cause, 0)


def alert(
    event: Event | None = None,
    sequence: int = 1,
    *,
    by: Rule | None = None,
    cause: int | None = None,
    at: float = 0,
) -> Alert:
    """One alert, at noon and ungrouped unless the test says otherwise."""
    found = envelope(event or Rejected(), sequence, cause=cause, at=at)
    return Alert(by or rule(group_by="none"), found)
