"""Transports: what takes a message to Discord, or in a back-test only seems to."""

from __future__ import annotations

from typing import Any, Protocol

from hookbus_discord.addresses import Address
from hookbus_discord.replies import Reply, Unreachable


class Transport(Protocol):
    """Posts a message to a webhook or, with a `message_id`, edits one; never raises for the net."""

    async def send(
        self, address: Address, message_id: str | None, body: dict[str, Any]
    ) -> Reply | Unreachable:
        """Send once and return the answer."""


class Rehearsal:
    """Accepts every message at once and sends none, so that a back-test alerts nobody."""

    def __init__(self) -> None:
        self._posted = 0

    async def send(self, _: Address, message_id: str | None, __: dict[str, Any]) -> Reply:
        """Answer as Discord does."""
        self._posted += message_id is None
        return Reply(200, body={"id": message_id or str(self._posted)})
