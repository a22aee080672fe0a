"""Events and envelopes that the tests of the log write about."""

from __future__ import annotations

from typing import Any

from hookbus import Envelope, Event
from hookbus.envelope import Origin
from pydantic import Field, SecretStr

NOON = 1_388_664_000_000_000_000
"""2014-01-02 12:00 UTC, in nanoseconds since 1970."""


class Traded(Event, type="sample.traded", key="symbol"):
    """An ordinary event."""

    symbol: str = Field("BTC", description="instrument")
    price: float = Field(1.5, description="price")


class Ticked(Event, type="sample.ticked", high_frequency=True):
    """An event that comes in floods."""

    size: int = Field(1, description="size")


class Halted(Event, type="sample.halted", high_frequency=True, critical=True):
    """A critical event that comes in floods."""


class Failed(Event, type="sample.failed"):
    """An event whose name says that something failed."""


class Finished(Event, type="sample.finished"):
    """An event that may carry an error."""

    error: str | None = Field(None, description="why it failed")


class Anything(Event, type="sample.anything"):
    """An event that holds whatever the test needs."""

    value: Any = Field(None, description="any value")
    level: str = Field("", description="a field that is called like a part of the line")
    stack: str = Field("", description="text of several lines")
    password: SecretStr = Field(SecretStr("hunter2"), description="a secret")


def envelope(event: Event, sequence: int = 7, *, cause: int | None = None) -> Envelope:
    """An event as the bus would hand it over, published at noon by the plugin `paper`."""
    root = sequence if cause is None else cause
    return Envelope(event, sequence, NOON + sequence * 1000, Origin("run", "paper"), root, cause, 0)


def envelopes(count: int) -> list[Envelope]:
    """Ordinary events, one after the other."""
    return [envelope(Traded(price=float(number)), number) for number in range(1, count + 1)]
