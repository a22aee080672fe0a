"""Contracts: what a plugin may provide to the host, or to another plugin, as a service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

from hookbus.envelope import Envelope


@runtime_checkable
class Journal(Protocol):
    """The memory behind durable subscriptions.

    This version of the host does not use it yet and refuses `delivery="durable"`; the contract says
    what a journal must promise. An event that a durable subscription wants is dispatched only
    after `append` has returned.
    """

    async def append(self, envelopes: Sequence[Envelope]) -> None:
        """Store envelopes, in order; return only when they survive a crash.

        Raises an error, and stores none of them, when it cannot promise that.
        """

    def read(self, consumer: str, types: Sequence[str]) -> AsyncIterator[Envelope]:
        """The stored envelopes of these wire names after the consumer's offset, in order."""

    async def acknowledge(self, consumer: str, envelope: Envelope) -> None:
        """Move the consumer's offset past an envelope that it has handled or given up."""
